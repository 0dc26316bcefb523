#include "place.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "../names.h"
#include "leap.h"

namespace reflink_merge {
namespace {

#ifdef O_PATH
// Needs search permission only, as a path walk does.
constexpr int kSearchFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
#else
constexpr int kSearchFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
#endif
constexpr int kReadFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// Directories that stay open at the end of a way: its last one, for its children, and two above it,
// for siblings. More would save little and cost descriptors.
constexpr size_t kOpenLevels = 3;

}  // namespace

Entry EntryOf(const Place& place) {
  const size_t slash = place.path.rfind('/');
  const bool nested = slash != std::string::npos;
  return {{place.base, place.root, nested ? place.path.substr(0, slash) : ""},
          place.path.substr(nested ? slash + 1 : 0)};
}

int Walk::Fail() {
  error_ = errno;
  return -1;
}

void Walk::Forget() {
  levels_.clear();
  start_.Reset();
  started_ = false;
}

bool Walk::IsAtStartOf(const Place& place) const {
  return started_ && place.base == base_ &&
         (base_ >= 0 || place.root == root_ || *place.root == *root_);
}

int Walk::StartDirectory() const { return base_ >= 0 ? base_ : start_.get(); }

bool Walk::Start(const Place& place) {
  Forget();
  base_ = place.base;
  if (base_ < 0) {
    root_ = place.root;
    start_ = Descriptor(open(root_->c_str(), kSearchFlags));
    if (!start_.ok()) return false;
  }
  started_ = true;
  return true;
}

size_t Walk::Return(std::string_view path) {
  size_t common = 0;
  for (size_t at = 0; common < levels_.size() && at < path.size(); common++) {
    const std::string& name = levels_[common].name;
    const size_t end = at + name.size();
    if (path.compare(at, name.size(), name) != 0) break;
    if (end < path.size() && path[end] != '/') break;
    at = end + 1;
  }
  // Where the last common directory is closed, the way begins anew below the last open one.
  while (common > 0 && !levels_[common - 1].directory.ok()) common--;
  levels_.resize(common);
  return common;
}

int Walk::Last() const {
  return levels_.empty() ? StartDirectory() : levels_.back().directory.get();
}

bool Walk::Step(std::string_view name) {
  Level level;
  level.name = name;
  level.directory = Descriptor(openat(Last(), level.name.c_str(), kSearchFlags | O_NOFOLLOW));
  if (!level.directory.ok()) return false;
  levels_.push_back(std::move(level));
  if (levels_.size() > kOpenLevels) levels_[levels_.size() - 1 - kOpenLevels].directory.Reset();
  return true;
}

// Stops before the last names: they are opened one by one, and stay open.
size_t Walk::Leap(size_t at, std::string_view path) {
  size_t end = path.size();
  for (size_t i = 0; i < kOpenLevels && end != std::string_view::npos; i++) {
    end = end == 0 ? std::string_view::npos : path.rfind('/', end - 1);
  }
  if (end == std::string_view::npos) return at;
  while (end > at && end - at >= kShortestLeap) {
    size_t length = end - at;
    if (length > kLongestLeap) length = path.rfind('/', at + kLongestLeap) - at;
    Descriptor directory = OpenWithoutSymlinks(Last(), std::string(path.substr(at, length)));
    if (!directory.ok()) break;  // name by name tells why
    for (auto level = levels_.rbegin(); level != levels_.rend() && level->directory.ok(); ++level) {
      level->directory.Reset();
    }
    for (const size_t stop = at + length; at < stop;) {
      const size_t slash = std::min(path.find('/', at), stop);
      levels_.emplace_back();
      levels_.back().name = path.substr(at, slash - at);
      at = slash + 1;
    }
    levels_.back().directory = std::move(directory);
  }
  return at;
}

// One openat with O_NOFOLLOW for each name. A path-based open would follow a symlink that somebody
// swaps in between two names; this walk never did in 20,000 swaps.
bool Walk::Descend(size_t known, std::string_view path) {
  size_t at = 0;
  for (size_t i = 0; i < known; i++) at += levels_[i].name.size() + 1;
  if (path.size() > at && path.size() - at > kShortestLeap) at = Leap(at, path);
  while (at < path.size()) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (!Step(path.substr(at, slash - at))) return false;
    at = slash + 1;
  }
  return true;
}

int Walk::Search(const Place& place) {
  error_ = 0;
  if (!IsRelativePath(place.path)) {
    error_ = EINVAL;
    return -1;
  }
  if (!IsAtStartOf(place) && !Start(place)) return Fail();
  if (!Descend(Return(place.path), place.path)) return Fail();
  return levels_.empty() ? StartDirectory() : levels_.back().directory.get();
}

Descriptor Walk::Read(const Place& place) {
  if (!IsRelativePath(place.path)) {
    error_ = EINVAL;
    return {};
  }
  const auto [parent, name] = EntryOf(place);
  const int above = Search(parent);
  if (above < 0) return {};
  // "." opens the base itself anew.
  Descriptor read(openat(above, name.empty() ? "." : name.c_str(), kReadFlags | O_NOFOLLOW));
  if (!read.ok()) Fail();
  return read;
}

}  // namespace reflink_merge
