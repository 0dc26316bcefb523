#include "addon_arguments.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "../names.h"
#include "columns.h"

namespace reflink_merge {
namespace {

bool Object(Napi::Env env, const Napi::Value& value, const char* what) {
  if (value.IsObject()) return true;
  ThrowType(env, std::string(what) + " must be an object");
  return false;
}

// What the columns' own checks answered; `what` names the argument where they do not.
bool Fine(Napi::Env env, const char* wrong, const char* what) {
  if (wrong == nullptr) return true;
  ThrowType(env, what == nullptr ? wrong : std::string(what) + " " + wrong);
  return false;
}

// Texts with a NUL after each.
bool TextsProperty(const Napi::Object& object, const char* key, NameList* texts) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (!value.IsString()) {
    ThrowType(object.Env(), std::string(key) + " must be a string");
    return false;
  }
  return Fine(object.Env(), ReadTexts(value.As<Napi::String>().Utf8Value(), texts), key);
}

// Missing or undefined is fine.
bool OptionalTexts(const Napi::Object& object, const char* key, NameList* texts) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  return value.IsUndefined() || TextsProperty(object, key, texts);
}

// A copy: what else the caller's code does must not change the numbers.
bool NumbersProperty(const Napi::Object& object, const char* key, std::vector<uint32_t>* numbers) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    ThrowType(object.Env(), std::string(key) + " must be a Uint32Array");
    return false;
  }
  const Napi::Uint32Array array = value.As<Napi::Uint32Array>();
  numbers->assign(array.Data(), array.Data() + array.ElementLength());
  return true;
}

bool OptionalNumbers(const Napi::Object& object, const char* key, std::vector<uint32_t>* numbers) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  return value.IsUndefined() || NumbersProperty(object, key, numbers);
}

bool IsBytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

bool OptionalBytes(const Napi::Object& object, const char* key, std::vector<uint8_t>* bytes) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (value.IsUndefined()) return true;
  if (!IsBytes(value)) {
    ThrowType(object.Env(), std::string(key) + " must be a Uint8Array");
    return false;
  }
  const Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  bytes->assign(array.Data(), array.Data() + array.ElementLength());
  return true;
}

// Copies, as of the numbers.
bool OptionalContents(const Napi::Object& object, const char* key,
                      std::vector<std::string>* contents) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (value.IsUndefined()) return true;
  const char* wrong = " must be an array of Uint8Arrays";
  if (!value.IsArray()) {
    ThrowType(object.Env(), std::string(key) + wrong);
    return false;
  }
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value each = array.Get(i);
    if (each.IsEmpty()) return false;  // its getter threw
    if (!IsBytes(each)) {
      ThrowType(object.Env(), std::string(key) + wrong);
      return false;
    }
    const Napi::Uint8Array bytes = each.As<Napi::Uint8Array>();
    contents->emplace_back(reinterpret_cast<const char*>(bytes.Data()), bytes.ElementLength());
  }
  return true;
}

bool Flag(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

bool BaseArgument(Napi::Env env, const Napi::Value& value, Place* place) {
  if (value.IsNumber()) return DescriptorArgument(env, value, "base", &place->base);
  std::string root;
  if (!PathArgument(env, value, "base", &root)) return false;
  place->root = std::make_shared<const std::string>(std::move(root));
  return true;
}

bool BasesArgument(Napi::Env env, const Napi::Value& value, std::vector<Place>* bases) {
  if (!value.IsArray()) {
    ThrowType(env, "bases must be an array");
    return false;
  }
  const Napi::Array array = value.As<Napi::Array>();
  // Grown one by one: an array may be sparse, or change while its getters run.
  for (uint32_t i = 0; i < array.Length(); i++) {
    Place base;
    if (!BaseArgument(env, array.Get(i), &base)) return false;
    bases->push_back(std::move(base));
  }
  return true;
}

bool Places(Napi::Env env, const std::vector<Place>& bases, const Napi::Value& value,
            const char* what, std::vector<Place>* all) {
  if (!Object(env, value, what)) return false;
  const Napi::Object object = value.As<Napi::Object>();
  std::vector<uint32_t> indexes;
  NameList paths;
  if (!NumbersProperty(object, "bases", &indexes) || !TextsProperty(object, "paths", &paths)) {
    return false;
  }
  return Fine(env, ReadPlaces(bases, indexes, paths, all), what);
}

// [base, path]
bool PairProperty(const Napi::Object& object, const char* key, Place* place) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  if (!Object(object.Env(), value, key)) return false;
  const Napi::Object pair = value.As<Napi::Object>();
  const Napi::Value base = pair.Get(uint32_t{0});
  const Napi::Value path = pair.Get(uint32_t{1});
  return !base.IsEmpty() && !path.IsEmpty() && PlaceArgument(object.Env(), base, path, place);
}

