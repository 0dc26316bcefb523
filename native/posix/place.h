// A directory, given as a start and the names that lead down from it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../contract.h"
#include "../descriptor.h"

namespace reflink_merge {

// Either an open directory or an absolute path, and a '/'-joined relative path below it.
// The start may be a symlink (it is what the caller named); nothing below it is ever followed.
struct Place {
  int base = -1;
  std::shared_ptr<const std::string> root;  // shared by all places of a batch that start there
  std::string path;
};

// A place as an entry of the one that holds it. A start has none above it: its own name is empty.
struct Entry {
  Place above;
  std::string name;
};

Entry EntryOf(const Place& place);

// Opens place after place. The end of the last way stays open, since neighbours in a batch share
// most of their names. Anyone who moves or removes directories must forget it.
class Walk {
 public:
  // A descriptor to search in, good until the next call; -1 and error() on failure.
  int Search(const Place& place);
  // A descriptor of its own, to read.
  Descriptor Read(const Place& place);
  void Forget();

  int error() const { return error_; }

 private:
  struct Level {
    std::string name;
    Descriptor directory;  // closed where the way goes on for long
  };

  bool IsAtStartOf(const Place& place) const;
  // How many names of the way are the same.
  size_t Return(std::string_view path);
  bool Start(const Place& place);
  int StartDirectory() const;
  // From the last common directory on.
  bool Descend(size_t known, std::string_view path);
  // One name.
  bool Step(std::string_view name);
  // Many names in few calls, where the system can; answers where in the path it got.
  size_t Leap(size_t at, std::string_view path);
  int Last() const;
  int Fail();

  int base_ = -1;
  std::shared_ptr<const std::string> root_;
  bool started_ = false;
  Descriptor start_;  // of `root_`; where the base is a descriptor, that is borrowed
  std::vector<Level> levels_;
  int error_ = 0;
};

}  // namespace reflink_merge
