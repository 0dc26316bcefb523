// What a merge writes down about itself, and when it has to be on disk.
#pragma once

#include <string>

#include "../contract.h"
#include "place.h"

namespace reflink_merge {

// A new file with this text, mode 0600; on failure nothing is left of it.
Outcome WriteRecord(const Place& place, const std::string& name, const std::string& text);

Outcome ReadRecord(const Place& place, const std::string& name, std::string* text);

// Everything that was written to the file system of this open directory is on disk.
Outcome Sync(int directory);

}  // namespace reflink_merge
