// Columns as they come from JavaScript: taken apart and checked. Free of Node, so that it can be
// fuzzed alone. Each answers what is wrong, or nullptr.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../names.h"
#include "batch.h"
#include "place.h"
#include "trees.h"

namespace reflink_merge {

// A text that must end in NUL, as each of its parts does.
const char* ReadTexts(std::string joined, NameList* texts);

// Each place starts at a base, by its index.
const char* ReadPlaces(const std::vector<Place>& bases, const std::vector<uint32_t>& indexes,
                       const NameList& paths, std::vector<Place>* all);

// As many of everything as there are jobs and names: anyone who goes through checked jobs by their
// counts stays within every column.
const char* CheckCounts(const Jobs& jobs, Sides sides);
const char* CheckTree(const TreeJob& job);

}  // namespace reflink_merge
