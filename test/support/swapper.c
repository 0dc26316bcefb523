// swapper SPOILS DIRECTORY NAME LINKS LINK ...: exchanges a directory and a symlink of each pair,
// one pair after the other at random, and back a moment later, until stdin is closed. Says how
// often. renameat2(2), RENAME_EXCHANGE: at no moment is either name empty, so that a failure is the
// fault of whoever has emptied one. A directory that was put in the place of the symlink meanwhile
// goes into SPOILS, and the symlink is made anew.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_PAIRS 64
#define STORM 50
#define LONGEST 4096

struct pair {
  int directory;
  const char* name;
  int other;
  const char* other_name;
  char target[LONGEST];
};

static void fail(const char* what) {
  perror(what);
  exit(2);
}

// Open before anything is swapped: by path this program would be led astray itself.
static int open_directory(const char* path) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    fail(path);
  }
  return fd;
}

static void exchange(const struct pair* pair) {
  if (syscall(SYS_renameat2, pair->directory, pair->name, pair->other, pair->other_name,
              RENAME_EXCHANGE) != 0) {
    fail("renameat2");
  }
}

static void read_link(struct pair* pair) {
  const ssize_t length =
      readlinkat(pair->other, pair->other_name, pair->target, sizeof(pair->target) - 1);
  if (length < 0) fail("readlinkat");
  pair->target[length] = 0;
}

// A merge that replaces what stands in its way has taken the symlink, and left a directory for it.
static void make_anew(const struct pair* pair, int spoils) {
  static unsigned count = 0;
  struct stat status;
  if (fstatat(pair->other, pair->other_name, &status, AT_SYMLINK_NOFOLLOW) != 0) fail("fstatat");
  if (S_ISLNK(status.st_mode)) return;
  char name[32];
  snprintf(name, sizeof(name), "%u", count++);
  if (renameat(pair->other, pair->other_name, spoils, name) != 0) fail("renameat");
  if (symlinkat(pair->target, pair->other, pair->other_name) != 0) fail("symlinkat");
}

static int is_over(void) {
  struct pollfd input = {.fd = 0, .events = POLLIN};
  return poll(&input, 1, 0) != 0;
}

// Up to so many microseconds.
static void pause_a_while(unsigned* seed, unsigned most) {
  struct timespec time = {.tv_nsec = (long)(rand_r(seed) % (most + 1)) * 1000};
  if (time.tv_nsec > 0) nanosleep(&time, NULL);
}

int main(int argc, char** argv) {
  static struct pair pairs[MOST_PAIRS];
  int count = 0;
  for (int at = 2; at + 3 < argc && count < MOST_PAIRS; at += 4, count++) {
    pairs[count] = (struct pair){.directory = open_directory(argv[at]),
                                 .name = argv[at + 1],
                                 .other = open_directory(argv[at + 2]),
                                 .other_name = argv[at + 3]};
    read_link(&pairs[count]);
  }
  if (count == 0) return 2;
  const int spoils = open_directory(argv[1]);
  unsigned seed = 1;
  unsigned long swaps = 0;
  puts("swapping");
  fflush(stdout);
  while (!is_over()) {
    for (int i = 0; i < STORM; i++) {
      const struct pair* pair = &pairs[rand_r(&seed) % (unsigned)count];
      exchange(pair);
      pause_a_while(&seed, 40);
      exchange(pair);
      make_anew(pair, spoils);
      swaps += 2;
      pause_a_while(&seed, 80);
    }
    // Now and then somebody is to get through.
    pause_a_while(&seed, 150 * 1000);
  }
  printf("%lu\n", swaps);
  return 0;
}
