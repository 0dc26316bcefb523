// Linux: FICLONE, renameat2, copy_file_range, FIEMAP.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

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
  std::array<uint32_t, 15> skipped;
  StatxTime access;
  StatxTime birth;
  std::array<uint64_t, 20> more;
};
static_assert(sizeof(Statx) == 256, "what the kernel writes");
static_assert(offsetof(Statx, birth) == 80, "stx_btime");
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

namespace {

// Flags of chattr(1) that new entries get from their directory, and those that keep entries from
// being renamed from one directory to another. The others tell how it is stored.
constexpr unsigned kDax = 0x02000000;       // FS_DAX_FL, since Linux 5.8
constexpr unsigned kCasefold = 0x40000000;  // FS_CASEFOLD_FL, since 5.4
constexpr unsigned kInheritedFlags = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_NOCOMP_FL |
                                     FS_SYNC_FL | FS_DIRSYNC_FL | FS_NODUMP_FL | FS_NOATIME_FL |
                                     FS_JOURNAL_DATA_FL | FS_NOTAIL_FL | FS_ENCRYPT_FL |
                                     FS_NOCOW_FL | FS_PROJINHERIT_FL | kDax | kCasefold;

// The file system knows no such thing, or this directory has none of it.
bool IsNone(int error) {
  return error == ENOTTY || error == EOPNOTSUPP || error == ENODATA || error == EINVAL ||
         error == ENOSYS;
}

void AddHex(const char* name, const void* bytes, size_t length, std::string* text) {
  constexpr char kDigits[] = "0123456789abcdef";
  *text += std::string(" ") + name + "=";
  for (size_t i = 0; i < length; i++) {
    const auto byte = static_cast<const unsigned char*>(bytes)[i];
    *text += kDigits[byte >> 4];
    *text += kDigits[byte & 15];
  }
}

template <typename Value>
void AddValue(const char* name, const Value& value, std::string* text) {
  AddHex(name, &value, sizeof(value), text);
}

// Attributes that are not handed down: those of users and of layers such as overlayfs, the
// directory's own access control list, and what is calculated from it.
bool IsOwn(const std::string& name) {
  return name.rfind("user.", 0) == 0 || name.rfind("trusted.", 0) == 0 ||
         name == "system.posix_acl_access" || name == "security.capability" ||
         name == "security.ima" || name == "security.evm";
}

// man 2 flistxattr, man 2 fgetxattr. `read(nullptr, 0)` answers the length.
template <typename Read>
int ReadAll(Read read, std::string* bytes) {
  for (;;) {
    const ssize_t length = read(nullptr, size_t{0});
    if (length < 0) return errno;
    bytes->resize(static_cast<size_t>(length));
    if (length == 0) return 0;
    const ssize_t got = read(bytes->data(), bytes->size());
    if (got < 0 && errno == ERANGE) continue;  // it grew meanwhile
    if (got < 0) return errno;
    bytes->resize(static_cast<size_t>(got));
    return 0;
  }
}

// Default ACLs, compression on Btrfs, security labels, NFSv4 ACLs.
int AddAttributes(int directory, std::string* text) {
  std::string list;
  const int error =
      ReadAll([&](char* bytes, size_t size) { return flistxattr(directory, bytes, size); }, &list);
  if (error != 0) return IsNone(error) ? 0 : error;
  std::vector<std::string> names;
  for (size_t at = 0; at < list.size(); at += names.back().size() + 1) {
    names.emplace_back(list.c_str() + at);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (IsOwn(name)) continue;
    std::string value;
    const int failed = ReadAll(
        [&](char* bytes, size_t size) { return fgetxattr(directory, name.c_str(), bytes, size); },
        &value);
    if (IsNone(failed)) continue;
    if (failed != 0) return failed;
    AddHex(name.c_str(), value.data(), value.size(), text);
  }
  return 0;
}

// st_dev does not tell bind mounts apart, and nothing can be renamed from one mount to another.
int AddMount(int directory, std::string* text) {
  // man 2 statx: since Linux 4.11, the number of the mount since 5.8. By offset, since the headers
  // of older systems lack the field.
  constexpr unsigned kMountId = 0x1000;
  constexpr size_t kMaskAt = 0;
  constexpr size_t kMountIdAt = 0x90;
  alignas(uint64_t) std::array<char, 0x100> status{};
  if (syscall(SYS_statx, directory, "", AT_EMPTY_PATH, kMountId, status.data()) != 0) {
    return IsNone(errno) ? 0 : errno;
  }
  uint32_t mask = 0;
  uint64_t mount = 0;
  std::memcpy(&mask, status.data() + kMaskAt, sizeof(mask));
  std::memcpy(&mount, status.data() + kMountIdAt, sizeof(mount));
  if ((mask & kMountId) != 0) AddValue("mount", mount, text);
  return 0;
}

int AddFlags(int directory, std::string* text) {
  // The kernel writes an int; a FUSE server may write a long, as the number of the call says.
  std::array<unsigned, 2> flags{};
  if (ioctl(directory, FS_IOC_GETFLAGS, flags.data()) == 0) {
    AddValue("flags", flags[0] & kInheritedFlags, text);
  } else if (!IsNone(errno)) {
    return errno;
  }
  fsxattr extended{};
  if (ioctl(directory, FS_IOC_FSGETXATTR, &extended) == 0) {
    // That it has extended attributes at all is not handed down.
    extended.fsx_xflags &= ~FS_XFLAG_HASATTR;
    extended.fsx_nextents = 0;
    AddValue("fsx", extended, text);
  } else if (!IsNone(errno)) {
    return errno;
  }
  return 0;
}

// Documentation/filesystems/fscrypt.rst. <linux/fscrypt.h> has it since Linux 5.4 only.
int AddEncryption(int directory, std::string* text) {
  struct Policy {
    uint64_t size;
    std::array<char, 24> bytes;
  };
  using Header = uint8_t[9];
  constexpr unsigned long kGetPolicy = _IOWR('f', 22, Header);
  Policy policy = {sizeof(policy.bytes), {}};
  if (ioctl(directory, kGetPolicy, &policy) == 0) {
    AddHex("policy", policy.bytes.data(), std::min<size_t>(policy.size, policy.bytes.size()), text);
    return 0;
  }
  return IsNone(errno) ? 0 : errno;
}

}  // namespace

// The group is asked for even without the set-group-ID bit: some file systems are mounted with
// `grpid`.
int DescribeInheritance(int directory, std::string* text) {
  struct stat status{};
  if (fstat(directory, &status) != 0) return errno;
  text->clear();
  AddValue("dev", status.st_dev, text);
  AddValue("gid", status.st_gid, text);
  AddValue("setgid", (status.st_mode & S_ISGID) != 0, text);
  for (const auto add : {AddMount, AddFlags, AddEncryption, AddAttributes}) {
    const int error = add(directory, text);
    if (error != 0) return error;
  }
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
