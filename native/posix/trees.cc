#include "trees.h"

#include <string_view>

namespace reflink_merge {
namespace {

Place Below(const Place& place, std::string_view path) {
  Place joined = place;
  if (!joined.path.empty() && !path.empty()) joined.path += '/';
  joined.path += path;
  return joined;
}

}  // namespace

Place SourceOf(const TreeJob& job, size_t directory) {
  return Below(job.from, job.paths[directory]);
}

Place TargetOf(const TreeJob& job, size_t directory) {
  std::string_view path = job.paths[directory];
  path.remove_prefix(job.skip);
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  return Below(job.to, path);
}

Place FilesOf(const TreeJob& job, size_t directory) {
  return job.sources.size() == 0 ? SourceOf(job, directory) : job.from;
}

bool Rows::IsWanted(size_t row) {
  kind_ = job_.kinds.empty() ? Row::kFile : static_cast<Row>(job_.kinds[row]);
  if (kind_ == Row::kContent) contents_++;
  return job_.wanted.empty() || job_.wanted[row] != 0;
}

bool Rows::HasNames(size_t row) const {
  if (!IsName(job_.names[row])) return false;
  return kind_ != Row::kFile || job_.sources.size() == 0 || IsSourcePath(job_.sources[row]);
}

Item Rows::ItemAt(size_t row, int from, int to) const {
  const char* name = job_.names[row];
  const char* source = job_.sources.size() == 0 ? name : job_.sources[row];
  Item item = {from, source, to, name, kSourceMode, {}};
  if (!job_.file_modes.empty()) item.mode = job_.file_modes[row];
  if (kind_ == Row::kContent) item.content = job_.contents[contents_ - 1];
  return item;
}

}  // namespace reflink_merge
