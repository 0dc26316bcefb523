// The errnos of Windows, which has none: the numbers of libuv, which are those in Node's errors
// there (include/uv/errno.h). Unknown codes are told as kUnknown; the code itself goes along with
// each.
#pragma once

#include <windows.h>

#include <array>

namespace reflink_merge::win32 {

constexpr int kUnknown = 4094;
constexpr int kEacces = 4092;
constexpr int kEbadf = 4083;
constexpr int kEbusy = 4082;
constexpr int kEexist = 4075;
constexpr int kEinval = 4071;
constexpr int kEio = 4070;
constexpr int kEisdir = 4068;
constexpr int kEloop = 4067;
constexpr int kEmfile = 4066;
constexpr int kEnametoolong = 4064;
constexpr int kEnoent = 4058;
constexpr int kEnomem = 4057;
constexpr int kEnospc = 4055;
constexpr int kEnosys = 4054;
constexpr int kEnotsup = 4049;
constexpr int kEperm = 4048;
constexpr int kErofs = 4043;
constexpr int kExdev = 4037;
constexpr int kEmlink = 4032;

struct Translation {
  DWORD code;
  int number;
};

// As libuv's src/win/error.c, but for ERROR_INVALID_FUNCTION: here it is a file system that does
// not know the control code.
constexpr std::array<Translation, 38> kTranslations = {{
    {ERROR_INVALID_FUNCTION, kEnotsup},
    {ERROR_FILE_NOT_FOUND, kEnoent},
    {ERROR_PATH_NOT_FOUND, kEnoent},
    {ERROR_TOO_MANY_OPEN_FILES, kEmfile},
    {ERROR_ACCESS_DENIED, kEperm},
    {ERROR_INVALID_HANDLE, kEbadf},
    {ERROR_NOT_ENOUGH_MEMORY, kEnomem},
    {ERROR_OUTOFMEMORY, kEnomem},
    {ERROR_INVALID_DRIVE, kEnoent},
    {ERROR_NOT_SAME_DEVICE, kExdev},
    {ERROR_WRITE_PROTECT, kErofs},
    {ERROR_CRC, kEio},
    {ERROR_GEN_FAILURE, kEio},
    {ERROR_SHARING_VIOLATION, kEbusy},
    {ERROR_LOCK_VIOLATION, kEbusy},
    {ERROR_HANDLE_DISK_FULL, kEnospc},
    {ERROR_NOT_SUPPORTED, kEnotsup},
    {ERROR_BAD_NETPATH, kEnoent},
    {ERROR_FILE_EXISTS, kEexist},
    {ERROR_CANNOT_MAKE, kEnospc},
    {ERROR_INVALID_PARAMETER, kEinval},
    {ERROR_DISK_FULL, kEnospc},
    {ERROR_CALL_NOT_IMPLEMENTED, kEnosys},
    {ERROR_INVALID_NAME, kEnoent},
    {ERROR_BAD_PATHNAME, kEnoent},
    {ERROR_BUSY, kEbusy},
    {ERROR_ALREADY_EXISTS, kEexist},
    {ERROR_FILENAME_EXCED_RANGE, kEnametoolong},
    {ERROR_DIRECTORY, kEnoent},
    {327 /* ERROR_OFFSET_ALIGNMENT_VIOLATION */, kEinval},
    {347 /* ERROR_BLOCK_TOO_MANY_REFERENCES */, kEmlink},
    {ERROR_OPERATION_ABORTED, kEio},
    {ERROR_IO_DEVICE, kEio},
    {1295 /* ERROR_DISK_QUOTA_EXCEEDED */, kEnospc},
    {ERROR_PRIVILEGE_NOT_HELD, kEperm},
    {ERROR_NO_SYSTEM_RESOURCES, kEnomem},
    {ERROR_CANT_ACCESS_FILE, kEacces},
    {ERROR_CANT_RESOLVE_FILENAME, kEloop},
}};

constexpr int ErrnoOf(DWORD code) {
  for (const Translation& each : kTranslations) {
    if (each.code == code) return each.number;
  }
  return kUnknown;
}

}  // namespace reflink_merge::win32
