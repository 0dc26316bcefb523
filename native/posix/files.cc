// Making one file out of another: clone, copy, link.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "copy_data.h"
#include "new_file.h"
#include "operations.h"
#include "same_bytes.h"
#include "source_file.h"
#include "times.h"

namespace reflink_merge {
namespace {

constexpr mode_t kPermissionBits = 0777;

mode_t WantedMode(const Item& item, const struct stat& source, const Options& options) {
  const mode_t mode = item.mode == kSourceMode ? source.st_mode : static_cast<mode_t>(item.mode);
  return (mode & kPermissionBits) | (options.writable ? S_IWUSR : 0);
}

// The mode given at creation passes through the umask or a default ACL, so look what it became.
Outcome SetAttributes(int file, mode_t mode, const struct stat& source, const Options& options) {
  struct stat made{};
  if (fstat(file, &made) != 0) return {errno, Call::kStat};
  const bool as_wanted = options.as_made || (made.st_mode & ~static_cast<mode_t>(S_IFMT)) == mode;
  if (!as_wanted && fchmod(file, mode) != 0) {
    return {errno, Call::kChmod};
  }
  if (options.times) {
    const timespec times[2] = {AccessTime(source), ModifyTime(source)};
    if (futimens(file, times) != 0) return {errno, Call::kTimes};
  }
  return {};
}

// A file that was written to meanwhile came out as a mix of what it was and what it is.
Outcome CheckUnchanged(const SourceFile& source, int made) {
  SourceFile::Since since = SourceFile::Since::kSame;
  Outcome outcome = source.Look(&since);
  if (outcome.ok() && since == SourceFile::Since::kMaybe) {
    bool equal = false;
    off_t length = 0;
    outcome = HaveSameBytes(source.get(), made, &equal, &length);
    if (!equal) since = SourceFile::Since::kChanged;
  }
  if (!outcome.ok()) return outcome;
  if (since == SourceFile::Since::kChanged) return {EBUSY, Call::kChanged};
  return {};
}

Result WithBytes(const Outcome& outcome, off_t bytes) {
  Result result = outcome;
  result.bytes = static_cast<double>(bytes);
  return result;
}

}  // namespace

Result Clone(const Item& item, const Options& options) {
  const SourceFile source(item.from, item.name);
  if (!source.outcome().ok()) return source.outcome();
  const mode_t mode = WantedMode(item, source.status(), options);
  int made = -1;
  Outcome outcome = CloneFile(source.get(), item.to, item.to_name, mode, &made);
  if (!outcome.ok()) return outcome;
  const Descriptor file(made);
  outcome = CheckUnchanged(source, file.get());
  if (outcome.ok()) outcome = SetAttributes(file.get(), mode, source.status(), options);
  if (outcome.ok() && options.drop_quarantine) {
    const int error = DropQuarantine(file.get());
    if (error != 0) outcome = {error, Call::kQuarantine};
  }
  if (!outcome.ok()) unlinkat(item.to, item.to_name, 0);
  return WithBytes(outcome, source.status().st_size);
}

Result Copy(const Item& item, const Options& options) {
  const SourceFile source(item.from, item.name);
  if (!source.outcome().ok()) return source.outcome();
  const mode_t mode = WantedMode(item, source.status(), options);
  NewFile file(item.to, item.to_name, mode);
  if (file.error() != 0) return Outcome{file.error(), Call::kCreate};
  off_t length = 0;
  Outcome outcome =
      CopyData(source.get(), source.status(), file.get(), options.in_kernel_copy, &length);
  if (outcome.ok()) outcome = CheckUnchanged(source, file.get());
  if (outcome.ok()) outcome = SetAttributes(file.get(), mode, source.status(), options);
  if (!outcome.ok()) return outcome;
  close(file.Keep());
  return WithBytes({}, length);
}

Result HardLink(const Item& item, const Options&) {
  // Flag 0: a symlink in the source's place would be linked itself, not followed.
  if (linkat(item.from, item.name, item.to, item.to_name, 0) != 0) {
    return Outcome{errno, Call::kLink};
  }
  return {};
}

Outcome ReflinkPath(const char* src, const char* dest) {
  return Clone({AT_FDCWD, src, AT_FDCWD, dest, kSourceMode, {}}, {}).outcome;
}

int TryLock(int file) { return flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

}  // namespace reflink_merge
