// Whole trees from JavaScript and back.
#pragma once

#include "../addon.h"

namespace reflink_merge {

// scanTrees, placeTrees, matchTrees
void ExportTrees(Napi::Env env, Napi::Object exports);

}  // namespace reflink_merge
