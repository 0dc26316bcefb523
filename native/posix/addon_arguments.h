// Places and jobs as they come from JavaScript: in columns, so that a batch takes the same few
// calls of Node-API however many jobs it has. What is no such thing is a TypeError, left pending.
#pragma once

#include <vector>

#include "../addon.h"
#include "batch.h"
#include "place.h"
#include "trees.h"

namespace reflink_merge {

// base: descriptor or absolute path; path: '/'-joined names below it
bool PlaceArgument(Napi::Env env, const Napi::Value& base, const Napi::Value& path, Place* place);

// bases: an array of them; places: { bases: indexes, paths: NUL after each }
bool PlacesArgument(Napi::Env env, const Napi::Value& bases, const Napi::Value& places,
                    std::vector<Place>* all);

// { bases, from?: places, to: places, counts, names, toNames?, modes? }: `from` where the operation
// has two sides.
bool JobsArgument(Napi::Env env, const Napi::Value& value, Sides sides, Jobs* jobs);

// [{ from: [base, path], to: [base, path], skip, paths, modes, counts, names }]
bool TreesArgument(Napi::Env env, const Napi::Value& value, std::vector<TreeJob>* jobs);

// { writable?, times?, inKernelCopy?, exactMode?, dropQuarantine? }; what is missing is false.
bool OptionsArgument(Napi::Env env, const Napi::Value& value, Options* options);

}  // namespace reflink_merge
