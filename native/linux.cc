// Linux: FICLONE, renameat2, copy_file_range, FIEMAP.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "contract.h"
#include "posix/new_file.h"

namespace reflink_merge {

const char* CloneCallName() { return "ficlone"; }

// man 2 ioctl_ficlone. Not atomic, so always into a new empty file.
Outcome CloneFile(int src, int dest_dir, const char* name, unsigned mode, int* file) {
  NewFile dest(dest_dir, name, mode);
  if (dest.error() != 0) return {dest.error(), Call::kCreate};
  if (ioctl(dest.get(), FICLONE, src) != 0) return {errno, Call::kClone};
  *file = dest.Keep();
  return {};
}

Outcome CloneDirectory(int, const char*, int, const char*) { return {ENOSYS, Call::kClone}; }

int DropQuarantine(int) { return 0; }

int RenameExclusive(int from_dir, const char* from, int to_dir, const char* to) {
  // By number: glibc has had the wrapper since 2.28 only, musl since 1.2.6 only.
  const long result = syscall(SYS_renameat2, from_dir, from, to_dir, to, RENAME_NOREPLACE);
  return result == 0 ? 0 : errno;
}

int RenameExchange(int from_dir, const char* from, int to_dir, const char* to) {
  const long result = syscall(SYS_renameat2, from_dir, from, to_dir, to, RENAME_EXCHANGE);
  return result == 0 ? 0 : errno;
}

namespace {

// As <linux/stat.h> has it; the C libraries' own headers have had it at different times.
struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};
struct Statx {
  uint32_t mask;
  std::array<uint32_t, 19> skipped;
  StatxTime access;
  StatxTime birth;
  std::array<uint64_t, 18> more;
};
static_assert(sizeof(Statx) >= 256, "what the kernel writes");
constexpr uint32_t kBirthTime = 0x800;

uint64_t ReadBirth(int dir, const char* name) {
#ifdef SYS_statx
  Statx status{};
  if (syscall(SYS_statx, dir, name, AT_SYMLINK_NOFOLLOW, kBirthTime, &status) != 0) return 0;
  if ((status.mask & kBirthTime) == 0) return 0;
  return static_cast<uint64_t>(status.birth.seconds) * 1000000000U + status.birth.nanoseconds;
#else
  return 0;
#endif
}

constexpr uint32_t kHandleBytes = 128;  // MAX_HANDLE_SZ
constexpr int kHandleFid = 0x200;       // AT_HANDLE_FID, since Linux 6.5
// include/linux/exportfs.h
constexpr int kInode64Generation = 0x81;
constexpr int kOverlay = 0xf8;

// FNV-1a.
uint64_t Hash(uint64_t hash, const unsigned char* bytes, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x100000001b3U;
  return hash;
}

uint64_t ReadHandle(int dir, const char* name, bool has_birth) {
  alignas(file_handle) std::array<unsigned char, sizeof(file_handle) + kHandleBytes> space{};
  auto* handle = reinterpret_cast<file_handle*>(space.data());
  int mount = 0;
  handle->handle_bytes = kHandleBytes;
  if (name_to_handle_at(dir, name, handle, &mount, 0) != 0) {
    handle->handle_bytes = kHandleBytes;
    if (name_to_handle_at(dir, name, handle, &mount, kHandleFid) != 0) return 0;
  }
  // overlayfs gives another one once it has copied a file up. What FUSE gives holds until the
  // kernel forgets the inode, and other file systems without a generation have nothing to add to
  // its number.
  if (handle->handle_type == kOverlay) return 0;
  if (!has_birth && handle->handle_type == kInode64Generation) return 0;
  const auto type = static_cast<unsigned char>(handle->handle_type);
  const uint64_t hash = Hash(0xcbf29ce484222325U, &type, 1);
  return Hash(hash, handle->f_handle, handle->handle_bytes);
}

}  // namespace

// man 2 statx, man 2 name_to_handle_at.
Lasting ReadLasting(int dir, const char* name) {
  Lasting lasting;
  lasting.birth = ReadBirth(dir, name);
  lasting.handle = ReadHandle(dir, name, lasting.birth != 0);
  return lasting;
}

