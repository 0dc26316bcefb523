// Many operations in one trip off the main thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../names.h"
#include "operations.h"
#include "place.h"
#include "status.h"

namespace reflink_merge {

// The same operation on every name of pairs of directories. Operations on one side use `to`.
struct Jobs {
  std::vector<Place> from;  // empty where the operation has one side
  std::vector<Place> to;
  std::vector<uint32_t> counts;       // names of each pair
  NameList names;                     // in `from`; or the targets of symlinks
  NameList to_names;                  // in `to`; empty: the same as `names`
  std::vector<uint32_t> modes;        // of each name; or empty
  std::vector<std::string> contents;  // of each name; or empty
};

// Which sides of a job an operation reads.
enum class Sides { kBoth, kTo, kTargets };

struct OperationEntry {
  const char* name;
  Operation run;
  Sides sides;
  bool moves_directories = false;  // so that the way to the next job may be another
  bool makes_files = false;
};

// The operation of that name, or nullptr.
const OperationEntry* FindOperation(const std::string& name);

struct Outcomes {
  std::vector<int32_t> errnos;
  std::vector<uint8_t> calls;
  std::vector<uint8_t> equal;
  std::vector<double> bytes;  // of what was cloned or copied

  void Reserve(size_t count) {
    errnos.reserve(count);
    calls.reserve(count);
    equal.reserve(count);
    bytes.reserve(count);
  }
};

// One outcome a name, in the jobs' order; a failure does not stop the others.
Outcomes RunBatch(const OperationEntry& operation, const Jobs& jobs, const Options& options);

struct StatOutcomes {
  std::vector<int32_t> errnos;  // ENOENT is an answer (kind missing), not a failure
  std::vector<uint8_t> calls;
  StatusColumns columns;
  std::vector<uint64_t> identities;  // st_dev, st_ino, mtime and ctime (ns): four an entry
  std::vector<uint64_t> lasting;     // if asked for: birth time, handle, links: three an entry
};

// `lasting`: also what distinguishes an entry from a later one with its inode number.
StatOutcomes StatBatch(const Jobs& jobs, bool lasting);

}  // namespace reflink_merge
