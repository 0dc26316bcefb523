// What entries are, in columns: one entry an index in each.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../contract.h"

namespace reflink_merge {

enum class Kind : uint8_t {
  kMissing,
  kFile,
  kDirectory,
  kSymlink,
  kOther,    // fifo, socket, device
  kOddLink,  // a symlink whose text is not UTF-8: JavaScript cannot give it back as it is
};

struct StatusColumns {
  std::vector<uint8_t> kinds;
  std::vector<uint16_t> modes;  // 07777
  std::vector<double> sizes;    // bytes
  // The text of the symlinks, NUL after each, in the entries' order.
  std::string targets;

  void Reserve(size_t count);
  // Looks at `name` in `dir` without following it, and reads its text if it is a symlink.
  Outcome Add(int dir, const char* name, struct stat* status);
  void AddMissing();

 private:
  Outcome AddTarget(int dir, const char* name, off_t length, Kind* kind);
};

}  // namespace reflink_merge
