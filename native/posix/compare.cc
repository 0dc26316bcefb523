// Identity of two files' bytes, the cheap answers first.
#include <algorithm>

#include "operations.h"
#include "same_bytes.h"
#include "source_file.h"

namespace reflink_merge {
namespace {

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

// The same place on disk for every byte: equal without reading one. False where nothing can be
// known but by reading, or where that costs less.
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
  if (told && size <= kCompareBytes && left.bytes >= size && right.bytes >= size) return false;
  if (!HaveSameExtents(a, b, false)) return false;
  // Where the system does not say, they are flushed: that waits, so only those that look the same.
  return told || HaveSameExtents(a, b, true);
}

// Files that the kernel or a FUSE server writes at each read take no room on a disk, and are said
// to have no bytes (proc), or a page (sysfs).
bool MayHoldMore(const struct stat& status) { return status.st_size == 0 || status.st_blocks == 0; }

// What was equal may be so no more, or may never have been as a whole.
Outcome StayedTheSame(const SourceFile& a, const SourceFile& b, bool* same) {
  SourceFile::Since left = SourceFile::Since::kSame;
  SourceFile::Since right = SourceFile::Since::kSame;
  Outcome outcome = a.Look(&left);
  if (outcome.ok()) outcome = b.Look(&right);
  *same = left != SourceFile::Since::kChanged && right != SourceFile::Since::kChanged;
  return outcome;
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
  const uint32_t mode = item.mode == kSourceMode ? left.st_mode : item.mode;
  result.same_mode = ((mode ^ right.st_mode) & 0777) == 0;
  result.bytes = static_cast<double>(left.st_size);
  if (left.st_dev == right.st_dev && left.st_ino == right.st_ino) {
    result.equal = Equality::kSameFile;
    return result;
  }
  if (left.st_size != right.st_size && !MayHoldMore(left) && !MayHoldMore(right)) return result;
  bool equal = left.st_size != 0 && left.st_size == right.st_size && ShareAllExtents(a, b);
  if (!equal) {
    off_t length = 0;
    const Outcome outcome = HaveSameBytes(a.get(), b.get(), &equal, &length);
    if (!outcome.ok()) return outcome;
    result.bytes = static_cast<double>(length);
  }
  if (!equal) return result;
  const Outcome outcome = StayedTheSame(a, b, &equal);
  if (!outcome.ok()) return outcome;
  if (equal) result.equal = Equality::kSameBytes;
  return result;
}

}  // namespace reflink_merge
