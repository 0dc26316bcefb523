#include "status.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "../names.h"

namespace reflink_merge {
namespace {

Kind KindOf(mode_t mode) {
  if (S_ISREG(mode)) return Kind::kFile;
  if (S_ISDIR(mode)) return Kind::kDirectory;
  if (S_ISLNK(mode)) return Kind::kSymlink;
  return Kind::kOther;
}

}  // namespace

void StatusColumns::Reserve(size_t count) {
  kinds.reserve(count);
  modes.reserve(count);
  sizes.reserve(count);
}

void StatusColumns::AddMissing() {
  kinds.push_back(static_cast<uint8_t>(Kind::kMissing));
  modes.push_back(0);
  sizes.push_back(0);
}

Outcome StatusColumns::AddTarget(int dir, const char* name, off_t length, Kind* kind) {
  // One more than told: a full buffer means that the link grew since.
  std::string target(static_cast<size_t>(length) + 1, '\0');
  for (;;) {
    const ssize_t got = readlinkat(dir, name, target.data(), target.size());
    if (got < 0) return {errno, Call::kReadLink};
    if (static_cast<size_t>(got) < target.size()) {
      target.resize(static_cast<size_t>(got));
      break;
    }
    target.resize(target.size() * 2);
  }
  if (!IsUtf8(target)) {
    *kind = Kind::kOddLink;
    return {};
  }
  targets += target;
  targets.push_back('\0');
  return {};
}

Outcome StatusColumns::Add(int dir, const char* name, struct stat* status) {
  if (fstatat(dir, name, status, AT_SYMLINK_NOFOLLOW) != 0) return {errno, Call::kStat};
  Kind kind = KindOf(status->st_mode);
  if (kind == Kind::kSymlink) {
    const Outcome outcome = AddTarget(dir, name, status->st_size, &kind);
    if (!outcome.ok()) return outcome;
  }
  kinds.push_back(static_cast<uint8_t>(kind));
  modes.push_back(static_cast<uint16_t>(status->st_mode & 07777));
  sizes.push_back(static_cast<double>(status->st_size));
  return {};
}

}  // namespace reflink_merge
