#include "batch.h"

#include <array>
#include <cerrno>
#include <optional>

#include "times.h"

namespace reflink_merge {
namespace {

constexpr std::array<OperationEntry, 13> kOperations = {{
    {"clone", Clone, Sides::kBoth},
    {"cloneDirectory", CloneWholeDirectory, Sides::kBoth},
    {"hardlink", HardLink, Sides::kBoth},
    {"copy", Copy, Sides::kBoth},
    {"compare", Compare, Sides::kBoth},
    {"rename", Rename, Sides::kBoth},
    {"renameNoReplace", RenameNoReplace, Sides::kBoth},
    {"copyTimes", CopyTimes, Sides::kBoth},
    {"symlink", Symlink, Sides::kTargets},
    {"mkdir", MakeDirectory, Sides::kTo},
    {"unlink", Unlink, Sides::kTo},
    {"rmdir", RemoveDirectory, Sides::kTo},
    {"chmod", ChmodDirectory, Sides::kTo},
}};

void Add(Outcomes* outcomes, const Result& result) {
  outcomes->errnos.push_back(result.outcome.error);
  outcomes->calls.push_back(static_cast<uint8_t>(result.outcome.call));
  outcomes->equal.push_back(static_cast<uint8_t>(result.equal));
}

void RunJob(const OperationEntry& operation, const Job& job, const Options& options,
            Outcomes* outcomes) {
  const NameList& to_names = job.to_names.size() > 0 ? job.to_names : job.names;
  const OpenPlace to(job.to, Access::kSearch);
  int error = to.error();
  std::optional<OpenPlace> from;
  if (error == 0 && operation.sides == Sides::kBoth) {
    from.emplace(job.from, Access::kSearch);
    error = from->error();
  }
  for (size_t i = 0; i < to_names.size(); i++) {
    const Item item = {from ? from->get() : -1, job.names[i], to.get(), to_names[i],
                       i < job.modes.size() ? job.modes[i] : 0};
    // The target of a symlink is text for the kernel to keep, not a name to look up.
    const bool names_ok = IsName(item.to_name) && (!from || IsName(item.name));
    if (error != 0) {
      Add(outcomes, Outcome{error, Call::kOpen});
    } else if (!names_ok) {
      Add(outcomes, Outcome{EINVAL, Call::kName});
    } else {
      Add(outcomes, operation.run(item, options));
    }
  }
}

void AddStatus(StatOutcomes* outcomes, int dir, const char* name) {
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
}

}  // namespace

const OperationEntry* FindOperation(const std::string& name) {
  for (const OperationEntry& entry : kOperations) {
    if (name == entry.name) return &entry;
  }
  return nullptr;
}

Outcomes RunBatch(const OperationEntry& operation, const std::vector<Job>& jobs,
                  const Options& options) {
  Outcomes outcomes;
  for (const Job& job : jobs) RunJob(operation, job, options, &outcomes);
  return outcomes;
}

StatOutcomes StatBatch(const std::vector<Job>& jobs) {
  StatOutcomes outcomes;
  for (const Job& job : jobs) {
    const OpenPlace place(job.to, Access::kSearch);
    for (size_t i = 0; i < job.names.size(); i++) {
      if (place.error() == 0) {
        AddStatus(&outcomes, place.get(), job.names[i]);
        continue;
      }
      outcomes.columns.AddMissing();
      outcomes.errnos.push_back(place.error());
      outcomes.calls.push_back(static_cast<uint8_t>(Call::kOpen));
      outcomes.identities.insert(outcomes.identities.end(), 4, 0);
    }
  }
  return outcomes;
}

}  // namespace reflink_merge
