#include "columns.h"

#include <string_view>
#include <utility>

namespace reflink_merge {

const char* ReadTexts(std::string joined, NameList* texts) {
  if (!joined.empty() && joined.back() != '\0') return "must have a NUL after each";
  *texts = NameList(std::move(joined));
  return nullptr;
}

const char* ReadPlaces(const std::vector<Place>& bases, const std::vector<uint32_t>& indexes,
                       const NameList& paths, std::vector<Place>* all) {
  if (indexes.size() != paths.size()) return "must have as many bases as paths";
  all->reserve(indexes.size());
  for (size_t i = 0; i < indexes.size(); i++) {
    if (indexes[i] >= bases.size()) return "has the index of a base that is not there";
    all->push_back(bases[indexes[i]]);
    all->back().path = paths[i];
  }
  return nullptr;
}

const char* CheckCounts(const Jobs& jobs, Sides sides) {
  const size_t pairs = jobs.counts.size();
  if (jobs.to.size() != pairs || (sides == Sides::kBoth && jobs.from.size() != pairs)) {
    return "counts must have a number for each place";
  }
  uint64_t names = 0;
  for (const uint32_t count : jobs.counts) names += count;
  if (names != jobs.names.size()) return "names must hold as many names as counts tells";
  if (jobs.to_names.size() != 0 && jobs.to_names.size() != names) {
    return "toNames must hold as many names as names";
  }
  if (!jobs.modes.empty() && jobs.modes.size() != names) {
    return "modes must hold a number for each name";
  }
  if (!jobs.contents.empty() && jobs.contents.size() != names) {
    return "contents must hold one for each name";
  }
  return nullptr;
}

namespace {

const char* CheckRows(const TreeJob& job) {
  const size_t rows = job.names.size();
  const auto fits = [rows](size_t size) { return size == 0 || size == rows; };
  if (!fits(job.kinds.size()) || !fits(job.sources.size()) || !fits(job.file_modes.size()) ||
      !fits(job.wanted.size())) {
    return "kinds, sources, fileModes and wanted must have one for each name";
  }
  size_t contents = 0;
  for (const uint8_t kind : job.kinds) {
    if (kind > static_cast<uint8_t>(Row::kContent)) return "kinds must hold numbers up to 2";
    if (kind == static_cast<uint8_t>(Row::kContent)) contents++;
    if (kind == static_cast<uint8_t>(Row::kSymlink) && job.sources.size() == 0) {
      return "sources must hold the text of each symlink";
    }
  }
  if (job.contents.size() != contents) return "contents must hold one for each that kinds tells";
  return nullptr;
}

}  // namespace

const char* CheckTree(const TreeJob& job) {
  const size_t directories = job.paths.size();
  if (job.counts.size() != directories || job.modes.size() != directories) {
    return "counts and modes must have a number for each path";
  }
  for (size_t i = 0; i < directories; i++) {
    if (std::string_view(job.paths[i]).size() < job.skip) return "skip must be within each path";
  }
  uint64_t names = 0;
  for (const uint32_t count : job.counts) names += count;
  if (names != job.names.size()) return "names must hold as many names as counts tells";
  if (job.made > directories) return "made must be a number of its directories";
  return CheckRows(job);
}

}  // namespace reflink_merge
