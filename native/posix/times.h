// macOS spells the nanosecond fields of struct stat its own way.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace reflink_merge {

#ifdef __APPLE__
inline timespec AccessTime(const struct stat& status) { return status.st_atimespec; }
inline timespec ModifyTime(const struct stat& status) { return status.st_mtimespec; }
inline timespec ChangeTime(const struct stat& status) { return status.st_ctimespec; }
#else
inline timespec AccessTime(const struct stat& status) { return status.st_atim; }
inline timespec ModifyTime(const struct stat& status) { return status.st_mtim; }
inline timespec ChangeTime(const struct stat& status) { return status.st_ctim; }
#endif

inline uint64_t Nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1000000000U + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace reflink_merge
