// What readdir tells of a directory.
#pragma once

#include <dirent.h>

#include <memory>
#include <string>
#include <vector>

#include "../contract.h"
#include "../descriptor.h"

namespace reflink_merge {

struct CloseStream {
  void operator()(DIR* directory) const { closedir(directory); }
};

using DirectoryStream = std::unique_ptr<DIR, CloseStream>;

// Takes the descriptor over; nullptr and errno on failure, which leaves it where it was.
DirectoryStream OpenStream(Descriptor* directory);

struct Names {
  std::vector<std::string> directories;
  std::vector<std::string> others;
  std::vector<std::string> not_utf8;
  bool regular = true;  // the file system tells of all others that they are regular files
};

// The type tells directories from others, for the order; `regular` tells whether it says more.
Outcome ReadNames(DIR* directory, Names* names);

// Can no file system take two of them for one? True only where that is sure.
bool AreDistinct(const Names& names);

}  // namespace reflink_merge