int CopyInKernel(int src, int dest, uint64_t offset, uint64_t length, uint64_t* copied) {
  int64_t in = static_cast<int64_t>(offset);
  int64_t out = static_cast<int64_t>(offset);
  const long result = syscall(SYS_copy_file_range, src, &in, dest, &out, length, 0);
  if (result < 0) return errno;
  *copied = static_cast<uint64_t>(result);
  return 0;
}

namespace {

constexpr uint32_t kExtentsPerCall = 64;

// Data without an address of its own: inline in metadata, or not written out yet.
constexpr uint32_t kUnplaced = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
                               FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;

// Data whose address does not identify its bytes. Btrfs reports a compressed extent (ENCODED) by
// its start, at whatever offset into it the file begins.
constexpr uint32_t kAmbiguous =
    FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_UNWRITTEN;

bool BtrfsId(int file, btrfs_ioctl_fs_info_args* info) {
  std::memset(info, 0, sizeof(*info));
  return ioctl(file, BTRFS_IOC_FS_INFO, info) == 0;
}

}  // namespace

// Documentation/filesystems/fiemap.rst.
int ReadExtents(int file, uint64_t size, bool flush, Extents* extents) {
  alignas(fiemap) std::array<char, sizeof(fiemap) + kExtentsPerCall * sizeof(fiemap_extent)> space;
  auto* map = reinterpret_cast<fiemap*>(space.data());
  auto* found = reinterpret_cast<fiemap_extent*>(space.data() + sizeof(fiemap));
  // No further than the end: on XFS the look for what is behind it costs as much as the rest.
  for (uint64_t start = 0; start < size;) {
    std::memset(map, 0, sizeof(fiemap));
    map->fm_start = start;
    map->fm_length = size - start;
    map->fm_flags = flush ? FIEMAP_FLAG_SYNC : 0;
    map->fm_extent_count = kExtentsPerCall;
    if (ioctl(file, FS_IOC_FIEMAP, map) != 0) return errno;
    if (map->fm_mapped_extents == 0) return 0;
    for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
      const fiemap_extent& extent = found[i];
      if ((extent.fe_flags & (kUnplaced | kAmbiguous)) != 0) extents->comparable = false;
      if ((extent.fe_flags & kUnplaced) != 0) continue;
      extents->list.push_back({extent.fe_logical, extent.fe_physical, extent.fe_length});
    }
    const fiemap_extent& last = found[map->fm_mapped_extents - 1];
    if ((last.fe_flags & FIEMAP_EXTENT_LAST) != 0) return 0;
    start = last.fe_logical + last.fe_length;
  }
  return 0;
}

// mm/filemap.c, since Linux 6.5; the C libraries do not have it yet. EPERM for files of others.
int ReadCacheState(int file, CachedData* cached) {
  constexpr long kCachestat = 451;  // one number on all architectures
  struct Range {
    uint64_t offset;
    uint64_t length;
  };
  struct Pages {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
  };
  static const auto kPageBytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const Range all = {0, 0};
  Pages pages{};
  if (syscall(kCachestat, file, &all, &pages, 0) != 0) return errno;
  cached->bytes = pages.cached * kPageBytes;
  cached->dirty = pages.dirty != 0 || pages.writeback != 0;
  return 0;
}

// man 2 syncfs: since Linux 5.8 it tells the failures of writing back, too.
int SyncFileSystem(int file) { return syncfs(file) == 0 ? 0 : errno; }

bool OnSameFileSystem(int a, int b) {
  struct stat left{};
  struct stat right{};
  if (fstat(a, &left) != 0 || fstat(b, &right) != 0) return false;
  if (left.st_dev == right.st_dev) return true;
  btrfs_ioctl_fs_info_args one;
  btrfs_ioctl_fs_info_args other;
  return BtrfsId(a, &one) && BtrfsId(b, &other) &&
         std::memcmp(one.fsid, other.fsid, sizeof(one.fsid)) == 0;
}

}  // namespace reflink_merge
