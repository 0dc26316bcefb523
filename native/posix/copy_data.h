// Copies the bytes of an open file into a new one.
#pragma once

#include <sys/stat.h>

#include "../contract.h"

namespace reflink_merge {

// Reads to the end, wherever that is: st_size is 0 or a page for files that the kernel or a FUSE
// server writes at each read. `*length` is what the new file holds. Holes stay holes where the file
// system reports them. With `in_kernel` copy_file_range is tried first, which a file system may
// answer by sharing extents; without it the bytes are duplicated.
Outcome CopyData(int src, const struct stat& status, int dest, bool in_kernel, off_t* length);

}  // namespace reflink_merge
