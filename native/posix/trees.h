// Trees of which nothing has to be decided entry by entry, read and placed in one trip each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../names.h"
#include "batch.h"
#include "place.h"

namespace reflink_merge {

enum class Tree : uint8_t {
  kPlain,
  kOther,  // it cannot be read, or has something that is not plain
  kLarge,  // more than one trip should take
};

// What lies in trees that are plain: regular files without set-ID and sticky bits and directories
// that their owner may use, on one file system, with names that every system tells apart. Of all
// others there is nothing here. With `sized` each file is looked at; without it what a directory
// tells of its entries has to do, and their bits and sizes are not known.
struct Trees {
  explicit Trees(bool look) : sized(look) {}

  bool sized;

  // One a place that was asked for:
  std::vector<uint8_t> found;    // a `Tree`
  std::vector<double> devices;   // st_dev
  std::vector<uint32_t> starts;  // its first directory

  // One a directory, each before those that lie in it, which are the next ones:
  std::vector<uint32_t> ends;       // the first directory that does not lie in it
  std::vector<uint32_t> modes;      // 0777
  std::vector<uint32_t> counts;     // files directly in it
  std::vector<double> bytes;        // of these
  std::vector<uint32_t> path_ends;  // of `paths`, up to and with its own
  std::vector<uint32_t> name_ends;  // of `names`, up to and with those of its files
  std::vector<uint32_t> file_ends;  // of the files likewise

  // One a file, in the order of the directories, if sized:
  std::vector<uint16_t> file_modes;  // 0777
  std::vector<double> sizes;         // bytes

  std::string paths;  // of the directories below the place, '/'-joined; NUL after each
  std::string names;  // of the files; NUL after each

  void Add(Walk* walk, const Place& place);
};

// Directories to make, and what to fill them with. `paths` lead to them below `from`; in `to` the
// first `skip` bytes are left out.
struct TreeJob {
  Place from;
  Place to;
  uint32_t skip = 0;
  NameList paths;
  std::vector<uint32_t> modes;   // 0777, of each directory
  std::vector<uint32_t> counts;  // files of each directory
  NameList names;                // of all files
};

// Where one of its directories lies, and where it goes.
Place SourceOf(const TreeJob& job, size_t directory);
Place TargetOf(const TreeJob& job, size_t directory);

struct TreeOutcomes {
  std::vector<uint32_t> made;   // one a tree: its directories that were made, the first ones
  std::vector<double> bytes;    // one a tree: of the files that were cloned or copied
  std::vector<uint8_t> placed;  // one a file: 1 or 0; 2: its source changed meanwhile
  bool complete = true;
};

// A failure ends nothing but what depends on it, and leaves nothing half done. Why something failed
// is not told, but for a source that changed: anyone who tries it alone learns that.
TreeOutcomes PlaceTrees(const OperationEntry& operation, const std::vector<TreeJob>& jobs,
                        const Options& options);

struct TreeMatches {
  std::vector<uint8_t> same;  // one a tree: 1 or 0
  std::vector<double> bytes;  // one a tree that is the same: of its files
  // Of each directory in `to`: st_dev, st_ino, mtime and ctime in ns; 0 where nobody looked.
  std::vector<uint64_t> identities;
};

// Does `to` have every directory and file of a tree, each under this very name, with these bytes
// and the same executable bits? Whatever else it has does not matter. Without `bytes` only its
// directories are looked at. A failure makes a tree another.
TreeMatches MatchTrees(const std::vector<TreeJob>& jobs, bool bytes, bool own);

}  // namespace reflink_merge
