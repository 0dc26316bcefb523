// Places and jobs as they come from JavaScript. What is no such thing is a TypeError, left pending.
#pragma once

#include <vector>

#include "../addon.h"
#include "batch.h"
#include "place.h"

namespace reflink_merge {

// { base: descriptor or absolute path, path?: names below it }
bool PlaceArgument(Napi::Env env, const Napi::Value& value, const char* what, Place* place);

bool PlacesArgument(Napi::Env env, const Napi::Value& value, std::vector<Place>* places);

// { from?: place, to: place, names, toNames?, modes? }: `from` where the operation has two sides.
bool JobsArgument(Napi::Env env, const Napi::Value& value, Sides sides, std::vector<Job>* jobs);

}  // namespace reflink_merge
