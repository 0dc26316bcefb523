// One system call's worth of work on (directory, name), or on a pair of those.
#pragma once

#include <cstdint>
#include <string_view>

#include "../contract.h"

namespace reflink_merge {

// The mode of a file that is to have its source's.
constexpr uint32_t kSourceMode = UINT32_MAX;

struct Item {
  int from = -1;               // directory
  const char* name = nullptr;  // in `from`; the target's text for a symlink
  int to = -1;                 // directory
  const char* to_name = nullptr;
  uint32_t mode = kSourceMode;  // permission bits, where the operation makes, sets or compares them
  std::string_view content;     // of a file that is not made from another one
};

struct Options {
  bool writable = false;         // files get u+w
  bool times = false;            // files keep atime and mtime
  bool in_kernel_copy = false;   // copy_file_range, which may share extents; else read and write
  bool exact_mode = false;       // directories get their mode whatever the umask
  bool as_made = false;          // new entries keep the mode that they were made with
  bool drop_quarantine = false;  // clones lose com.apple.quarantine
};

enum class Equality : uint8_t { kDiffer, kSameBytes, kSameFile };

struct Result {
  Result() = default;
  // An outcome is a result of every operation but `Compare`.
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(Outcome of) : outcome(of) {}

  Outcome outcome;
  Equality equal = Equality::kDiffer;  // what `Compare` found
  bool same_mode = false;              // likewise: the same permission bits
  double bytes = 0;                    // of what `Clone` or `Copy` made, or `Compare` compared
};

using Operation = Result (*)(const Item&, const Options&);

// Sources must be regular files, are opened read-only, and are not followed if they are symlinks.
// Permission bits are the source's 0777; set-user-ID, set-group-ID and sticky are never passed on.
Result Clone(const Item& item, const Options& options);
Result Copy(const Item& item, const Options& options);
Result HardLink(const Item& item, const Options& options);
Result Symlink(const Item& item, const Options& options);
// A new file with these bytes, and its mode whatever the umask.
Result WriteContent(const Item& item, const Options& options);
Result CloneWholeDirectory(const Item& item, const Options& options);

// Equal bytes? Same inode, then size, then shared extents, then the bytes themselves.
Result Compare(const Item& item, const Options& options);
// Has the file in `to` these bytes?
Result CompareContent(const Item& item, const Options& options);
// Is there a symlink with this text?
Result CompareLink(const Item& item, const Options& options);

Result Rename(const Item& item, const Options& options);
Result RenameNoReplace(const Item& item, const Options& options);
Result Exchange(const Item& item, const Options& options);

Result MakeDirectory(const Item& item, const Options& options);
Result Unlink(const Item& item, const Options& options);
Result RemoveDirectory(const Item& item, const Options& options);
Result ChmodDirectory(const Item& item, const Options& options);
Result CopyTimes(const Item& item, const Options& options);

}  // namespace reflink_merge
