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

}  // namespace reflink_merge
