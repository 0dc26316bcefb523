// Batches and listings from JavaScript and back.
#include <algorithm>
#include <utility>
#include <vector>

#include "../addon.h"
#include "addon_arguments.h"
#include "batch.h"
#include "listing.h"

namespace reflink_merge {
namespace {

bool Flag(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

template <typename Array, typename Element>
Array ArrayOf(Napi::Env env, const std::vector<Element>& elements) {
  Array array = Array::New(env, elements.size());
  if (array.IsEmpty()) return array;  // the thread is ending: nobody waits for the answer
  std::copy(elements.begin(), elements.end(), array.Data());
  return array;
}

void SetColumns(Napi::Object object, const StatusColumns& columns) {
  const Napi::Env env = object.Env();
  object.Set("kinds", ArrayOf<Napi::Uint8Array>(env, columns.kinds));
  object.Set("modes", ArrayOf<Napi::Uint16Array>(env, columns.modes));
  object.Set("sizes", ArrayOf<Napi::Float64Array>(env, columns.sizes));
  object.Set("targets", Napi::String::New(env, columns.targets));
}

// A promise of what `Execute` finds on the thread pool.
class PromiseWorker : public Napi::AsyncWorker {
 public:
  explicit PromiseWorker(Napi::Env env)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Value Start() {
    const Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

 protected:
  virtual Napi::Value Answer(Napi::Env env) = 0;
  void OnOK() override { deferred_.Resolve(Answer(Env())); }

 private:
  Napi::Promise::Deferred deferred_;
};

class BatchWorker : public PromiseWorker {
 public:
  BatchWorker(Napi::Env env, const OperationEntry* operation, std::vector<Job> jobs,
              const Options& options)
      : PromiseWorker(env), operation_(operation), jobs_(std::move(jobs)), options_(options) {}

 private:
  void Execute() override { outcomes_ = RunBatch(*operation_, jobs_, options_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, outcomes_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, outcomes_.calls));
    answer.Set("equal", ArrayOf<Napi::Uint8Array>(env, outcomes_.equal));
    return answer;
  }

  const OperationEntry* operation_;
  std::vector<Job> jobs_;
  Options options_;
  Outcomes outcomes_;
};

class StatWorker : public PromiseWorker {
 public:
  StatWorker(Napi::Env env, std::vector<Job> jobs) : PromiseWorker(env), jobs_(std::move(jobs)) {}

 private:
  void Execute() override { outcomes_ = StatBatch(jobs_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, outcomes_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, outcomes_.calls));
    answer.Set("identities", ArrayOf<Napi::BigUint64Array>(env, outcomes_.identities));
    SetColumns(answer, outcomes_.columns);
    return answer;
  }

  std::vector<Job> jobs_;
  StatOutcomes outcomes_;
};

class ListWorker : public PromiseWorker {
 public:
  ListWorker(Napi::Env env, std::vector<Place> places)
      : PromiseWorker(env), places_(std::move(places)) {}

 private:
  void Execute() override {
    listings_.reserve(places_.size());
    for (const Place& place : places_) listings_.push_back(List(place));
  }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Array answer = Napi::Array::New(env, listings_.size());
    for (uint32_t i = 0; i < listings_.size(); i++) {
      const Listing& listing = listings_[i];
      Napi::Object object = Napi::Object::New(env);
      object.Set("errno", Napi::Number::New(env, listing.outcome.error));
      object.Set("call", Napi::Number::New(env, static_cast<double>(listing.outcome.call)));
      object.Set("failedName", Napi::String::New(env, listing.failed_name));
      object.Set("names", Napi::String::New(env, listing.names));
      object.Set("notUtf8", Napi::String::New(env, listing.not_utf8));
      object.Set("mode", Napi::Number::New(env, listing.mode));
      object.Set("device", Napi::Number::New(env, listing.device));
      SetColumns(object, listing.columns);
      answer.Set(i, object);
    }
    return answer;
  }

  std::vector<Place> places_;
  std::vector<Listing> listings_;
};

// batch(operation, jobs, options): { errnos, calls, equal }
Napi::Value Batch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string name;
  if (!PathArgument(env, info[0], "operation", &name)) return {};
  const OperationEntry* operation = FindOperation(name);
  if (operation == nullptr) {
    ThrowType(env, "unknown operation " + name);
    return {};
  }
  std::vector<Job> jobs;
  if (!JobsArgument(env, info[1], operation->sides, &jobs)) return {};
  Options options;
  if (info[2].IsObject()) {
    const Napi::Object object = info[2].As<Napi::Object>();
    options.writable = Flag(object, "writable");
    options.times = Flag(object, "times");
    options.in_kernel_copy = Flag(object, "inKernelCopy");
    options.exact_mode = Flag(object, "exactMode");
    if (env.IsExceptionPending()) return {};
  }
  return (new BatchWorker(env, operation, std::move(jobs), options))->Start();
}

// stat(jobs): { errnos, calls, kinds, modes, sizes, targets, identities }
Napi::Value Stat(const Napi::CallbackInfo& info) {
  std::vector<Job> jobs;
  if (!JobsArgument(info.Env(), info[0], Sides::kTo, &jobs)) return {};
  return (new StatWorker(info.Env(), std::move(jobs)))->Start();
}

// list(places): an array of listings
Napi::Value ListPlaces(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Place> places;
  if (!PlacesArgument(env, info[0], &places)) return {};
  return (new ListWorker(env, std::move(places)))->Start();
}

// openDirectory(place): { errno, fd }. One openat a name: short enough for the main thread.
Napi::Value OpenDirectory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Place place;
  if (!PlaceArgument(env, info[0], "place", &place)) return {};
  OpenPlace opened(place, Access::kRead);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("errno", Napi::Number::New(env, opened.error()));
  answer.Set("fd", Napi::Number::New(env, opened.error() == 0 ? opened.Release() : -1));
  return answer;
}

}  // namespace

void ExportBatches(Napi::Env env, Napi::Object exports) {
  exports.Set("batch", Napi::Function::New(env, Batch, "batch"));
  exports.Set("stat", Napi::Function::New(env, Stat, "stat"));
  exports.Set("list", Napi::Function::New(env, ListPlaces, "list"));
  exports.Set("openDirectory", Napi::Function::New(env, OpenDirectory, "openDirectory"));
  Napi::Array names = Napi::Array::New(env, static_cast<size_t>(Call::kCount));
  for (uint32_t i = 0; i < static_cast<uint32_t>(Call::kCount); i++) {
    names.Set(i, Napi::String::New(env, CallName(static_cast<Call>(i))));
  }
  exports.Set("calls", names);
  exports.Set("cloneSyscall", Napi::String::New(env, CloneCallName()));
}

}  // namespace reflink_merge
