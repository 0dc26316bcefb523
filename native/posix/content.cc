// Files whose bytes the caller gives, and symlinks by their text.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "new_file.h"
#include "operations.h"
#include "source_file.h"

namespace reflink_merge {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;

Outcome WriteAll(int file, std::string_view content) {
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t put = write(file, content.data() + done, content.size() - done);
    if (put < 0) return {errno, Call::kWrite};
    done += static_cast<size_t>(put);
  }
  return {};
}

Outcome HasBytes(int file, std::string_view content, bool* equal) {
  std::array<char, kBufferBytes> buffer;
  size_t done = 0;
  while (done < content.size()) {
    const size_t wanted = std::min(content.size() - done, buffer.size());
    const ssize_t got = pread(file, buffer.data(), wanted, static_cast<off_t>(done));
    if (got < 0) return {errno, Call::kRead};
    // A file that shrank since its size was read has other bytes than it had.
    if (got == 0) return {};
    const auto count = static_cast<size_t>(got);
    if (std::memcmp(buffer.data(), content.data() + done, count) != 0) return {};
    done += count;
  }
  *equal = true;
  return {};
}

}  // namespace

Result WriteContent(const Item& item, const Options& options) {
  const mode_t mode = static_cast<mode_t>(item.mode) | (options.writable ? S_IWUSR : 0);
  NewFile file(item.to, item.to_name, mode);
  if (file.error() != 0) return Outcome{file.error(), Call::kCreate};
  const Outcome outcome = WriteAll(file.get(), item.content);
  if (!outcome.ok()) return outcome;
  // The mode given at creation passes through the umask or a default ACL.
  if (!options.as_made && fchmod(file.get(), mode) != 0) return Outcome{errno, Call::kChmod};
  close(file.Keep());
  Result result;
  result.bytes = static_cast<double>(item.content.size());
  return result;
}

Result CompareContent(const Item& item, const Options&) {
  const SourceFile file(item.to, item.to_name);
  if (!file.outcome().ok()) return file.outcome();
  Result result;
  result.same_mode = ((file.status().st_mode ^ item.mode) & 0777) == 0;
  result.bytes = static_cast<double>(item.content.size());
  if (static_cast<uint64_t>(file.status().st_size) != item.content.size()) return result;
  bool equal = false;
  const Outcome outcome = HasBytes(file.get(), item.content, &equal);
  if (!outcome.ok()) return outcome;
  if (equal) result.equal = Equality::kSameBytes;
  return result;
}

Result CompareLink(const Item& item, const Options&) {
  const std::string_view wanted = item.name;
  // One more than wanted: a full buffer means that there is a longer text.
  std::string text(wanted.size() + 1, '\0');
  const ssize_t got = readlinkat(item.to, item.to_name, text.data(), text.size());
  if (got < 0) return Outcome{errno, Call::kReadLink};
  Result result;
  result.same_mode = true;
  text.resize(static_cast<size_t>(got));
  if (text == wanted) result.equal = Equality::kSameBytes;
  return result;
}

}  // namespace reflink_merge
