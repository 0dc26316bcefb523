// Names and directories: make, rename, remove, set attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "../descriptor.h"
#include "operations.h"
#include "times.h"

namespace reflink_merge {
namespace {

Result Answer(int result, Call call) {
  if (result == 0) return {};
  return Outcome{errno, call};
}

Outcome SetDirectoryMode(int dir, const char* name, mode_t mode) {
  const Descriptor made(openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made.ok()) return {errno, Call::kOpen};
  struct stat status{};
  if (fstat(made.get(), &status) != 0) return {errno, Call::kStat};
  // Compared with the set-group-ID bit left out: it is inherited from the parent, not ours.
  if ((status.st_mode & 0777) == mode) return {};
  const mode_t inherited = status.st_mode & S_ISGID;
  if (fchmod(made.get(), mode | inherited) != 0) return {errno, Call::kChmod};
  return {};
}

}  // namespace

Result Symlink(const Item& item, const Options&) {
  return Answer(symlinkat(item.name, item.to, item.to_name), Call::kSymlink);
}

Result CloneWholeDirectory(const Item& item, const Options&) {
  return CloneDirectory(item.from, item.name, item.to, item.to_name);
}

Result Rename(const Item& item, const Options&) {
  return Answer(renameat(item.from, item.name, item.to, item.to_name), Call::kRename);
}

Result RenameNoReplace(const Item& item, const Options&) {
  const int error = RenameExclusive(item.from, item.name, item.to, item.to_name);
  if (error != 0) return Outcome{error, Call::kRename};
  return {};
}

Result Exchange(const Item& item, const Options&) {
  const int error = RenameExchange(item.from, item.name, item.to, item.to_name);
  if (error != 0) return Outcome{error, Call::kRename};
  return {};
}

Result MakeDirectory(const Item& item, const Options& options) {
  if (mkdirat(item.to, item.to_name, static_cast<mode_t>(item.mode)) != 0) {
    return Outcome{errno, Call::kMakeDirectory};
  }
  if (!options.exact_mode) return {};
  const Outcome outcome = SetDirectoryMode(item.to, item.to_name, static_cast<mode_t>(item.mode));
  // A failure leaves nothing behind: anyone who tries again must not find the name taken.
  if (!outcome.ok()) unlinkat(item.to, item.to_name, AT_REMOVEDIR);
  return outcome;
}

Result Unlink(const Item& item, const Options&) {
  return Answer(unlinkat(item.to, item.to_name, 0), Call::kUnlink);
}

Result RemoveDirectory(const Item& item, const Options&) {
  return Answer(unlinkat(item.to, item.to_name, AT_REMOVEDIR), Call::kRemoveDirectory);
}

Result ChmodDirectory(const Item& item, const Options&) {
  return SetDirectoryMode(item.to, item.to_name, static_cast<mode_t>(item.mode));
}

// For directories and symlinks; a file gets its times through the descriptor that made it.
Result CopyTimes(const Item& item, const Options&) {
  struct stat status{};
  if (fstatat(item.from, item.name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return Outcome{errno, Call::kStat};
  }
  const timespec times[2] = {AccessTime(status), ModifyTime(status)};
  return Answer(utimensat(item.to, item.to_name, times, AT_SYMLINK_NOFOLLOW), Call::kTimes);
}

}  // namespace reflink_merge
