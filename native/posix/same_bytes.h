// Equality of what two open files hold, found by reading both.
#pragma once

#include <sys/types.h>

#include "../contract.h"

namespace reflink_merge {

// Small files are read in one go by comparisons.
constexpr size_t kCompareBytes = 64 * 1024;

// Reads both to their ends, whatever their sizes are said to be. `*length`: how much was equal.
Outcome HaveSameBytes(int a, int b, bool* equal, off_t* length);

}  // namespace reflink_merge
