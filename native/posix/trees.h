// Trees of which nothing has to be decided entry by entry, read and placed in one trip each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../names.h"
#include "batch.h"
#include "operations.h"
#include "place.h"

namespace reflink_merge {

enum class Tree : uint8_t {
  kPlain,
  kOther,  // it cannot be read, or has something that is not plain
  kLarge,  // more than one trip should take
};

// What lies in trees that are plain: regular files without set-ID and sticky bits and directories
// that their owner may use, on one file system, with names that every system distinguishes. Of all
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

// What an entry is made from.
enum class Row : uint8_t {
  kFile,
  kSymlink,
  kContent,  // bytes that the caller gives
};

// A directory whose mode is what mkdir makes of 0777.
constexpr uint32_t kMadeMode = UINT32_MAX;

// Directories to make, and what to fill them with. `paths` lead to them below `from`; in `to` the
// first `skip` bytes are left out.
struct TreeJob {
  Place from;
  Place to;
  uint32_t skip = 0;
  NameList paths;
  std::vector<uint32_t> modes;   // 0777, of each directory; or kMadeMode
  std::vector<uint32_t> counts;  // entries of each directory
  NameList names;                // of all entries

  // One an entry, or empty:
  std::vector<uint8_t> kinds;  // a `Row`; empty: files only
  NameList sources;            // the path below `from` of a file, the text of a symlink;
                               // empty: each file lies in the directory of `paths`, as `names`
  std::vector<uint32_t> file_modes;  // 0777, or kSourceMode; empty: the source's
  std::vector<uint8_t> wanted;       // 0: it is left out; empty: all are wanted

  std::vector<std::string> contents;  // of the entries that are kContent, in their order
  uint32_t made = 0;                  // the first directories, which are there already
};

// Goes through the entries of a job in their order.
class Rows {
 public:
  explicit Rows(const TreeJob& job) : job_(job) {}

  // Takes the next one.
  bool IsWanted(size_t row);
  Row kind() const { return kind_; }
  // What the entry is made from; `from` is -1 where that is no file.
  Item ItemAt(size_t row, int from, int to) const;
  // Is each of its names one?
  bool HasNames(size_t row) const;

 private:
  const TreeJob& job_;
  Row kind_ = Row::kFile;
  size_t contents_ = 0;  // up to and with this one
};

// Where the files of a directory lie.
Place FilesOf(const TreeJob& job, size_t directory);

// Where one of its directories lies, and where it goes.
Place SourceOf(const TreeJob& job, size_t directory);
Place TargetOf(const TreeJob& job, size_t directory);

// The errno of an entry that was not tried: its directory is not there.
constexpr int kNotTried = -1;

struct TreeOutcomes {
  // One a tree:
  std::vector<uint32_t> made;        // its directories that are there, the first ones
  std::vector<int32_t> stop_errnos;  // of the one that could not be made; 0: all were
  std::vector<uint8_t> stop_calls;   // a `Call`
  std::vector<double> bytes;         // of the files that were cloned, copied or written

  // One an entry: 0, also where it is not wanted; an errno, or kNotTried. And the `Call`.
  std::vector<int32_t> errnos;
  std::vector<uint8_t> calls;
  bool complete = true;
};

// A failure ends nothing but what depends on it, and leaves nothing half done.
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
