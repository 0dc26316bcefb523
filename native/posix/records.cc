#include "records.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "../names.h"
#include "new_file.h"
#include "source_file.h"

namespace reflink_merge {

Outcome WriteRecord(const Place& place, const std::string& name, const std::string& text) {
  if (!IsName(name)) return {EINVAL, Call::kName};
  Walk walk;
  const int directory = walk.Search(place);
  if (directory < 0) return {walk.error(), Call::kOpen};
  NewFile file(directory, name.c_str(), 0600);
  if (file.error() != 0) return {file.error(), Call::kCreate};
  for (size_t done = 0; done < text.size();) {
    const ssize_t put = write(file.get(), text.data() + done, text.size() - done);
    if (put < 0) return {errno, Call::kWrite};
    done += static_cast<size_t>(put);
  }
  // Some file systems tell only now that there was no room.
  if (close(file.Keep()) == 0) return {};
  const int error = errno;
  unlinkat(directory, name.c_str(), 0);
  return {error, Call::kWrite};
}

Outcome ReadRecord(const Place& place, const std::string& name, std::string* text) {
  if (!IsName(name)) return {EINVAL, Call::kName};
  Walk walk;
  const int directory = walk.Search(place);
  if (directory < 0) return {walk.error(), Call::kOpen};
  const SourceFile file(directory, name.c_str());
  if (!file.outcome().ok()) return file.outcome();
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return {errno, Call::kRead};
    if (got == 0) return {};
    text->append(buffer.data(), static_cast<size_t>(got));
  }
}

Outcome Sync(int directory) {
  const int error = SyncFileSystem(directory);
  return error == 0 ? Outcome{} : Outcome{error, Call::kSync};
}

}  // namespace reflink_merge
