// Identity of two files' bytes, the cheap answers first.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "operations.h"
#include "source_file.h"

namespace reflink_merge {
namespace {

constexpr size_t kBufferBytes = 64 * 1024;

bool HaveSameExtents(const SourceFile& a, const SourceFile& b, bool flush) {
  // Both are as big.
  const auto size = static_cast<uint64_t>(a.status().st_size);
  Extents left;
  Extents right;
  if (ReadExtents(a.get(), size, flush, &left) != 0 || !left.comparable || left.list.empty()) {
    return false;
  }
  if (ReadExtents(b.get(), size, flush, &right) != 0 || !right.comparable) return false;
  return std::equal(left.list.begin(), left.list.end(), right.list.begin(), right.list.end(),
                    [](const Extent& x, const Extent& y) {
                      return x.logical == y.logical && x.physical == y.physical &&
                             x.length == y.length;
                    });
}

bool AreTogether(const SourceFile& a, const SourceFile& b) {
  return a.status().st_dev == b.status().st_dev || OnSameFileSystem(a.get(), b.get());
}

// The same place on disk for every byte: equal without reading one. False where nothing can be told
// but by reading, or where that costs less.
bool ShareAllExtents(const SourceFile& a, const SourceFile& b) {
  if (!AreTogether(a, b)) return false;
  CachedData left;
  CachedData right;
  const bool told = ReadCacheState(a.get(), &left) == 0 && ReadCacheState(b.get(), &right) == 0;
  // What was written to a clone a moment ago has no place of its own yet, so that the old one still
  // shows. Reading it, from memory, costs less than to wait for the disk.
  if (left.dirty || right.dirty) return false;
  // Nor does what is in memory anyway: two small reads take a third of the time of two extent maps.
  const auto size = static_cast<uint64_t>(a.status().st_size);
  if (told && size <= kBufferBytes && left.bytes >= size && right.bytes >= size) return false;
  if (!HaveSameExtents(a, b, false)) return false;
  // Where the system does not tell, they are flushed: that waits, so only those that look the same.
  return told || HaveSameExtents(a, b, true);
}

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

Outcome CompareBytes(int a, int b, off_t size, bool* equal) {
  std::array<char, kBufferBytes> left;
  std::array<char, kBufferBytes> right;
  for (off_t offset = 0; offset < size;) {
    const size_t wanted = static_cast<size_t>(std::min<off_t>(size - offset, kBufferBytes));
    const ssize_t got = ReadFully(a, left.data(), wanted, offset);
    if (got < 0) return {errno, Call::kRead};
    const ssize_t other = ReadFully(b, right.data(), wanted, offset);
    if (other < 0) return {errno, Call::kRead};
    // A file that shrank since its size was read has other bytes than it had.
    if (got != other || static_cast<size_t>(got) != wanted) return {};
    if (std::memcmp(left.data(), right.data(), wanted) != 0) return {};
    offset += got;
  }
  *equal = true;
  return {};
}

}  // namespace

Result Compare(const Item& item, const Options&) {
  const SourceFile a(item.from, item.name);
  if (!a.outcome().ok()) return a.outcome();
  const SourceFile b(item.to, item.to_name);
  if (!b.outcome().ok()) return b.outcome();
  Result result;
  const struct stat& left = a.status();
  const struct stat& right = b.status();
  result.same_mode = ((left.st_mode ^ right.st_mode) & 0777) == 0;
  result.bytes = static_cast<double>(left.st_size);
  if (left.st_dev == right.st_dev && left.st_ino == right.st_ino) {
    result.equal = Equality::kSameFile;
    return result;
  }
  if (left.st_size != right.st_size) return result;
  bool equal = left.st_size == 0 || ShareAllExtents(a, b);
  if (!equal) {
    const Outcome outcome = CompareBytes(a.get(), b.get(), left.st_size, &equal);
    if (!outcome.ok()) return outcome;
  }
  if (equal) result.equal = Equality::kSameBytes;
  return result;
}

}  // namespace reflink_merge
