// Runs a program and tells, on descriptor 3 and as JSON, what it took from fork to exit:
//
//   timed COMMAND ARGUMENT...
//
// The programs are not started by Node itself: what a process counts as its greatest memory begins
// with that of the one that started it, and Node does not tell what its children took.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>

namespace {

constexpr int kReport = 3;

double Milliseconds(const timeval& time) { return time.tv_sec * 1e3 + time.tv_usec / 1e3; }

double Now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

// Whoever is interrupted leaves nothing running that still holds the volume.
void EndWithParent() { prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: timed COMMAND ARGUMENT...\n");
    return 2;
  }
  EndWithParent();
  fcntl(kReport, F_SETFD, FD_CLOEXEC);
  const double start = Now();
  const pid_t child = fork();
  if (child < 0) {
    std::perror("fork");
    return 2;
  }
  if (child == 0) {
    EndWithParent();
    execvp(argv[1], argv + 1);
    std::perror(argv[1]);
    _exit(127);
  }
  int status = 0;
  rusage usage;
  if (wait4(child, &status, 0, &usage) != child) {
    std::perror("wait4");
    return 2;
  }
  const double ms = Now() - start;
  dprintf(kReport, "{\"ms\":%.3f,\"user\":%.3f,\"system\":%.3f,\"peak\":%ld}\n", ms,
          Milliseconds(usage.ru_utime), Milliseconds(usage.ru_stime), usage.ru_maxrss * 1024);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
