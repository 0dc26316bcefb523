#include "same_bytes.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace reflink_merge {
namespace {

// Reads until `size` bytes or the end of the file.
ssize_t ReadFully(int file, char* into, size_t size, off_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, into + done, size - done, offset + static_cast<off_t>(done));
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

Outcome HaveSameBytes(int a, int b, bool* equal, off_t* length) {
  std::array<char, kCompareBytes> left;
  std::array<char, kCompareBytes> right;
  *equal = false;
  *length = 0;
  for (;;) {
    const ssize_t got = ReadFully(a, left.data(), left.size(), *length);
    if (got < 0) return {errno, Call::kRead};
    const ssize_t other = ReadFully(b, right.data(), right.size(), *length);
    if (other < 0) return {errno, Call::kRead};
    if (got != other) return {};
    if (std::memcmp(left.data(), right.data(), static_cast<size_t>(got)) != 0) return {};
    *length += got;
    if (static_cast<size_t>(got) < left.size()) break;
  }
  *equal = true;
  return {};
}

}  // namespace reflink_merge
