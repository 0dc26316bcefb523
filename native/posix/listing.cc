#include "listing.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "../names.h"
#include "read_names.h"

namespace reflink_merge {
namespace {

void Append(std::string* joined, const std::string& name) {
  *joined += name;
  joined->push_back('\0');
}

// One directory, into the listings.
class Reading {
 public:
  explicit Reading(Listings* into) : into_(into) {}

  Outcome Run(Walk* walk, const Place& place) {
    Descriptor descriptor = walk->Read(place);
    if (!descriptor.ok()) return {walk->error(), Call::kOpen};
    struct stat status{};
    if (fstat(descriptor.get(), &status) != 0) return {errno, Call::kStat};
    mode = static_cast<uint16_t>(status.st_mode & 07777);
    device = static_cast<double>(status.st_dev);
    const DirectoryStream directory = OpenStream(&descriptor);
    if (directory == nullptr) return {errno, Call::kList};
    Names names;
    const Outcome outcome = ReadNames(directory.get(), &names);
    if (!outcome.ok()) return outcome;
    for (const std::string& name : names.not_utf8) Append(&into_->not_utf8, name);
    not_utf8 = static_cast<uint32_t>(names.not_utf8.size());
    distinct = AreDistinct(names);
    plain = names.not_utf8.empty();
    const size_t start = into_->names.size();
    const Outcome others = AddAll(dirfd(directory.get()), names.others, Kind::kFile);
    file_name_bytes = static_cast<uint32_t>(into_->names.size() - start);
    if (!others.ok()) return others;
    directories = static_cast<uint32_t>(names.directories.size());
    const Outcome last = AddAll(dirfd(directory.get()), names.directories, Kind::kDirectory);
    directory_name_bytes = static_cast<uint32_t>(into_->names.size() - start - file_name_bytes);
    return last;
  }

  uint16_t mode = 0;
  double device = 0;
  uint32_t count = 0;
  uint32_t not_utf8 = 0;
  std::string failed_name;
  bool plain = false;
  bool distinct = false;
  uint32_t directories = 0;
  double bytes = 0;
  uint32_t file_name_bytes = 0;
  uint32_t directory_name_bytes = 0;

 private:
  // `plain_kind`: what they all are in a plain directory.
  Outcome AddAll(int directory, const std::vector<std::string>& names, Kind plain_kind) {
    const bool files = plain_kind == Kind::kFile;
    struct stat status{};
    for (const std::string& name : names) {
      const Outcome outcome = into_->columns.Add(directory, name.c_str(), &status);
      if (!outcome.ok()) {
        failed_name = name;
        return outcome;
      }
      const bool special = files && (status.st_mode & 07000) != 0;
      const bool expected = into_->columns.kinds.back() == static_cast<uint8_t>(plain_kind);
      plain = plain && expected && !special && IsName(name) && !MayBeReserved(name);
      if (files) bytes += static_cast<double>(status.st_size);
      Append(&into_->names, name);
      count++;
    }
    return {};
  }

  Listings* into_;
};

}  // namespace

void Listings::Add(Walk* walk, const Place& place) {
  Reading reading(this);
  const Outcome outcome = reading.Run(walk, place);
  errnos.push_back(outcome.error);
  calls.push_back(static_cast<uint8_t>(outcome.call));
  modes.push_back(reading.mode);
  devices.push_back(reading.device);
  counts.push_back(reading.count);
  not_utf8_counts.push_back(reading.not_utf8);
  plain.push_back(outcome.ok() && reading.plain ? 1 : 0);
  distinct.push_back(outcome.ok() && reading.distinct ? 1 : 0);
  directories.push_back(reading.directories);
  bytes.push_back(reading.bytes);
  file_name_bytes.push_back(reading.file_name_bytes);
  directory_name_bytes.push_back(reading.directory_name_bytes);
  Append(&failed_names, reading.failed_name);
}

}  // namespace reflink_merge
