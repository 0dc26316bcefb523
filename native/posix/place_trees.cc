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
        from_(from),
        to_(to),
        outcomes_(outcomes) {}

  void Run() {
    const size_t first = outcomes_->placed.size();
    outcomes_->placed.resize(first + job_.names.size(), 0);
    uint8_t* placed = outcomes_->placed.data() + first;
    outcomes_->bytes.push_back(0);
    uint32_t made = 0;
    for (size_t name = 0; made < job_.counts.size(); made++) {
      const int to = Make(made);
      if (to < 0) break;
      name = Fill(made, to, name, placed);
    }
    outcomes_->made.push_back(made);
    if (made < job_.counts.size()) outcomes_->complete = false;
  }

 private:
  // A descriptor of the new directory, -1 if there is none.
  int Make(size_t directory) {
    const Place place = TargetOf(job_, directory);
    const auto [above, name] = EntryOf(place);
    const mode_t mode = job_.modes[directory];
    const int parent = to_->Search(above);
    if (parent < 0 || !IsName(name) || mkdirat(parent, name.c_str(), mode) != 0) return -1;
    const int made = to_->Search(place);
    if (made >= 0 && (options_.as_made || HasMode(made, mode))) return made;
    // The umask or a default ACL had a say: that takes one more descriptor.
    const int again = to_->Search(above);
    const Item item = {-1, nullptr, again, name.c_str(), mode};
    if (again >= 0 && made >= 0 && ChmodDirectory(item, {}).outcome.ok()) return to_->Search(place);
    if (again >= 0) unlinkat(again, name.c_str(), AT_REMOVEDIR);
    to_->Forget();
    return -1;
  }

  static bool HasMode(int directory, mode_t mode) {
    struct stat status{};
    return fstat(directory, &status) == 0 && (status.st_mode & 0777) == mode;
  }

  // Answers the first name of the next directory.
  size_t Fill(size_t directory, int to, size_t first, uint8_t* placed) {
    const size_t end = first + job_.counts[directory];
    if (first == end) return end;
    const int from = from_->Search(SourceOf(job_, directory));
    for (size_t i = first; i < end; i++) {
      const char* name = job_.names[i];
      const Item item = {from, name, to, name, 0};
      const bool ready = from >= 0 && IsName(name);
      const Result result = ready ? operation_.run(item, options_) : Outcome{EINVAL, Call::kName};
      if (result.outcome.ok() && result.sized_otherwise) {
        // Only one that is placed alone has its size reported.
        unlinkat(to, name, 0);
        outcomes_->complete = false;
      } else if (result.outcome.ok()) {
        placed[i] = 1;
        outcomes_->bytes.back() += result.bytes;
      } else {
        if (result.outcome.call == Call::kChanged) placed[i] = 2;
        outcomes_->complete = false;
      }
    }
    return end;
  }

  const OperationEntry& operation_;
  const Options& options_;
  const TreeJob& job_;
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
