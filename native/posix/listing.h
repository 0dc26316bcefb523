// What a directory holds.
#pragma once

#include <string>

#include "place.h"
#include "status.h"

namespace reflink_merge {

// What several directories hold, one after the other.
struct Listings {
  // One a directory.
  std::vector<int32_t> errnos;
  std::vector<uint8_t> calls;
  std::vector<uint16_t> modes;   // the directory's own, 07777
  std::vector<double> devices;   // st_dev
  std::vector<uint32_t> counts;  // of `names`
  std::vector<uint32_t> not_utf8_counts;
  std::string failed_names;  // the entries at which they failed, or empty; NUL after each
  // One an entry, the subdirectories of a directory after what else it has.
  std::string names;      // NUL after each
  std::string not_utf8;   // names that JavaScript cannot give back; NUL after each
  StatusColumns columns;  // of `names`

  void Add(Walk* walk, const Place& place);
};

}  // namespace reflink_merge
