// swapper DIRECTORY NAME OTHER-DIRECTORY OTHER-NAME ...: exchanges the two names of each pair, one
// pair after the other at random, and back a moment later, until stdin is closed. Says how often.
// renameat2(2), RENAME_EXCHANGE: at no moment is either name empty.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_PAIRS 64
#define STORM 50

struct pair {
  int directory;
  const char* name;
  int other;
  const char* other_name;
};

// Open before anything is swapped: by path this program would be led astray itself.
static int open_directory(const char* path) {
  int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    perror(path);
    exit(2);
  }
  return fd;
}

static void exchange(const struct pair* pair) {
  if (syscall(SYS_renameat2, pair->directory, pair->name, pair->other, pair->other_name,
              RENAME_EXCHANGE) != 0) {
    perror("renameat2");
    exit(2);
  }
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
  struct pair pairs[MOST_PAIRS];
  int count = 0;
  for (int at = 1; at + 3 < argc && count < MOST_PAIRS; at += 4, count++) {
    pairs[count] = (struct pair){open_directory(argv[at]), argv[at + 1],
                                 open_directory(argv[at + 2]), argv[at + 3]};
  }
  if (count == 0) return 2;
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
      swaps += 2;
      pause_a_while(&seed, 80);
    }
    // Now and then somebody is to get through.
    pause_a_while(&seed, 150 * 1000);
  }
  printf("%lu\n", swaps);
  return 0;
}
