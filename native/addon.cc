// The addon's door: single calls on paths and descriptors. Batches are in posix/addon_batch.cc.
#include "addon.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "shared_bytes.h"

namespace reflink_merge {

const char* CallName(Call call) {
  switch (call) {
    case Call::kNone:
    case Call::kCount:
      return "";
    case Call::kName:
      return "name";
    case Call::kOpen:
    case Call::kCreate:
      return "open";
    case Call::kStat:
      return "fstat";
    case Call::kList:
      return "scandir";
    case Call::kReadLink:
      return "readlink";
    case Call::kClone:
      return CloneCallName();
    case Call::kLink:
      return "link";
    case Call::kCopy:
      return "copy_file_range";
    case Call::kRead:
      return "read";
    case Call::kWrite:
      return "write";
    case Call::kSymlink:
      return "symlink";
    case Call::kRename:
      return "rename";
    case Call::kMakeDirectory:
      return "mkdir";
    case Call::kUnlink:
      return "unlink";
    case Call::kRemoveDirectory:
      return "rmdir";
    case Call::kChmod:
      return "chmod";
    case Call::kTimes:
      return "utimes";
    case Call::kExtents:
      return "fiemap";
    case Call::kSync:
      return "syncfs";
    case Call::kQuarantine:
      return "fremovexattr";
    case Call::kChanged:
      return "changed";
  }
  return "";
}

void ThrowType(Napi::Env env, const std::string& message) {
  // A getter or proxy among the arguments may have thrown already: its error is the one to see.
  if (env.IsExceptionPending()) return;
  Napi::TypeError error = Napi::TypeError::New(env, message);
  error.Set("code", Napi::String::New(env, "ERR_INVALID_ARG_TYPE"));
  error.ThrowAsJavaScriptException();
}

bool PathArgument(Napi::Env env, const Napi::Value& value, const char* what, std::string* path) {
  if (!value.IsString()) {
    ThrowType(env, std::string(what) + " must be a string");
    return false;
  }
  *path = value.As<Napi::String>().Utf8Value();
  if (path->find('\0') != std::string::npos) {
    ThrowType(env, std::string(what) + " must not hold a NUL character");
    return false;
  }
  return true;
}

bool DescriptorArgument(Napi::Env env, const Napi::Value& value, const char* what, int* fd) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  // NaN compares false with everything.
  const bool whole = number >= 0 && number <= INT32_MAX && number == std::floor(number);
  if (!whole) {
    ThrowType(env, std::string(what) + " must be a file descriptor");
    return false;
  }
  *fd = static_cast<int>(number);
  return true;
}

namespace {

bool TwoPaths(const Napi::CallbackInfo& info, std::string* src, std::string* dest) {
  return PathArgument(info.Env(), info[0], "src", src) &&
         PathArgument(info.Env(), info[1], "dest", dest);
}

Napi::Object OutcomeObject(Napi::Env env, const Outcome& outcome) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("errno", Napi::Number::New(env, outcome.error));
  object.Set("syscall", Napi::String::New(env, CallName(outcome.call)));
  if (outcome.win32_error != 0) {
    object.Set("win32Error", Napi::Number::New(env, outcome.win32_error));
  }
  return object;
}

// Runs `work` on the thread pool, then `answer` on the main thread; the promise never rejects.
template <typename Value>
class Worker : public Napi::AsyncWorker {
 public:
  using Work = Value (*)(const std::string&, const std::string&);
  using Answer = Napi::Value (*)(Napi::Env, const Value&);

  static Napi::Value Start(const Napi::CallbackInfo& info, Work work, Answer answer) {
    std::string src;
    std::string dest;
    if (!TwoPaths(info, &src, &dest)) return {};
    auto* worker = new Worker(info.Env(), std::move(src), std::move(dest), work, answer);
    const Napi::Promise promise = worker->deferred_.Promise();
    worker->Queue();
    return promise;
  }

 private:
  Worker(Napi::Env env, std::string src, std::string dest, Work work, Answer answer)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        src_(std::move(src)),
        dest_(std::move(dest)),
        work_(work),
        answer_(answer) {}

  void Execute() override { value_ = work_(src_, dest_); }
  void OnOK() override { deferred_.Resolve(answer_(Env(), value_)); }

  Napi::Promise::Deferred deferred_;
  std::string src_;
  std::string dest_;
  Work work_;
  Answer answer_;
  Value value_{};
};

Outcome ReflinkStrings(const std::string& src, const std::string& dest) {
  return ReflinkPath(src.c_str(), dest.c_str());
}

Napi::Value OutcomeAnswer(Napi::Env env, const Outcome& outcome) {
  return OutcomeObject(env, outcome);
}

Napi::Value ErrnoAnswer(Napi::Env env, const Outcome& outcome) {
  return Napi::Number::New(env, outcome.error);
}

Napi::Value Reflink(const Napi::CallbackInfo& info) {
  std::string src;
  std::string dest;
  if (!TwoPaths(info, &src, &dest)) return {};
  return ErrnoAnswer(info.Env(), ReflinkStrings(src, dest));
}

Napi::Value ReflinkAsync(const Napi::CallbackInfo& info) {
  return Worker<Outcome>::Start(info, ReflinkStrings, ErrnoAnswer);
}

Napi::Value CloneFileOutcome(const Napi::CallbackInfo& info) {
  return Worker<Outcome>::Start(info, ReflinkStrings, OutcomeAnswer);
}

Napi::Value CloneFileOutcomeSync(const Napi::CallbackInfo& info) {
  std::string src;
  std::string dest;
  if (!TwoPaths(info, &src, &dest)) return {};
  return OutcomeObject(info.Env(), ReflinkStrings(src, dest));
}

Napi::Value SharedBytesAnswer(Napi::Env env, const SharedBytesResult& result) {
  Napi::Object object = OutcomeObject(env, result.outcome);
  object.Set("bytes", Napi::Number::New(env, static_cast<double>(result.bytes)));
  object.Set("second", Napi::Boolean::New(env, result.second_failed));
  return object;
}

Napi::Value SharedBytesOf(const Napi::CallbackInfo& info) {
  return Worker<SharedBytesResult>::Start(info, SharedBytes, SharedBytesAnswer);
}

Napi::Value TryLockDescriptor(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!DescriptorArgument(info.Env(), info[0], "fd", &fd)) return {};
  return Napi::Number::New(info.Env(), TryLock(fd));
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("reflink", Napi::Function::New(env, Reflink, "reflink"));
  exports.Set("reflinkAsync", Napi::Function::New(env, ReflinkAsync, "reflinkAsync"));
  exports.Set("cloneFile", Napi::Function::New(env, CloneFileOutcome, "cloneFile"));
  exports.Set("cloneFileSync", Napi::Function::New(env, CloneFileOutcomeSync, "cloneFileSync"));
  exports.Set("sharedBytes", Napi::Function::New(env, SharedBytesOf, "sharedBytes"));
  exports.Set("tryLock", Napi::Function::New(env, TryLockDescriptor, "tryLock"));
  ExportBatches(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(reflink_merge, Init)

}  // namespace reflink_merge
