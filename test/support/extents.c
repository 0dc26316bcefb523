// Prints where the data of files lies. Reads NUL-terminated paths from stdin; writes one line per
// file:
//   <file system id> <size> [<logical>:<physical>:<length>:<flags in hex>]...
// or `! <errno>` when the file cannot be opened or its file system has no FIEMAP.

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BATCH = 256 };

static struct fiemap* map;

static int print_extents(int fd) {
  unsigned long long start = 0;
  for (;;) {
    map->fm_start = start;
    map->fm_length = FIEMAP_MAX_OFFSET - start;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = BATCH;
    map->fm_mapped_extents = 0;
    if (ioctl(fd, FS_IOC_FIEMAP, map) != 0) return errno;
    if (map->fm_mapped_extents == 0) return 0;
    const struct fiemap_extent* extent = map->fm_extents;
    for (unsigned i = 0; i < map->fm_mapped_extents; i++, extent++) {
      printf(" %llu:%llu:%llu:%x", (unsigned long long)extent->fe_logical,
             (unsigned long long)extent->fe_physical, (unsigned long long)extent->fe_length,
             extent->fe_flags);
      start = extent->fe_logical + extent->fe_length;
      if (extent->fe_flags & FIEMAP_EXTENT_LAST) return 0;
    }
  }
}

static int print_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno;
  struct stat status;
  struct statfs system;
  int error = 0;
  if (fstat(fd, &status) != 0 || fstatfs(fd, &system) != 0) {
    error = errno;
  } else {
    // The second half of f_fsid differs between the subvolumes of one Btrfs, which share extents.
    printf("%x %lld", (unsigned)system.f_fsid.__val[0], (long long)status.st_size);
    error = print_extents(fd);
  }
  close(fd);
  return error;
}

int main(void) {
  map = malloc(sizeof *map + BATCH * sizeof(struct fiemap_extent));
  if (map == NULL) return 1;
  char* path = NULL;
  size_t capacity = 0;
  while (getdelim(&path, &capacity, '\0', stdin) > 0) {
    const int error = print_file(path);
    if (error != 0) printf(" ! %d", error);
    putchar('\n');
  }
  free(path);
  free(map);
  return 0;
}
