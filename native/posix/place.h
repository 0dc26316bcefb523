// A directory, given as a start and the names that lead down from it.
#pragma once

#include <string>

#include "../contract.h"
#include "../descriptor.h"

namespace reflink_merge {

// Either an open directory or an absolute path, and a '/'-joined relative path below it.
// The start may be a symlink (it is what the caller named); nothing below it is ever followed.
struct Place {
  int base = -1;
  std::string root;
  std::string path;
};

enum class Access { kSearch, kRead };

// An open place. Borrows the base descriptor where the path is empty.
class OpenPlace {
 public:
  OpenPlace(const Place& place, Access access);

  int error() const { return error_; }
  int get() const { return owned_.ok() ? owned_.get() : borrowed_; }
  // Hands over the descriptor of a place opened for reading.
  int Release() { return owned_.Release(); }

 private:
  Descriptor owned_;
  int borrowed_ = -1;
  int error_ = 0;
};

}  // namespace reflink_merge
