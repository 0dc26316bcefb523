// libFuzzer on native/names.h: what it says is compared with the same said in another way.
#include "names.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using reflink_merge::IsName;
using reflink_merge::IsRelativePath;
using reflink_merge::IsUtf8;
using reflink_merge::NameList;

void Require(bool holds) {
  if (!holds) std::abort();
}

bool IsNameSimply(std::string_view name) {
  if (name.empty() || name.size() > 255 || name == "." || name == "..") return false;
  for (const char letter : name) {
    if (letter == '/' || letter == '\\' || letter == '\0') return false;
  }
  return true;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(letter);
    }
  }
  return parts;
}

// RFC 3629 by the numbers: decode, then ask whether that was the shortest way, and a scalar value.
bool IsUtf8Simply(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t more = lead < 0x80 ? 0 : lead < 0xC0 ? 9 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (more == 9 || lead >= 0xF8 || at + more >= text.size()) return false;
    uint32_t value = more == 0 ? lead : lead & (0x3FU >> more);
    for (size_t i = 1; i <= more; i++) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if (next >> 6U != 2) return false;
      value = value << 6U | (next & 0x3FU);
    }
    constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (value < kLeast[more] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      return false;
    }
    at += more + 1;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Require(IsName(text) == IsNameSimply(text));
  bool all = true;
  for (const std::string& part : Split(text, '/')) all = all && IsNameSimply(part);
  Require(IsRelativePath(text) == (text.empty() || all));
  Require(IsUtf8(text) == IsUtf8Simply(text));

  // Every text that ends in NUL comes back as its parts; what is after the last NUL does not.
  const std::vector<std::string> parts = Split(text, '\0');
  const NameList list(text);
  Require(list.size() == parts.size() - 1);
  for (size_t i = 0; i < list.size(); i++) Require(parts[i] == list[i]);
  return 0;
}
