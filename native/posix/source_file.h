// A regular file opened to be read, and only that.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "../contract.h"
#include "../descriptor.h"

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

  const Outcome& outcome() const { return outcome_; }
  int get() const { return file_.get(); }
  const struct stat& status() const { return status_; }

 private:
  Descriptor file_;
  struct stat status_{};
  Outcome outcome_;
};

}  // namespace reflink_merge
