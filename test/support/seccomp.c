// deny NAME=ERRNO... -- COMMAND...
// Runs COMMAND so that the named calls fail with ERRNO (a number) in it and in all its descendants.
// NAME is a system call, or an ioctl request: ficlone, ficlonerange, fiemap. Exits with 125 if it
// cannot.

#include <errno.h>
#include <linux/audit.h>
#include <linux/fiemap.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "seccomp.c: add this machine's AUDIT_ARCH"
#endif

struct call {
  const char* name;
  unsigned number;
  unsigned request;  // of ioctl; 0 for a whole system call
};

#define CALL(name) {#name, __NR_##name, 0}
static const struct call calls[] = {
    {"ficlone", __NR_ioctl, FICLONE},
    {"ficlonerange", __NR_ioctl, FICLONERANGE},
    {"fiemap", __NR_ioctl, FS_IOC_FIEMAP},
    CALL(ioctl),
    CALL(openat),
    CALL(openat2),
    CALL(mkdirat),
    CALL(linkat),
    CALL(symlinkat),
    CALL(readlinkat),
    CALL(unlinkat),
    CALL(renameat),
    CALL(renameat2),
    CALL(fchmod),
    CALL(fchmodat),
    CALL(fchown),
    CALL(fchownat),
    CALL(utimensat),
    CALL(copy_file_range),
    CALL(sendfile),
    CALL(ftruncate),
    CALL(fallocate),
    CALL(fsync),
    CALL(fdatasync),
    CALL(syncfs),
    CALL(flock),
    CALL(getdents64),
    CALL(statx),
    CALL(lseek),
    CALL(pread64),
    CALL(pwrite64),
// The calls without "at" that arm64 never had.
#ifdef __NR_rename
    CALL(open),
    CALL(mkdir),
    CALL(rmdir),
    CALL(link),
    CALL(symlink),
    CALL(readlink),
    CALL(unlink),
    CALL(rename),
    CALL(chmod),
#endif
};

enum { MAX_RULES = 64, PER_RULE = 5, AROUND = 6 };

static struct sock_filter program[MAX_RULES * PER_RULE + AROUND];
static unsigned short length;

static void add(struct sock_filter instruction) { program[length++] = instruction; }

static void load(size_t offset) {
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void skip_unless(unsigned value, unsigned char count) {
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
}

static void answer(unsigned action) { add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }

static void add_rule(const struct call* call, unsigned error) {
  const unsigned denial = SECCOMP_RET_ERRNO | (error & SECCOMP_RET_DATA);
  if (call->request == 0) {
    skip_unless(call->number, 1);
    answer(denial);
    return;
  }
  skip_unless(call->number, 4);
  load(offsetof(struct seccomp_data, args[1]));  // its low half: both machines are little-endian
  skip_unless(call->request, 1);
  answer(denial);
  load(offsetof(struct seccomp_data, nr));
}

static const struct call* find(const char* name, size_t size) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (strlen(calls[i].name) == size && memcmp(calls[i].name, name, size) == 0) return &calls[i];
  return NULL;
}

static void parse_rule(const char* rule) {
  const char* equals = strchr(rule, '=');
  const struct call* call = equals ? find(rule, (size_t)(equals - rule)) : NULL;
  const long error = equals ? strtol(equals + 1, NULL, 10) : 0;
  if (call == NULL || error < 1 || error > 4095) {
    fprintf(stderr, "deny: no such call or errno: %s\n", rule);
    exit(125);
  }
  add_rule(call, (unsigned)error);
}

int main(int argc, char** argv) {
  load(offsetof(struct seccomp_data, arch));
  skip_unless(THIS_ARCH, 1);
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
  answer(SECCOMP_RET_ALLOW);
  load(offsetof(struct seccomp_data, nr));

  int i = 1;
  for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
    if (i > MAX_RULES) return 125;
    parse_rule(argv[i]);
  }
  answer(SECCOMP_RET_ALLOW);
  if (i + 1 >= argc) {
    fprintf(stderr, "usage: deny NAME=ERRNO... -- COMMAND...\n");
    return 125;
  }

  const struct sock_fprog filter = {.len = length, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    perror("deny: seccomp");
    return 125;
  }
  execvp(argv[i + 1], argv + i + 1);
  perror("deny: exec");
  return 125;
}
