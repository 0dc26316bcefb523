// Many names of a way in one call.
#pragma once

#include <cstddef>
#include <string>

#include "../descriptor.h"

namespace reflink_merge {

// Below this many bytes a call for each name is as good, and what it fails with is plainer.
constexpr size_t kShortestLeap = 64;
// Linux takes no path of PATH_MAX or more bytes, with the NUL.
constexpr size_t kLongestLeap = 4095;

// A descriptor to search in, of a directory below another, where nothing on the way is a symlink:
// the kernel makes sure of that, as it does for one name with O_NOFOLLOW. Not ok where the system
// cannot, or where the way cannot be gone.
Descriptor OpenWithoutSymlinks(int directory, const std::string& path);

}  // namespace reflink_merge
