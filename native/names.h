// What may name an entry, and what may lead to one. Free of Node, so that it can be fuzzed alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reflink_merge {

// NAME_MAX on every file system that can clone.
constexpr size_t kMaxNameBytes = 255;

// One directory entry: never a path. A '/' anywhere would let the kernel walk, and a trailing one
// makes it follow a symlink in spite of O_NOFOLLOW (seen on Btrfs, XFS, ext4 and tmpfs).
inline bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  if (name == "." || name == "..") return false;
  // A backslash separates directories on Windows, so a package with one would mean two things.
  return name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// May a file system take the name for one of a staging directory? Some ignore case, some fold other
// characters into these, or leave some out; JavaScript looks at those closely.
inline bool MayBeReserved(std::string_view name) {
  constexpr std::string_view kPrefix = ".reflink-merge-";
  std::string ascii;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) >= 0x80) continue;
    ascii.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (ascii.size() == name.size()) return ascii.compare(0, kPrefix.size(), kPrefix) == 0;
  return ascii.find("merge-") != std::string::npos;
}

// Zero or more names joined by '/'; "" is the place itself.
inline bool IsRelativePath(std::string_view path) {
  if (path.empty()) return true;
  size_t start = 0;
  for (;;) {
    const size_t slash = path.find('/', start);
    if (!IsName(path.substr(start, slash - start))) return false;
    if (slash == std::string_view::npos) return true;
    start = slash + 1;
  }
}

// The way to a file of a store: as a caller names it, so directories on it may be symlinks and have
// any name, but it never leads up.
inline bool IsSourcePath(std::string_view path) {
  size_t start = 0;
  for (;;) {
    const size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, slash - start);
    if (name.empty() || name == "." || name == "..") return false;
    if (slash == path.size()) return true;
    start = slash + 1;
  }
}

// Node hands out strings with lone bytes replaced, so a name that is not UTF-8 cannot be given back
// to the kernel as it was. RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
inline bool IsUtf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    const unsigned char lead = bytes[at];
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    size_t length = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (at + length > text.size()) return false;
    if (bytes[at + 1] < low || bytes[at + 1] > high) return false;
    for (size_t i = 2; i < length; i++) {
      if ((bytes[at + i] & 0xC0) != 0x80) return false;
    }
    at += length;
  }
  return true;
}

// Can no file system take two of these names for one? True only where that is sure: names beyond
// ASCII are never. Some systems ignore case, some drop dots and spaces at the end.
inline bool AreDistinct(const std::vector<std::string_view>& names) {
  std::vector<std::string> folded;
  folded.reserve(names.size());
  bool any = false;
  for (const std::string_view name : names) {
    std::string lower;
    lower.reserve(name.size());
    for (const char c : name) {
      if (static_cast<unsigned char>(c) >= 0x80) return false;
      const bool upper = c >= 'A' && c <= 'Z';
      any = any || upper;
      lower.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    }
    while (!lower.empty() && (lower.back() == '.' || lower.back() == ' ')) {
      lower.pop_back();
      any = true;
    }
    folded.push_back(std::move(lower));
  }
  // Names of one directory that were not changed differ from each other.
  if (!any) return true;
  std::sort(folded.begin(), folded.end());
  return std::adjacent_find(folded.begin(), folded.end()) == folded.end();
}

// Names as they cross from JavaScript: one string, NUL after each name. One conversion for a
// whole directory is an order of magnitude cheaper than one N-API call per name.
class NameList {
 public:
  NameList() = default;
  explicit NameList(std::string joined) : joined_(std::move(joined)) {
    size_t start = 0;
    for (size_t end = 0; (end = joined_.find('\0', start)) != std::string::npos;) {
      starts_.push_back(start);
      start = end + 1;
    }
  }

  size_t size() const { return starts_.size(); }
  // NUL-terminated by construction.
  const char* operator[](size_t index) const { return joined_.data() + starts_[index]; }

 private:
  // Offsets, not pointers: the string's bytes move with it when it is short.
  std::string joined_;
  std::vector<size_t> starts_;
};

}  // namespace reflink_merge
