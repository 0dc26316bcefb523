// The N-API side: arguments in, promises and columns out. Exceptions are off, so every helper that
// can throw a JavaScript error answers with a bool and leaves the error pending.
#pragma once

#define NAPI_VERSION 8
#include <napi.h>

#include <string>

#include "contract.h"

namespace reflink_merge {

// The name of each Call, by its number, as errors give it (`syscall`).
const char* CallName(Call call);

void ThrowType(Napi::Env env, const std::string& message);

// A string without NUL: the kernel would see another path than JavaScript.
bool PathArgument(Napi::Env env, const Napi::Value& value, const char* what, std::string* path);

// A whole number that can be a descriptor: NaN, 0.5 and 2 ** 32 would all be cut to another one.
bool DescriptorArgument(Napi::Env env, const Napi::Value& value, const char* what, int* fd);

// list, stat, batch, openDirectory, closeDirectory: what needs directory descriptors.
void ExportBatches(Napi::Env env, Napi::Object exports);

}  // namespace reflink_merge
