#include "copy_data.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace reflink_merge {
namespace {

constexpr off_t kBufferBytes = 128 * 1024;
constexpr off_t kStatBlock = 512;  // the unit of st_blocks, whatever the file system's own

// Where copy_file_range cannot do it, read and write can: old kernels (ENOSYS), two file systems
// (EXDEV), special files of FUSE and ZFS (EINVAL), NFS without the operation (EOPNOTSUPP), CIFS
// (EPERM), ZFS with dirty blocks (EAGAIN), swap or immutable quirks (ETXTBSY).
bool NeedsPlainCopy(int error) {
  switch (error) {
    case ENOSYS:
    case EXDEV:
    case EINVAL:
    case EOPNOTSUPP:
    case EPERM:
    case EAGAIN:
    case ETXTBSY:
      return true;
    default:
      return false;
  }
}

// From `*offset` to `end` or the end of the file, whichever comes first.
Outcome CopyByReadAndWrite(int src, int dest, off_t* offset, off_t end) {
  std::array<char, kBufferBytes> buffer;
  while (*offset < end) {
    const size_t wanted = static_cast<size_t>(std::min(end - *offset, kBufferBytes));
    const ssize_t got = pread(src, buffer.data(), wanted, *offset);
    if (got < 0) return {errno, Call::kRead};
    if (got == 0) return {};
    ssize_t done = 0;
    while (done < got) {
      const ssize_t put =
          pwrite(dest, buffer.data() + done, static_cast<size_t>(got - done), *offset + done);
      if (put < 0) return {errno, Call::kWrite};
      done += put;
    }
    *offset += got;
  }
  return {};
}

Outcome CopyRange(int src, int dest, off_t* offset, off_t end, bool* in_kernel) {
  while (*in_kernel && *offset < end) {
    uint64_t copied = 0;
    const int error = CopyInKernel(src, dest, static_cast<uint64_t>(*offset),
                                   static_cast<uint64_t>(end - *offset), &copied);
    if (error != 0 && !NeedsPlainCopy(error)) return {error, Call::kCopy};
    // Nothing copied before the end: kernels before 5.19 answer so for files of proc and sysfs, and
    // any for a file that was truncated; reading tells them apart.
    if (error != 0 || copied == 0) *in_kernel = false;
    *offset += static_cast<off_t>(copied);
  }
  return CopyByReadAndWrite(src, dest, offset, end);
}

// Everything but its holes. Ends early where the file does.
Outcome CopyBetweenHoles(int src, off_t size, int dest, bool in_kernel, off_t* length) {
  off_t offset = 0;
  while (offset < size) {
    off_t data = lseek(src, offset, SEEK_DATA);
    // ENXIO: only a hole is left. Any other answer: this file system does not report its holes.
    if (data < 0 && errno == ENXIO) break;
    if (data < 0) data = offset;
    const off_t hole = lseek(src, data, SEEK_HOLE);
    // A hole that begins where data does was punched in between, or is none.
    const off_t end = hole <= data ? size : std::min(hole, size);
    offset = data;
    const Outcome outcome = CopyRange(src, dest, &offset, end, &in_kernel);
    if (!outcome.ok()) return outcome;
    if (offset < end) {
      *length = offset;
      return {};
    }
  }
  *length = size;
  if (ftruncate(dest, size) != 0) return {errno, Call::kWrite};
  return {};
}

// What comes after `*length`, where st_size has the end: nothing, mostly.
Outcome CopyRest(int src, off_t size, int dest, off_t* length) {
  for (;;) {
    const off_t before = *length;
    const Outcome outcome = CopyByReadAndWrite(src, dest, length, before + kBufferBytes);
    if (!outcome.ok() || *length == before) return outcome;
    struct stat now{};
    if (fstat(src, &now) != 0) return {errno, Call::kStat};
    // Somebody appends to it, perhaps faster than it can be read.
    if (now.st_size != size) return {EBUSY, Call::kChanged};
  }
}

}  // namespace

Outcome CopyData(int src, const struct stat& status, int dest, bool in_kernel, off_t* length) {
  const off_t size = status.st_size;
  *length = 0;
  const bool sparse = status.st_blocks * kStatBlock < size;
  const Outcome outcome = sparse ? CopyBetweenHoles(src, size, dest, in_kernel, length)
                                 : CopyRange(src, dest, length, size, &in_kernel);
  // One that ended early has nothing more.
  if (!outcome.ok() || *length < size) return outcome;
  return CopyRest(src, size, dest, length);
}

}  // namespace reflink_merge
