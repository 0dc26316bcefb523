#include "addon_arguments.h"

#include <string>
#include <utility>

#include "../names.h"

namespace reflink_merge {
namespace {

// An optional string property; missing or undefined leaves `*text` empty.
bool TextProperty(const Napi::Object& object, const char* key, std::string* text) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (value.IsUndefined()) return true;
  if (!value.IsString()) {
    ThrowType(object.Env(), std::string(key) + " must be a string");
    return false;
  }
  *text = value.As<Napi::String>().Utf8Value();
  return true;
}

bool ModesProperty(const Napi::Object& object, std::vector<uint32_t>* modes) {
  const Napi::Value value = object.Get("modes");
  if (value.IsEmpty()) return false;  // its getter threw
  if (value.IsUndefined()) return true;
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    ThrowType(object.Env(), "modes must be a Uint32Array");
    return false;
  }
  const Napi::Uint32Array array = value.As<Napi::Uint32Array>();
  modes->assign(array.Data(), array.Data() + array.ElementLength());
  return true;
}

bool JobArgument(Napi::Env env, const Napi::Value& value, Sides sides, Job* job) {
  if (!value.IsObject()) {
    ThrowType(env, "a job must be an object");
    return false;
  }
  const Napi::Object object = value.As<Napi::Object>();
  std::string names;
  std::string to_names;
  if (!PlaceArgument(env, object.Get("to"), "to", &job->to)) return false;
  if (sides == Sides::kBoth && !PlaceArgument(env, object.Get("from"), "from", &job->from)) {
    return false;
  }
  if (!TextProperty(object, "names", &names) || !TextProperty(object, "toNames", &to_names) ||
      !ModesProperty(object, &job->modes)) {
    return false;
  }
  job->names = NameList(std::move(names));
  job->to_names = NameList(std::move(to_names));
  if (job->to_names.size() != 0 && job->to_names.size() != job->names.size()) {
    ThrowType(env, "toNames must hold as many names as names");
    return false;
  }
  return true;
}

// Grown one by one: an array may be sparse, or change while its getters run.
template <typename Element, typename Read>
bool ArrayArgument(Napi::Env env, const Napi::Value& value, const char* what,
                   std::vector<Element>* elements, Read read) {
  if (!value.IsArray()) {
    ThrowType(env, std::string(what) + " must be an array");
    return false;
  }
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    Element element;
    if (!read(array.Get(i), &element)) return false;
    elements->push_back(std::move(element));
  }
  return true;
}

}  // namespace

bool PlaceArgument(Napi::Env env, const Napi::Value& value, const char* what, Place* place) {
  if (!value.IsObject()) {
    ThrowType(env, std::string(what) + " must be an object");
    return false;
  }
  const Napi::Object object = value.As<Napi::Object>();
  const Napi::Value base = object.Get("base");
  if (base.IsNumber()) {
    if (!DescriptorArgument(env, base, "base", &place->base)) return false;
  } else if (!PathArgument(env, base, "base", &place->root)) {
    return false;
  }
  return TextProperty(object, "path", &place->path);
}

bool PlacesArgument(Napi::Env env, const Napi::Value& value, std::vector<Place>* places) {
  return ArrayArgument(env, value, "places", places, [env](const Napi::Value& each, Place* place) {
    return PlaceArgument(env, each, "place", place);
  });
}

bool JobsArgument(Napi::Env env, const Napi::Value& value, Sides sides, std::vector<Job>* jobs) {
  return ArrayArgument(env, value, "jobs", jobs, [env, sides](const Napi::Value& each, Job* job) {
    return JobArgument(env, each, sides, job);
  });
}

}  // namespace reflink_merge
