// The descriptors that JavaScript holds. What it has not closed is closed with its environment, so
// that a worker thread that is terminated leaves no lock behind.
#pragma once

#include <cerrno>
#include <unordered_map>

#include "../descriptor.h"

namespace reflink_merge {

class OpenDirectories {
 public:
  // Gives the number of the descriptor, -1 if there is none.
  int Keep(Descriptor opened) {
    const int fd = opened.get();
    if (opened.ok()) open_.emplace(fd, std::move(opened));
    return fd;
  }

  // 0 or the errno: EBADF for what is not kept here.
  int Close(int fd) {
    const auto found = open_.find(fd);
    if (found == open_.end()) return EBADF;
    const int number = found->second.Release();
    open_.erase(found);
    return close(number) == 0 ? 0 : errno;
  }

 private:
  std::unordered_map<int, Descriptor> open_;
};

}  // namespace reflink_merge
