// fstat() and fstatat() for glibc before 2.33, which has them in no library, but inline. The ones that zig puts in their
// place write to an errno of their own, which nobody reads; these call what every glibc has had since 2.4.

#include <sys/stat.h>

#if defined(__x86_64__)
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define STAT_VERSION 0
#else
#error "_STAT_VER of this architecture: see bits/stat.h of glibc 2.28"
#endif

extern "C" {

int __fxstat(int version, int fd, struct stat* status);
int __fxstatat(int version, int dir, const char* name, struct stat* status, int flags);

int fstat(int fd, struct stat* status) { return __fxstat(STAT_VERSION, fd, status); }

int fstatat(int dir, const char* name, struct stat* status, int flags) {
  return __fxstatat(STAT_VERSION, dir, name, status, flags);
}

}  // extern "C"
