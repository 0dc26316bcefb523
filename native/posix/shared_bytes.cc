#include "../shared_bytes.h"

#include <algorithm>

#include "source_file.h"

namespace reflink_merge {
namespace {

// Extents of one file may overlap on disk (it may share with itself): count a byte once.
std::vector<Extent> ByPlaceOnDisk(std::vector<Extent> extents) {
  std::sort(extents.begin(), extents.end(),
            [](const Extent& x, const Extent& y) { return x.physical < y.physical; });
  std::vector<Extent> merged;
  for (const Extent& extent : extents) {
    if (!merged.empty() && extent.physical <= merged.back().physical + merged.back().length) {
      Extent& last = merged.back();
      last.length = std::max(last.length, extent.physical + extent.length - last.physical);
    } else {
      merged.push_back(extent);
    }
  }
  return merged;
}

// Blocks reach past the end of the file; only bytes of the file count.
void CutAt(uint64_t size, std::vector<Extent>* extents) {
  for (Extent& extent : *extents) {
    const uint64_t end = std::min(extent.logical + extent.length, size);
    extent.length = end > extent.logical ? end - extent.logical : 0;
  }
}

uint64_t Overlap(const std::vector<Extent>& left, const std::vector<Extent>& right) {
  uint64_t bytes = 0;
  size_t i = 0;
  size_t j = 0;
  while (i < left.size() && j < right.size()) {
    const uint64_t left_end = left[i].physical + left[i].length;
    const uint64_t right_end = right[j].physical + right[j].length;
    const uint64_t start = std::max(left[i].physical, right[j].physical);
    const uint64_t end = std::min(left_end, right_end);
    if (start < end) bytes += end - start;
    (left_end < right_end ? i : j) += 1;
  }
  return bytes;
}

Outcome ExtentsOf(const SourceFile& file, std::vector<Extent>* list) {
  if (!file.outcome().ok()) return file.outcome();
  Extents extents;
  const auto size = static_cast<uint64_t>(file.status().st_size);
  const int error = ReadExtents(file.get(), size, true, &extents);
  if (error != 0) return {error, Call::kExtents};
  CutAt(size, &extents.list);
  *list = ByPlaceOnDisk(std::move(extents.list));
  return {};
}

}  // namespace

SharedBytesResult SharedBytes(const std::string& a, const std::string& b) {
  const SourceFile first(AT_FDCWD, a.c_str());
  const SourceFile second(AT_FDCWD, b.c_str());
  SharedBytesResult result;
  std::vector<Extent> left;
  std::vector<Extent> right;
  result.outcome = ExtentsOf(first, &left);
  if (!result.outcome.ok()) return result;
  result.outcome = ExtentsOf(second, &right);
  result.second_failed = !result.outcome.ok();
  if (result.outcome.ok() && OnSameFileSystem(first.get(), second.get())) {
    result.bytes = Overlap(left, right);
  }
  return result;
}

}  // namespace reflink_merge
