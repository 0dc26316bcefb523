// encrypt <mount point> <directory> <byte>: adds a key of 64 such bytes to the file system and has
// the empty directory, and all that is made in it, encrypted with it.
// encrypt <path>: prints the identifier of the key in hex, or `none`.

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fail(const char* what) {
  perror(what);
  return 1;
}

static int print_policy(const char* path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return fail(path);
  struct fscrypt_get_policy_ex_arg arg;
  memset(&arg, 0, sizeof(arg));
  arg.policy_size = sizeof(arg.policy);
  if (ioctl(fd, FS_IOC_GET_ENCRYPTION_POLICY_EX, &arg) != 0) {
    if (errno != ENODATA) return fail("get policy");
    puts("none");
    return 0;
  }
  for (unsigned i = 0; i < FSCRYPT_KEY_IDENTIFIER_SIZE; i++) {
    printf("%02x", arg.policy.v2.master_key_identifier[i]);
  }
  puts("");
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2) return print_policy(argv[1]);
  if (argc != 4) return 2;
  int mount = open(argv[1], O_RDONLY);
  if (mount < 0) return fail(argv[1]);
  struct fscrypt_add_key_arg* key = calloc(1, sizeof(*key) + 64);
  if (key == NULL) return fail("calloc");
  key->key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
  key->raw_size = 64;
  memset(key->raw, atoi(argv[3]), 64);
  if (ioctl(mount, FS_IOC_ADD_ENCRYPTION_KEY, key) != 0) return fail("add key");
  int directory = open(argv[2], O_RDONLY);
  if (directory < 0) return fail(argv[2]);
  struct fscrypt_policy_v2 policy;
  memset(&policy, 0, sizeof(policy));
  policy.version = FSCRYPT_POLICY_V2;
  policy.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS;
  policy.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS;
  policy.flags = FSCRYPT_POLICY_FLAGS_PAD_32;
  memcpy(policy.master_key_identifier, key->key_spec.u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
  if (ioctl(directory, FS_IOC_SET_ENCRYPTION_POLICY, &policy) != 0) return fail("set policy");
  return 0;
}
