// How much of two files lies in the same place on disk.
#pragma once

#include <cstdint>
#include <string>

#include "contract.h"

namespace reflink_merge {

struct SharedBytesResult {
  Outcome outcome;
  bool second_failed = false;  // which of the two the outcome is about
  uint64_t bytes = 0;
};

SharedBytesResult SharedBytes(const std::string& a, const std::string& b);

}  // namespace reflink_merge
