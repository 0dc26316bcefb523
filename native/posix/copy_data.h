// Copies the bytes of an open file into a new one.
#pragma once

#include <sys/stat.h>

#include "../contract.h"

namespace reflink_merge {

// Holes stay holes where the file system tells them. With `in_kernel` copy_file_range is tried
// first, which a file system may answer by sharing extents; without it the bytes are duplicated.
Outcome CopyData(int src, const struct stat& status, int dest, bool in_kernel);

}  // namespace reflink_merge
