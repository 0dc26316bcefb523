// ReFS block clones of open files.
#pragma once

#include <windows.h>

namespace reflink_merge::win32 {

// Makes `dest`, open and empty, share all blocks of `src`, which has `size` bytes. 0, or what
// GetLastError told; then `dest` holds a part.
DWORD CloneBlocks(HANDLE src, const BY_HANDLE_FILE_INFORMATION& status, HANDLE dest);

}  // namespace reflink_merge::win32
