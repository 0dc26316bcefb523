#include "read_names.h"

#include <cerrno>
#include <string_view>
#include <utility>

#include "../names.h"

namespace reflink_merge {

DirectoryStream OpenStream(Descriptor* directory) {
  DirectoryStream stream(fdopendir(directory->get()));
  if (stream != nullptr) directory->Release();  // closedir closes it
  return stream;
}

Outcome ReadNames(DIR* directory, Names* names) {
  for (;;) {
    errno = 0;
    // One stream a thread: what readdir_r was for. NOLINTNEXTLINE(concurrency-mt-unsafe)
    const dirent* entry = readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) return {errno, Call::kList};
      return {};
    }
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (!IsUtf8(name)) {
      names->not_utf8.push_back(std::move(name));
      continue;
    }
    std::vector<std::string>& list = entry->d_type == DT_DIR ? names->directories : names->others;
    list.push_back(std::move(name));
    if (entry->d_type != DT_DIR && entry->d_type != DT_REG) names->regular = false;
  }
}

bool AreDistinct(const Names& names) {
  if (!names.not_utf8.empty()) return false;
  std::vector<std::string_view> all(names.others.begin(), names.others.end());
  all.insert(all.end(), names.directories.begin(), names.directories.end());
  return AreDistinct(all);
}

}  // namespace reflink_merge
