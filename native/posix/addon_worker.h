// Work for the thread pool, and its answer to JavaScript.
#pragma once

#include <algorithm>
#include <vector>

#include "../addon.h"

namespace reflink_merge {

template <typename Array, typename Element>
Array ArrayOf(Napi::Env env, const std::vector<Element>& elements) {
  Array array = Array::New(env, elements.size());
  if (array.IsEmpty()) return array;  // the thread is ending: nobody waits for the answer
  std::copy(elements.begin(), elements.end(), array.Data());
  return array;
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

}  // namespace reflink_merge
