// Windows: clones of single files. Node's own calls do the rest.
#include <windows.h>

#include <string>

#include "../addon.h"
#include "../contract.h"
#include "../shared_bytes.h"
#include "block_clone.h"
#include "errors.h"
#include "handle.h"

namespace reflink_merge {

using win32::ErrnoOf;
using win32::Handle;

namespace {

Outcome Failed(DWORD code, Call call) { return {ErrnoOf(code), call, code}; }

std::wstring Wide(const char* text) {
  const int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, nullptr, 0);
  if (length <= 0) return {};
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide.data(), length);
  wide.resize(static_cast<size_t>(length) - 1);
  return wide;
}

// Neither follows a symlink, whose target would be another file; nor is it one that may be cloned.
Outcome CheckSource(const Handle& src, BY_HANDLE_FILE_INFORMATION* status) {
  if (GetFileInformationByHandle(src.get(), status) == 0) {
    return Failed(GetLastError(), Call::kStat);
  }
  const DWORD attributes = status->dwFileAttributes;
  if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) return {win32::kEisdir, Call::kOpen};
  if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0) return {};
  FILE_ATTRIBUTE_TAG_INFO tag{};
  const bool known =
      GetFileInformationByHandleEx(src.get(), FileAttributeTagInfo, &tag, sizeof(tag)) != 0;
  if (known && tag.ReparseTag == IO_REPARSE_TAG_SYMLINK) return {win32::kEloop, Call::kOpen};
  return {win32::kEinval, Call::kOpen};
}

void Remove(const Handle& file) {
  FILE_DISPOSITION_INFO disposition{};
  disposition.DeleteFile = TRUE;
  SetFileInformationByHandle(file.get(), FileDispositionInfo, &disposition, sizeof(disposition));
}

// The one bit of a mode that Windows has; times stay as they are.
DWORD CopyReadOnly(DWORD attributes, const Handle& file) {
  if ((attributes & FILE_ATTRIBUTE_READONLY) == 0) return 0;
  FILE_BASIC_INFO basic{};
  basic.FileAttributes = FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_ARCHIVE;
  const BOOL ok = SetFileInformationByHandle(file.get(), FileBasicInfo, &basic, sizeof(basic));
  return ok != 0 ? 0 : GetLastError();
}

// A file that was written to meanwhile came out as a mix of what it was and what it is.
Outcome CheckUnchanged(const Handle& src, const BY_HANDLE_FILE_INFORMATION& before) {
  BY_HANDLE_FILE_INFORMATION now{};
  if (GetFileInformationByHandle(src.get(), &now) == 0) return Failed(GetLastError(), Call::kStat);
  const bool same = now.nFileSizeHigh == before.nFileSizeHigh &&
                    now.nFileSizeLow == before.nFileSizeLow &&
                    CompareFileTime(&now.ftLastWriteTime, &before.ftLastWriteTime) == 0;
  if (same) return {};
  return {win32::kEbusy, Call::kChanged};
}

}  // namespace

const char* CloneCallName() { return "duplicate_extents"; }

Outcome ReflinkPath(const char* src, const char* dest) {
  const std::wstring from = Wide(src);
  const std::wstring to = Wide(dest);
  if (from.empty() || to.empty()) return {win32::kEnoent, Call::kOpen};
  const Handle source(CreateFileW(
      from.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
      OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT | FILE_FLAG_BACKUP_SEMANTICS, nullptr));
  if (!source.ok()) return Failed(GetLastError(), Call::kOpen);
  BY_HANDLE_FILE_INFORMATION status{};
  const Outcome checked = CheckSource(source, &status);
  if (!checked.ok()) return checked;
  // CREATE_NEW: an existing file is never opened for writing. DELETE: to remove it after a failure.
  const Handle file(CreateFileW(to.c_str(), GENERIC_READ | GENERIC_WRITE | DELETE, 0, nullptr,
                                CREATE_NEW, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT,
                                nullptr));
  if (!file.ok()) return Failed(GetLastError(), Call::kCreate);
  DWORD error = win32::CloneBlocks(source.get(), status, file.get());
  Outcome outcome = error == 0 ? CheckUnchanged(source, status) : Failed(error, Call::kClone);
  if (outcome.ok()) {
    error = CopyReadOnly(status.dwFileAttributes, file);
    if (error != 0) outcome = Failed(error, Call::kChmod);
  }
  if (!outcome.ok()) Remove(file);
  return outcome;
}

SharedBytesResult SharedBytes(const std::string&, const std::string&) {
  SharedBytesResult result;
  result.outcome = {win32::kEnosys, Call::kExtents};
  return result;
}

int TryLock(int) { return win32::kEnosys; }

// Without directory descriptors there is nothing to batch over.
void ExportBatches(Napi::Env, Napi::Object) {}

}  // namespace reflink_merge
