// macOS: clonefile, renameatx_np. Copies and extents go the portable way.
#include <fcntl.h>
#include <sys/clonefile.h>
#include <sys/stat.h>
#include <sys/stdio.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "contract.h"
#include "descriptor.h"

// Of <sys/xattr.h>, which the headers that come with zig lack.
extern "C" int fremovexattr(int fd, const char* name, int options);

// Of <sys/acl.h>, likewise.
extern "C" void* acl_get_fd_np(int fd, int type);
extern "C" char* acl_to_text(void* acl, ssize_t* length);
extern "C" int acl_free(void* object);

namespace reflink_merge {

const char* CloneCallName() { return "clonefile"; }

// man 2 clonefile. The system makes the entry itself, atomically, with the source's mode; the
// caller's `mode` is set afterwards through the descriptor.
Outcome CloneFile(int src, int dest_dir, const char* name, unsigned, int* file) {
  if (fclonefileat(src, dest_dir, name, CLONE_NOFOLLOW | CLONE_NOOWNERCOPY) != 0) {
    // EEXIST is about the name, not about cloning.
    return {errno, errno == EEXIST ? Call::kCreate : Call::kClone};
  }
  Descriptor made(openat(dest_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!made.ok()) {
    const int error = errno;
    unlinkat(dest_dir, name, 0);
    return {error, Call::kOpen};
  }
  *file = made.Release();
  return {};
}

Outcome CloneDirectory(int src_dir, const char* src, int dest_dir, const char* dest) {
  if (clonefileat(src_dir, src, dest_dir, dest, CLONE_NOFOLLOW | CLONE_NOOWNERCOPY) != 0) {
    return {errno, errno == EEXIST ? Call::kCreate : Call::kClone};
  }
  return {};
}

// man 2 fremovexattr: ENOATTR, there is none.
int DropQuarantine(int file) {
  if (fremovexattr(file, "com.apple.quarantine", 0) == 0 || errno == ENOATTR) return 0;
  return errno;
}

int RenameExclusive(int from_dir, const char* from, int to_dir, const char* to) {
  return renameatx_np(from_dir, from, to_dir, to, RENAME_EXCL) == 0 ? 0 : errno;
}

int RenameExchange(int from_dir, const char* from, int to_dir, const char* to) {
  return renameatx_np(from_dir, from, to_dir, to, RENAME_SWAP) == 0 ? 0 : errno;
}

// APFS and HFS+ keep the time of birth; APFS never gives an inode number twice.
Lasting ReadLasting(int dir, const char* name) {
  Lasting lasting;
  struct stat status{};
  if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return lasting;
  const timespec& birth = status.st_birthtimespec;
  lasting.birth =
      static_cast<uint64_t>(birth.tv_sec) * 1000000000U + static_cast<uint64_t>(birth.tv_nsec);
  return lasting;
}

int CopyInKernel(int, int, uint64_t, uint64_t, uint64_t*) { return ENOSYS; }

int ReadExtents(int, uint64_t, bool, Extents*) { return ENOTSUP; }

int ReadCacheState(int, CachedData*) { return ENOTSUP; }

// man 2 open: a new file has its directory's group. man 3 acl: entries of an access control list
// may be inherited.
int DescribeInheritance(int directory, std::string* text) {
  constexpr int kExtended = 0x100;  // ACL_TYPE_EXTENDED
  struct stat status{};
  if (fstat(directory, &status) != 0) return errno;
  *text = "dev=" + std::to_string(status.st_dev) + " gid=" + std::to_string(status.st_gid);
  void* list = acl_get_fd_np(directory, kExtended);
  // ENOENT: it has none. ENOTSUP: nothing has one there.
  if (list == nullptr) return errno == ENOENT || errno == ENOTSUP ? 0 : errno;
  char* entries = acl_to_text(list, nullptr);
  const int error = entries == nullptr ? errno : 0;
  if (entries != nullptr) *text += std::string(" acl=") + entries;
  if (entries != nullptr) acl_free(entries);
  acl_free(list);
  return error;
}

// man 2 fcntl: sync() only starts writing, and the drive may keep what it was given in its cache.
int SyncFileSystem(int file) {
  sync();
  return fcntl(file, F_FULLFSYNC) == 0 ? 0 : errno;
}

bool OnSameFileSystem(int, int) { return false; }

}  // namespace reflink_merge
