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
  // What spares others a look at each entry: 1 or 0.
  // Plain: regular files without set-ID and sticky bits, directories, and names that are names.
  // Distinct: no two names look alike to any file system.
  std::vector<uint8_t> plain;
  std::vector<uint8_t> distinct;
  // Where a directory is plain: its subdirectories, the bytes of its files, and how much of `names`
  // they take.
  std::vector<uint32_t> directories;
  std::vector<double> bytes;
  std::vector<uint32_t> file_name_bytes;
  std::vector<uint32_t> directory_name_bytes;
  std::string failed_names;  // the entries at which they failed, or empty; NUL after each
  // One an entry, the subdirectories of a directory after what else it has.
  std::string names;      // NUL after each
  std::string not_utf8;   // names that JavaScript cannot give back; NUL after each
  StatusColumns columns;  // of `names`

  void Add(Walk* walk, const Place& place);
};

}  // namespace reflink_merge
