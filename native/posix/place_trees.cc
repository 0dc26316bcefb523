#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "trees.h"

namespace reflink_merge {
namespace {

// One tree, a directory after the other: each is made and filled while the way to it is open.
class TreePlacer {
 public:
  TreePlacer(const OperationEntry& operation, const Options& options, const TreeJob& job,
             Walk* from, Walk* to, TreeOutcomes* outcomes)
      : operation_(operation),
        options_(options),
        job_(job),
        rows_(job),
        from_(from),
        to_(to),
        outcomes_(outcomes) {}

  void Run() {
    first_ = outcomes_->errnos.size();
    outcomes_->errnos.resize(first_ + job_.names.size(), 0);
    outcomes_->calls.resize(first_ + job_.names.size(), 0);
    outcomes_->bytes.push_back(0);
    uint32_t made = 0;
    size_t row = 0;
    Outcome stop;
    for (; made < job_.counts.size(); made++) {
      int to = -1;
      stop = made < job_.made ? Open(made, &to) : Make(made, &to);
      if (!stop.ok()) break;
      row = Fill(made, to, row);
    }
    for (; row < job_.names.size(); row++) {
      if (rows_.IsWanted(row)) outcomes_->errnos[first_ + row] = kNotTried;
    }
    outcomes_->made.push_back(made);
    outcomes_->stop_errnos.push_back(stop.error);
    outcomes_->stop_calls.push_back(static_cast<uint8_t>(stop.call));
    if (!stop.ok()) outcomes_->complete = false;
  }

 private:
  // A directory that is there.
  Outcome Open(size_t directory, int* to) {
    *to = to_->Search(TargetOf(job_, directory));
    if (*to < 0) return {to_->error(), Call::kOpen};
    return {};
  }

  // A new directory.
  Outcome Make(size_t directory, int* to) {
    const Place place = TargetOf(job_, directory);
    const auto [above, name] = EntryOf(place);
    const uint32_t mode = job_.modes[directory];
    const int parent = to_->Search(above);
    if (parent < 0) return {to_->error(), Call::kOpen};
    if (!IsName(name)) return {EINVAL, Call::kName};
    const bool is_any = mode == kMadeMode || options_.as_made;
    const auto wanted = static_cast<mode_t>(mode == kMadeMode ? 0777 : mode);
    // Kept open, so that what cannot be opened once it is made can be removed again.
    const Descriptor holder(fcntl(parent, F_DUPFD_CLOEXEC, 0));
    if (!holder.ok()) return {errno, Call::kOpen};
    if (mkdirat(parent, name.c_str(), wanted) != 0) return {errno, Call::kMakeDirectory};
    Outcome outcome = Open(directory, to);
    if (outcome.ok() && (is_any || HasMode(*to, wanted))) return {};
    // The umask or a default ACL had a say: that takes one more descriptor.
    if (outcome.ok()) {
      outcome = ChmodDirectory({-1, nullptr, holder.get(), name.c_str(), wanted, {}}, {}).outcome;
    }
    if (outcome.ok()) outcome = Open(directory, to);
    if (outcome.ok()) return outcome;
    // Anyone who tries again must not find the name taken.
    unlinkat(holder.get(), name.c_str(), AT_REMOVEDIR);
    to_->Forget();
    return outcome;
  }

  static bool HasMode(int directory, mode_t mode) {
    struct stat status{};
    return fstat(directory, &status) == 0 && (status.st_mode & 0777) == mode;
  }

  // Returns the first row of the next directory.
  size_t Fill(size_t directory, int to, size_t first) {
    const size_t end = first + job_.counts[directory];
    int from = -1;
    Outcome missing = {0, Call::kNone};
    bool is_searched = false;
    for (size_t row = first; row < end; row++) {
      if (!rows_.IsWanted(row)) continue;
      if (rows_.kind() == Row::kFile && !is_searched) {
        is_searched = true;
        from = from_->Search(FilesOf(job_, directory));
        if (from < 0) missing = {from_->error(), Call::kOpen};
      }
      Note(row, Run(row, from, missing, to));
    }
    return end;
  }

  Result Run(size_t row, int from, const Outcome& missing, int to) {
    if (!rows_.HasNames(row)) return Outcome{EINVAL, Call::kName};
    const Item item = rows_.ItemAt(row, from, to);
    if (rows_.kind() == Row::kSymlink) return Symlink(item, options_);
    if (rows_.kind() == Row::kContent) return WriteContent(item, options_);
    if (!missing.ok()) return missing;
    return operation_.run(item, options_);
  }

  void Note(size_t row, const Result& result) {
    if (result.outcome.ok()) {
      outcomes_->bytes.back() += result.bytes;
      return;
    }
    outcomes_->errnos[first_ + row] = result.outcome.error;
    outcomes_->calls[first_ + row] = static_cast<uint8_t>(result.outcome.call);
    outcomes_->complete = false;
  }

  const OperationEntry& operation_;
  const Options& options_;
  const TreeJob& job_;
  Rows rows_;
  size_t first_ = 0;  // its first row, of all trees
  Walk* from_;
  Walk* to_;
  TreeOutcomes* outcomes_;
};

}  // namespace

TreeOutcomes PlaceTrees(const OperationEntry& operation, const std::vector<TreeJob>& jobs,
                        const Options& options) {
  TreeOutcomes outcomes;
  Walk from;
  Walk to;
  for (const TreeJob& job : jobs) {
    TreePlacer(operation, options, job, &from, &to, &outcomes).Run();
  }
  return outcomes;
}

}  // namespace reflink_merge
