// What every operating system answers for. linux.cc, macos.cc and none.cc each implement this once;
// win32/ has what is asked for without batches.
// Nothing here decides: a call does one thing and returns 0 or the raw errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace reflink_merge {

// The call that failed. Fallback rules depend on it: a clone refused by the file system is another
// matter than a source that cannot be opened, even with the same errno.
enum class Call : uint8_t {
  kNone,
  kName,
  kOpen,
  kStat,
  kList,
  kReadLink,
  kCreate,
  kClone,
  kLink,
  kCopy,
  kRead,
  kWrite,
  kSymlink,
  kRename,
  kMakeDirectory,
  kUnlink,
  kRemoveDirectory,
  kChmod,
  kTimes,
  kExtents,
  kSync,
  kQuarantine,
  kChanged,  // no call: the source is not what it was when it was opened
  kCount,
};

struct Outcome {
  int error = 0;
  Call call = Call::kNone;
  uint32_t win32_error = 0;  // Windows: what GetLastError told

  bool ok() const { return error == 0; }
};

struct Extent {
  uint64_t logical;
  uint64_t physical;
  uint64_t length;
};

struct Extents {
  // Those that have a place on disk: not data inline in metadata, nor data not yet written out.
  std::vector<Extent> list;
  // Every byte is in `list`, and its address alone tells it: no inline, compressed or encrypted
  // data.
  bool comparable = true;
};

// 'ficlone' or 'clonefile': how errors name kClone.
const char* CloneCallName();

// Clones `src`, an open regular file, to a new entry `name` of `dest_dir`, which must not exist.
// On success `*file` is a descriptor of the new file; on failure nothing is left behind.
Outcome CloneFile(int src, int dest_dir, const char* name, unsigned mode, int* file);

// clonefile(2) of a whole directory; ENOSYS where the system has no such call.
Outcome CloneDirectory(int src_dir, const char* src, int dest_dir, const char* dest);

// Takes the mark off an open file by which macOS asks before it runs a download. 0 where there is
// none.
int DropQuarantine(int file);

// Renames only if `to` is free: EEXIST otherwise.
int RenameExclusive(int from_dir, const char* from, int to_dir, const char* to);

// Swaps what two names lead to, in one step; an errno where the system or the file system cannot.
int RenameExchange(int from_dir, const char* from, int to_dir, const char* to);

// What distinguishes an entry from a later one that got its inode number.
struct Lasting {
  uint64_t birth = 0;   // ns since 1970; 0: the file system keeps none
  uint64_t handle = 0;  // a hash of the file handle, which has the generation; 0: there is none
};

// Nothing is followed.
Lasting ReadLasting(int dir, const char* name);

// Copies up to `length` bytes inside the kernel, from and to `offset`. `*copied` may fall short.
int CopyInKernel(int src, int dest, uint64_t offset, uint64_t length, uint64_t* copied);

// The physical extents of the first `size` bytes of an open file, holes left out. `flush` first
// writes out data that has no place on disk yet; without it such data makes the extents not
// comparable.
int ReadExtents(int file, uint64_t size, bool flush, Extents* extents);

struct CachedData {
  uint64_t bytes = 0;  // in memory, in whole pages
  bool dirty = false;  // some of it is not on disk yet
};

// What of a file is in memory. An errno where the system does not say.
int ReadCacheState(int file, CachedData* cached);

// Do both lie on one file system, so that their extents' addresses can be compared? st_dev alone
// does not say: every Btrfs subvolume has its own.
bool OnSameFileSystem(int a, int b);

// What an open directory passes on to entries that are made in it, as text: two directories with
// the same text pass the same on, and entries can be renamed from one to the other. An errno where
// the system does not say all of it.
int DescribeInheritance(int directory, std::string* text);

// Waits until everything that was written to the file system of an open file is on disk.
int SyncFileSystem(int file);

// Clones path to path, as reflink-merge/binding exports it. `dest` must not exist.
Outcome ReflinkPath(const char* src, const char* dest);

// flock(2), exclusive, without waiting.
int TryLock(int file);

}  // namespace reflink_merge
