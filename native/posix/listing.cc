#include "listing.h"

#include <dirent.h>

#include <cerrno>
#include <memory>

#include "../names.h"

namespace reflink_merge {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

void Append(std::string* joined, const std::string& name) {
  *joined += name;
  joined->push_back('\0');
}

Outcome ReadNames(DIR* directory, std::string* names, std::string* not_utf8) {
  for (;;) {
    errno = 0;
    // One stream a thread: what readdir_r was for. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const dirent* entry = readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) return {errno, Call::kList};
      return {};
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    Append(IsUtf8(name) ? names : not_utf8, name);
  }
}

}  // namespace

Listing List(const Place& place) {
  Listing listing;
  OpenPlace opened(place, Access::kRead);
  if (opened.error() != 0) {
    listing.outcome = {opened.error(), Call::kOpen};
    return listing;
  }
  Descriptor descriptor(opened.Release());
  struct stat status{};
  if (fstat(descriptor.get(), &status) != 0) {
    listing.outcome = {errno, Call::kStat};
    return listing;
  }
  listing.mode = static_cast<uint16_t>(status.st_mode & 07777);
  listing.device = static_cast<double>(status.st_dev);
  const std::unique_ptr<DIR, CloseDirectory> directory(fdopendir(descriptor.get()));
  if (directory == nullptr) {
    listing.outcome = {errno, Call::kList};
    return listing;
  }
  descriptor.Release();  // closedir closes it
  listing.outcome = ReadNames(directory.get(), &listing.names, &listing.not_utf8);
  if (!listing.outcome.ok()) return listing;
  const NameList names(listing.names);
  listing.columns.Reserve(names.size());
  for (size_t i = 0; i < names.size(); i++) {
    listing.outcome = listing.columns.Add(dirfd(directory.get()), names[i], &status);
    if (!listing.outcome.ok()) {
      listing.failed_name = names[i];
      return listing;
    }
  }
  return listing;
}

}  // namespace reflink_merge
