#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "times.h"
#include "trees.h"

namespace reflink_merge {
namespace {

char SwapCase(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<char>(c - 'a' + 'A');
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c;
}

std::string Swapped(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), SwapCase);
  return name;
}

// Is a name there in the other case? Then one that is there may be another one.
bool IsThereSwapped(int directory, const std::string& name) {
  const std::string other = Swapped(name);
  struct stat status{};
  return other != name && fstatat(directory, other.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

// One tree, compared directory by directory until something differs.
class TreeMatcher {
 public:
  TreeMatcher(const TreeJob& job, bool bytes, bool own, Walk* from, Walk* to, TreeMatches* matches)
      : job_(job),
        rows_(job),
        compares_(bytes),
        own_(own),
        from_(from),
        to_(to),
        matches_(matches) {}

  void Run() {
    const size_t first = matches_->identities.size();
    matches_->identities.resize(first + job_.counts.size() * 4, 0);
    uint64_t* identity = matches_->identities.data() + first;
    bool same = true;
    size_t name = 0;
    for (size_t directory = 0; same && directory < job_.counts.size(); directory++) {
      const size_t end = name + job_.counts[directory];
      same = Look(directory, identity) && (!compares_ || HasFiles(directory, name, end));
      identity += 4;
      name = end;
    }
    matches_->same.push_back(same ? 1 : 0);
    matches_->bytes.push_back(bytes_);
  }

 private:
  bool Look(size_t directory, uint64_t* identity) {
    const Place place = TargetOf(job_, directory);
    if (directory > 0 && IsInOtherCase(place)) return false;
    struct stat status{};
    target_ = to_->Search(place);
    if (target_ < 0 || fstat(target_, &status) != 0) return false;
    identity[0] = static_cast<uint64_t>(status.st_dev);
    identity[1] = static_cast<uint64_t>(status.st_ino);
    identity[2] = Nanoseconds(ModifyTime(status));
    identity[3] = Nanoseconds(ChangeTime(status));
    return true;
  }

  // A directory below the first one: the place of that is the caller's.
  bool IsInOtherCase(const Place& place) {
    const auto [above, name] = EntryOf(place);
    const int directory = to_->Search(above);
    return directory >= 0 && IsThereSwapped(directory, name);
  }

  bool HasFiles(size_t directory, size_t first, size_t end) {
    if (first == end) return true;
    if (IgnoresCase(first, end)) return false;
    const int from = from_->Search(FilesOf(job_, directory));
    for (size_t row = first; row < end; row++) {
      if (!rows_.IsWanted(row)) continue;
      if (!rows_.HasNames(row)) return false;
      const Result result = CompareRow(rows_.ItemAt(row, from, target_));
      const bool linked = !own_ && result.equal == Equality::kSameFile;
      const bool same = result.equal == Equality::kSameBytes || linked;
      if (!result.outcome.ok() || !same || !result.same_mode) return false;
      bytes_ += result.bytes;
    }
    return true;
  }

  Result CompareRow(const Item& item) const {
    switch (rows_.kind()) {
      case Row::kSymlink:
        return CompareLink(item, {});
      case Row::kContent:
        return CompareContent(item, {});
      case Row::kFile:
        break;
    }
    if (item.from < 0) return Outcome{from_->error(), Call::kOpen};
    return Compare(item, {});
  }

  // Told by one name.
  bool IgnoresCase(size_t first, size_t end) const {
    for (size_t i = first; i < end; i++) {
      if (Swapped(job_.names[i]) != job_.names[i]) {
        return IsThereSwapped(target_, job_.names[i]);
      }
    }
    return false;
  }

  const TreeJob& job_;
  Rows rows_;
  bool compares_;
  bool own_;
  Walk* from_;
  Walk* to_;
  TreeMatches* matches_;
  int target_ = -1;
  double bytes_ = 0;
};

}  // namespace

TreeMatches MatchTrees(const std::vector<TreeJob>& jobs, bool bytes, bool own) {
  TreeMatches matches;
  Walk from;
  Walk to;
  for (const TreeJob& job : jobs) TreeMatcher(job, bytes, own, &from, &to, &matches).Run();
  return matches;
}

}  // namespace reflink_merge
