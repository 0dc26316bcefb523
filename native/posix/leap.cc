#include "leap.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#endif

namespace reflink_merge {

#ifdef __linux__
namespace {

// As in linux/openat2.h, which systems that we build on do not have.
struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
constexpr uint64_t kResolveNoSymlinks = 0x04;
#ifdef SYS_openat2
constexpr long kOpenat2 = SYS_openat2;
#else
constexpr long kOpenat2 = 437;
#endif

}  // namespace

// man 2 openat2: Linux 5.6. Containers may refuse it.
Descriptor OpenWithoutSymlinks(int directory, const std::string& path) {
  static std::atomic<bool> missing = false;
  if (missing) return {};
  OpenHow how = {O_PATH | O_DIRECTORY | O_CLOEXEC, 0, kResolveNoSymlinks};
  const long fd = syscall(kOpenat2, directory, path.c_str(), &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) missing = true;
  return Descriptor(static_cast<int>(fd));
}
#else
Descriptor OpenWithoutSymlinks(int, const std::string&) { return {}; }
#endif

}  // namespace reflink_merge