bool CountProperty(const Napi::Object& object, const char* key, uint32_t* count) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  // Anything else would be cut to another number.
  const bool whole = number >= 0 && number <= UINT32_MAX && number == std::floor(number);
  if (!whole) {
    ThrowType(object.Env(), std::string(key) + " must be a whole number");
    return false;
  }
  *count = static_cast<uint32_t>(number);
  return true;
}

bool OptionalCount(const Napi::Object& object, const char* key, uint32_t* count) {
  const Napi::Value value = object.Get(key);
  if (value.IsEmpty()) return false;  // its getter threw
  return value.IsUndefined() || CountProperty(object, key, count);
}

bool TreeArgument(Napi::Env env, const Napi::Value& value, TreeJob* job) {
  if (value.IsEmpty() || !Object(env, value, "tree")) return false;
  const Napi::Object object = value.As<Napi::Object>();
  return PairProperty(object, "from", &job->from) && PairProperty(object, "to", &job->to) &&
         CountProperty(object, "skip", &job->skip) && TextsProperty(object, "paths", &job->paths) &&
         NumbersProperty(object, "modes", &job->modes) &&
         NumbersProperty(object, "counts", &job->counts) &&
         TextsProperty(object, "names", &job->names) &&
         OptionalBytes(object, "kinds", &job->kinds) &&
         OptionalTexts(object, "sources", &job->sources) &&
         OptionalNumbers(object, "fileModes", &job->file_modes) &&
         OptionalBytes(object, "wanted", &job->wanted) &&
         OptionalContents(object, "contents", &job->contents) &&
         OptionalCount(object, "made", &job->made) && Fine(env, CheckTree(*job), nullptr);
}

}  // namespace

bool PlaceArgument(Napi::Env env, const Napi::Value& base, const Napi::Value& path, Place* place) {
  if (!BaseArgument(env, base, place)) return false;
  if (!path.IsString()) {
    ThrowType(env, "path must be a string");
    return false;
  }
  place->path = path.As<Napi::String>().Utf8Value();
  return true;
}

bool PlacesArgument(Napi::Env env, const Napi::Value& bases, const Napi::Value& places,
                    std::vector<Place>* all) {
  std::vector<Place> starts;
  return BasesArgument(env, bases, &starts) && Places(env, starts, places, "places", all);
}

bool JobsArgument(Napi::Env env, const Napi::Value& value, Sides sides, Jobs* jobs) {
  if (!Object(env, value, "jobs")) return false;
  const Napi::Object object = value.As<Napi::Object>();
  std::vector<Place> bases;
  if (!BasesArgument(env, object.Get("bases"), &bases)) return false;
  if (!Places(env, bases, object.Get("to"), "to", &jobs->to)) return false;
  if (sides == Sides::kBoth && !Places(env, bases, object.Get("from"), "from", &jobs->from)) {
    return false;
  }
  return NumbersProperty(object, "counts", &jobs->counts) &&
         TextsProperty(object, "names", &jobs->names) &&
         OptionalTexts(object, "toNames", &jobs->to_names) &&
         OptionalNumbers(object, "modes", &jobs->modes) &&
         OptionalContents(object, "contents", &jobs->contents) &&
         Fine(env, CheckCounts(*jobs, sides), nullptr);
}

bool TreesArgument(Napi::Env env, const Napi::Value& value, std::vector<TreeJob>* jobs) {
  if (!value.IsArray()) {
    ThrowType(env, "trees must be an array");
    return false;
  }
  const Napi::Array array = value.As<Napi::Array>();
  // Grown one by one: an array may be sparse, or change while its getters run.
  for (uint32_t i = 0; i < array.Length(); i++) {
    TreeJob job;
    if (!TreeArgument(env, array.Get(i), &job)) return false;
    jobs->push_back(std::move(job));
  }
  return true;
}

bool OptionsArgument(Napi::Env env, const Napi::Value& value, Options* options) {
  if (!value.IsObject()) return true;
  const Napi::Object object = value.As<Napi::Object>();
  options->writable = Flag(object, "writable");
  options->times = Flag(object, "times");
  options->in_kernel_copy = Flag(object, "inKernelCopy");
  options->exact_mode = Flag(object, "exactMode");
  options->as_made = Flag(object, "asMade");
  options->drop_quarantine = Flag(object, "dropQuarantine");
  return !env.IsExceptionPending();
}

}  // namespace reflink_merge
