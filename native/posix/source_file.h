// A regular file opened to be read, and only that.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>

#include "../contract.h"
#include "../descriptor.h"
#include "times.h"

namespace reflink_merge {

class SourceFile {
 public:
  // O_NONBLOCK: a fifo that took the file's place since the scan must not hold the thread.
  SourceFile(int dir, const char* name)
      : file_(openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
    if (!file_.ok()) {
      outcome_ = {errno, Call::kOpen};
    } else if (fstat(file_.get(), &status_) != 0) {
      outcome_ = {errno, Call::kStat};
    } else if (!S_ISREG(status_.st_mode)) {
      // As the kernel answers FICLONE on a directory, and on what is neither.
      outcome_ = {S_ISDIR(status_.st_mode) ? EISDIR : EINVAL, Call::kOpen};
    }
  }

  // Has it been the same since it was opened, as far as size and times tell? A newer ctime alone is
  // kMaybe: links, names and modes move it, and so does a writer that puts mtime back.
  enum class Since : uint8_t { kSame, kMaybe, kChanged };
  Outcome Look(Since* since) const {
    struct stat now{};
    if (fstat(file_.get(), &now) != 0) return {errno, Call::kStat};
    if (now.st_size != status_.st_size ||
        Nanoseconds(ModifyTime(now)) != Nanoseconds(ModifyTime(status_))) {
      *since = Since::kChanged;
    } else {
      const bool same = Nanoseconds(ChangeTime(now)) == Nanoseconds(ChangeTime(status_));
      *since = same ? Since::kSame : Since::kMaybe;
    }
    return {};
  }

  const Outcome& outcome() const { return outcome_; }
  int get() const { return file_.get(); }
  const struct stat& status() const { return status_; }

 private:
  Descriptor file_;
  struct stat status_{};
  Outcome outcome_;
};

}  // namespace reflink_merge
