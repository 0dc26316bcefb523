// What a directory holds.
#pragma once

#include <string>

#include "place.h"
#include "status.h"

namespace reflink_merge {

struct Listing {
  Outcome outcome;
  std::string failed_name;  // the entry at which it failed, or empty for the directory itself
  std::string names;        // NUL after each
  std::string not_utf8;     // names that JavaScript cannot give back; NUL after each
  StatusColumns columns;    // of `names`, in order
  uint16_t mode = 0;        // the directory's own, 07777
  double device = 0;        // st_dev
};

Listing List(const Place& place);

}  // namespace reflink_merge
