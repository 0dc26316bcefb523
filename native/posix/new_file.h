// A file that did not exist before, and does not outlive a failure to fill it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "../descriptor.h"

namespace reflink_merge {

class NewFile {
 public:
  // O_EXCL: an existing file is never opened for writing, not even through a hard or symbolic link.
  // Readable, whatever its mode, so that it can be compared with its source.
  NewFile(int dir, const char* name, unsigned mode)
      : dir_(dir),
        name_(name),
        file_(openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                     static_cast<mode_t>(mode))),
        error_(file_.ok() ? 0 : errno) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (file_.ok()) unlinkat(dir_, name_, 0);
  }

  int error() const { return error_; }
  int get() const { return file_.get(); }
  // The file is complete: hand over its descriptor and leave its name in place.
  int Keep() { return file_.Release(); }

 private:
  int dir_;
  const char* name_;
  Descriptor file_;
  int error_;
};

}  // namespace reflink_merge
