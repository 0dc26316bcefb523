#include "batch.h"

#include <array>
#include <cerrno>

#include "times.h"

namespace reflink_merge {
namespace {

constexpr std::array<OperationEntry, 16> kOperations = {{
    {"clone", Clone, Sides::kBoth, false, true},
    {"cloneDirectory", CloneWholeDirectory, Sides::kBoth},
    {"hardlink", HardLink, Sides::kBoth, false, true},
    {"copy", Copy, Sides::kBoth, false, true},
    {"compare", Compare, Sides::kBoth},
    {"rename", Rename, Sides::kBoth, true},
    {"renameNoReplace", RenameNoReplace, Sides::kBoth, true},
    {"exchange", Exchange, Sides::kBoth, true},
    {"copyTimes", CopyTimes, Sides::kBoth},
    {"symlink", Symlink, Sides::kTargets},
    {"write", WriteContent, Sides::kTo},
    {"compareContent", CompareContent, Sides::kTo},
    {"mkdir", MakeDirectory, Sides::kTo},
    {"unlink", Unlink, Sides::kTo},
    {"rmdir", RemoveDirectory, Sides::kTo, true},
    {"chmod", ChmodDirectory, Sides::kTo},
}};

void Add(Outcomes* outcomes, const Result& result) {
  outcomes->errnos.push_back(result.outcome.error);
  outcomes->calls.push_back(static_cast<uint8_t>(result.outcome.call));
  outcomes->equal.push_back(static_cast<uint8_t>(result.equal));
  outcomes->bytes.push_back(result.bytes);
}

// The ways to both sides of a job.
struct Walks {
  Walk from;
  Walk to;
};

// The names from `first` on that belong to one pair of directories.
void RunJob(const OperationEntry& operation, const Jobs& jobs, size_t job, size_t first,
            const Options& options, Walks* walks, Outcomes* outcomes) {
  const NameList& to_names = jobs.to_names.size() > 0 ? jobs.to_names : jobs.names;
  const bool both = operation.sides == Sides::kBoth;
  const int to = walks->to.Search(jobs.to[job]);
  Outcome walked = {walks->to.error(), both ? Call::kCreate : Call::kOpen};
  int from = -1;
  if (walked.ok() && both) {
    from = walks->from.Search(jobs.from[job]);
    walked = {walks->from.error(), Call::kOpen};
  }
  for (size_t i = first; i < first + jobs.counts[job]; i++) {
    Item item = {from, jobs.names[i], to, to_names[i], both ? kSourceMode : 0, {}};
    if (!jobs.modes.empty()) item.mode = jobs.modes[i];
    if (!jobs.contents.empty()) item.content = jobs.contents[i];
    // The target of a symlink is text for the kernel to keep, not a name to look up.
    const bool names_ok = IsName(item.to_name) && (!both || IsName(item.name));
    if (!walked.ok()) {
      Add(outcomes, walked);
    } else if (!names_ok) {
      Add(outcomes, Outcome{EINVAL, Call::kName});
    } else {
      Add(outcomes, operation.run(item, options));
    }
  }
}

void AddLasting(StatOutcomes* outcomes, const Lasting& lasting, uint64_t links) {
  outcomes->lasting.push_back(lasting.birth);
  outcomes->lasting.push_back(lasting.handle);
  outcomes->lasting.push_back(links);
}

void AddStatus(StatOutcomes* outcomes, int dir, const char* name, bool lasting) {
  struct stat status{};
  Outcome outcome =
      IsName(name) ? outcomes->columns.Add(dir, name, &status) : Outcome{EINVAL, Call::kName};
  if (!outcome.ok()) outcomes->columns.AddMissing();
  if (outcome.error == ENOENT) outcome = {};
  outcomes->errnos.push_back(outcome.error);
  outcomes->calls.push_back(static_cast<uint8_t>(outcome.call));
  outcomes->identities.push_back(static_cast<uint64_t>(status.st_dev));
  outcomes->identities.push_back(static_cast<uint64_t>(status.st_ino));
  outcomes->identities.push_back(Nanoseconds(ModifyTime(status)));
  outcomes->identities.push_back(Nanoseconds(ChangeTime(status)));
  if (!lasting) return;
  const bool is_there = status.st_ino != 0;
  AddLasting(outcomes, is_there ? ReadLasting(dir, name) : Lasting{}, status.st_nlink);
}

}  // namespace

const OperationEntry* FindOperation(const std::string& name) {
  for (const OperationEntry& entry : kOperations) {
    if (name == entry.name) return &entry;
  }
  return nullptr;
}

Outcomes RunBatch(const OperationEntry& operation, const Jobs& jobs, const Options& options) {
  Outcomes outcomes;
  outcomes.Reserve(jobs.names.size());
  Walks walks;
  size_t first = 0;
  for (size_t job = 0; job < jobs.to.size(); job++) {
    RunJob(operation, jobs, job, first, options, &walks, &outcomes);
    first += jobs.counts[job];
    if (operation.moves_directories) walks = {};
  }
  return outcomes;
}

StatOutcomes StatBatch(const Jobs& jobs, bool lasting) {
  StatOutcomes outcomes;
  Walk walk;
  size_t first = 0;
  for (size_t job = 0; job < jobs.to.size(); job++) {
    const int place = walk.Search(jobs.to[job]);
    const size_t end = first + jobs.counts[job];
    for (; first < end; first++) {
      if (walk.error() == 0) {
        AddStatus(&outcomes, place, jobs.names[first], lasting);
        continue;
      }
      outcomes.columns.AddMissing();
      outcomes.errnos.push_back(walk.error());
      outcomes.calls.push_back(static_cast<uint8_t>(Call::kOpen));
      outcomes.identities.insert(outcomes.identities.end(), 4, 0);
      if (lasting) AddLasting(&outcomes, {}, 0);
    }
  }
  return outcomes;
}

}  // namespace reflink_merge
