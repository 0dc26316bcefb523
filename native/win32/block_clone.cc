// FSCTL_DUPLICATE_EXTENTS_TO_FILE: learn.microsoft.com, "Block cloning on ReFS".
#include "block_clone.h"

#include <winioctl.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cwchar>

#include "handle.h"

namespace reflink_merge::win32 {
namespace {

// Not in the headers of MinGW.
constexpr DWORD kDuplicateExtents = 0x98344;
constexpr DWORD kGetIntegrity = 0x9027C;
constexpr DWORD kSetIntegrity = 0x9C280;
constexpr DWORD kSupportsBlockRefcounting = 0x08000000;

struct DuplicateExtents {
  HANDLE source;
  LARGE_INTEGER source_offset;
  LARGE_INTEGER target_offset;
  LARGE_INTEGER byte_count;
};

struct Integrity {
  WORD checksum_algorithm;
  WORD reserved;
  DWORD flags;
};

struct IntegrityAnswer {
  Integrity integrity;
  DWORD checksum_chunk_bytes;
  DWORD cluster_bytes;
};

// A piece must be smaller than 4 GiB, and a whole number of clusters, which have 4 or 64 KiB.
constexpr uint64_t kPieceBytes = uint64_t{1} << 30;

template <typename In, typename Out>
DWORD Control(HANDLE file, DWORD code, In* in, Out* out) {
  DWORD returned = 0;
  const DWORD in_bytes = in == nullptr ? 0 : sizeof(*in);
  const DWORD out_bytes = out == nullptr ? 0 : sizeof(*out);
  const BOOL ok = DeviceIoControl(file, code, in, in_bytes, out, out_bytes, &returned, nullptr);
  return ok != 0 ? 0 : GetLastError();
}

template <typename In>
DWORD Tell(HANDLE file, DWORD code, In* in) {
  return Control(file, code, in, static_cast<char*>(nullptr));
}

uint64_t SizeOf(const BY_HANDLE_FILE_INFORMATION& status) {
  return uint64_t{status.nFileSizeHigh} << 32 | status.nFileSizeLow;
}

DWORD CheckVolumes(HANDLE src, HANDLE dest) {
  DWORD src_serial = 0;
  DWORD dest_serial = 0;
  DWORD flags = 0;
  if (GetVolumeInformationByHandleW(src, nullptr, 0, &src_serial, nullptr, &flags, nullptr, 0) ==
          0 ||
      GetVolumeInformationByHandleW(dest, nullptr, 0, &dest_serial, nullptr, nullptr, nullptr, 0) ==
          0) {
    return GetLastError();
  }
  if (src_serial != dest_serial) return ERROR_NOT_SAME_DEVICE;
  return (flags & kSupportsBlockRefcounting) == 0 ? ERROR_NOT_SUPPORTED : 0;
}

// Both must agree: in integrity streams, and a sparse file has only sparse clones.
DWORD MatchKinds(HANDLE src, const BY_HANDLE_FILE_INFORMATION& status, HANDLE dest,
                 DWORD* cluster_bytes) {
  IntegrityAnswer wanted{};
  IntegrityAnswer given{};
  char* const nothing = nullptr;
  DWORD error = Control(src, kGetIntegrity, nothing, &wanted);
  if (error == 0) error = Control(dest, kGetIntegrity, nothing, &given);
  if (error != 0) return error;
  *cluster_bytes = wanted.cluster_bytes;
  if (wanted.integrity.checksum_algorithm != given.integrity.checksum_algorithm ||
      wanted.integrity.flags != given.integrity.flags) {
    Integrity integrity = wanted.integrity;
    integrity.reserved = 0;
    error = Tell(dest, kSetIntegrity, &integrity);
    if (error != 0) return error;
  }
  if ((status.dwFileAttributes & FILE_ATTRIBUTE_SPARSE_FILE) == 0) return 0;
  return Tell(dest, FSCTL_SET_SPARSE, static_cast<char*>(nullptr));
}

// From the start on, so that the valid data of `dest` grows without a gap.
DWORD Duplicate(HANDLE src, HANDLE dest, uint64_t size, uint64_t cluster) {
  // The last piece ends with its cluster, beyond the end of the file.
  const uint64_t end = (size + cluster - 1) / cluster * cluster;
  for (uint64_t at = 0; at < end; at += kPieceBytes) {
    DuplicateExtents piece{};
    piece.source = src;
    piece.source_offset.QuadPart = static_cast<LONGLONG>(at);
    piece.target_offset.QuadPart = static_cast<LONGLONG>(at);
    piece.byte_count.QuadPart = static_cast<LONGLONG>(std::min(kPieceBytes, end - at));
    const DWORD error = Tell(dest, kDuplicateExtents, &piece);
    if (error != 0) return error;
  }
  return 0;
}

// Two clones of one file at once have given clones full of zeros: one at a time, in all processes.
HANDLE MutexOf(const BY_HANDLE_FILE_INFORMATION& status) {
  std::array<wchar_t, 64> name{};
  const int length =
      std::swprintf(name.data(), name.size(), L"Local\\reflink-merge-%08lx-%08lx%08lx",
                    status.dwVolumeSerialNumber, status.nFileIndexHigh, status.nFileIndexLow);
  if (length < 0) {
    SetLastError(ERROR_INVALID_NAME);
    return nullptr;
  }
  return CreateMutexW(nullptr, FALSE, name.data());
}

}  // namespace

DWORD CloneBlocks(HANDLE src, const BY_HANDLE_FILE_INFORMATION& status, HANDLE dest) {
  DWORD cluster = 0;
  DWORD error = CheckVolumes(src, dest);
  if (error == 0) error = MatchKinds(src, status, dest, &cluster);
  if (error != 0) return error;
  // One that does not fit into a piece a whole number of times is none of ReFS.
  if (cluster == 0 || kPieceBytes % cluster != 0) return ERROR_NOT_SUPPORTED;
  const uint64_t size = SizeOf(status);
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  if (SetFileInformationByHandle(dest, FileEndOfFileInfo, &end, sizeof(end)) == 0) {
    return GetLastError();
  }
  const Handle mutex(MutexOf(status));
  if (!mutex.ok()) return GetLastError();
  const Held held(mutex.get());
  if (!held.ok()) return GetLastError();
  return Duplicate(src, dest, size, cluster);
}

}  // namespace reflink_merge::win32
