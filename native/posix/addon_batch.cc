// Batches and listings from JavaScript and back.
#include <string>
#include <utility>
#include <vector>

#include "../addon.h"
#include "addon_arguments.h"
#include "addon_trees.h"
#include "addon_worker.h"
#include "batch.h"
#include "listing.h"
#include "open_directories.h"
#include "records.h"

namespace reflink_merge {
namespace {

void SetColumns(Napi::Object object, const StatusColumns& columns) {
  const Napi::Env env = object.Env();
  object.Set("kinds", ArrayOf<Napi::Uint8Array>(env, columns.kinds));
  object.Set("modes", ArrayOf<Napi::Uint16Array>(env, columns.modes));
  object.Set("sizes", ArrayOf<Napi::Float64Array>(env, columns.sizes));
  object.Set("targets", Napi::String::New(env, columns.targets));
}

class BatchWorker : public PromiseWorker {
 public:
  BatchWorker(Napi::Env env, const OperationEntry* operation, Jobs jobs, const Options& options)
      : PromiseWorker(env), operation_(operation), jobs_(std::move(jobs)), options_(options) {}

 private:
  void Execute() override { outcomes_ = RunBatch(*operation_, jobs_, options_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, outcomes_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, outcomes_.calls));
    answer.Set("equal", ArrayOf<Napi::Uint8Array>(env, outcomes_.equal));
    if (operation_->makes_files) {
      answer.Set("bytes", ArrayOf<Napi::Float64Array>(env, outcomes_.bytes));
    }
    return answer;
  }

  const OperationEntry* operation_;
  Jobs jobs_;
  Options options_;
  Outcomes outcomes_;
};

class StatWorker : public PromiseWorker {
 public:
  StatWorker(Napi::Env env, Jobs jobs, bool lasting)
      : PromiseWorker(env), jobs_(std::move(jobs)), lasting_(lasting) {}

 private:
  void Execute() override { outcomes_ = StatBatch(jobs_, lasting_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, outcomes_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, outcomes_.calls));
    answer.Set("identities", ArrayOf<Napi::BigUint64Array>(env, outcomes_.identities));
    if (lasting_) answer.Set("lasting", ArrayOf<Napi::BigUint64Array>(env, outcomes_.lasting));
    SetColumns(answer, outcomes_.columns);
    return answer;
  }

  Jobs jobs_;
  bool lasting_;
  StatOutcomes outcomes_;
};

class ListWorker : public PromiseWorker {
 public:
  ListWorker(Napi::Env env, std::vector<Place> places)
      : PromiseWorker(env), places_(std::move(places)) {}

 private:
  void Execute() override {
    Walk walk;
    for (const Place& place : places_) listings_.Add(&walk, place);
  }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, listings_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, listings_.calls));
    answer.Set("directoryModes", ArrayOf<Napi::Uint16Array>(env, listings_.modes));
    answer.Set("devices", ArrayOf<Napi::Float64Array>(env, listings_.devices));
    answer.Set("counts", ArrayOf<Napi::Uint32Array>(env, listings_.counts));
    answer.Set("notUtf8Counts", ArrayOf<Napi::Uint32Array>(env, listings_.not_utf8_counts));
    answer.Set("plain", ArrayOf<Napi::Uint8Array>(env, listings_.plain));
    answer.Set("distinct", ArrayOf<Napi::Uint8Array>(env, listings_.distinct));
    answer.Set("directories", ArrayOf<Napi::Uint32Array>(env, listings_.directories));
    answer.Set("bytes", ArrayOf<Napi::Float64Array>(env, listings_.bytes));
    answer.Set("fileNameBytes", ArrayOf<Napi::Uint32Array>(env, listings_.file_name_bytes));
    answer.Set("directoryNameBytes",
               ArrayOf<Napi::Uint32Array>(env, listings_.directory_name_bytes));
    answer.Set("failedNames", Napi::String::New(env, listings_.failed_names));
    answer.Set("names", Napi::String::New(env, listings_.names));
    answer.Set("notUtf8", Napi::String::New(env, listings_.not_utf8));
    SetColumns(answer, listings_.columns);
    return answer;
  }

  std::vector<Place> places_;
  Listings listings_;
};

class InheritanceWorker : public PromiseWorker {
 public:
  InheritanceWorker(Napi::Env env, std::vector<Place> places)
      : PromiseWorker(env), places_(std::move(places)) {}

 private:
  void Execute() override {
    Walk walk;
    for (const Place& place : places_) {
      const Descriptor directory = walk.Read(place);
      std::string text;
      errnos_.push_back(directory.ok() ? DescribeInheritance(directory.get(), &text)
                                       : walk.error());
      texts_ += text;
      texts_.push_back('\0');
    }
  }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, errnos_));
    answer.Set("texts", Napi::String::New(env, texts_));
    return answer;
  }

  std::vector<Place> places_;
  std::vector<int32_t> errnos_;
  std::string texts_;
};

class RecordWorker : public PromiseWorker {
 public:
  using Work = Outcome (*)(const Place&, const std::string&, std::string*);

  RecordWorker(Napi::Env env, Work work, Place place, std::string name, std::string text)
      : PromiseWorker(env),
        work_(work),
        place_(std::move(place)),
        name_(std::move(name)),
        text_(std::move(text)) {}

 private:
  void Execute() override { outcome_ = work_(place_, name_, &text_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("errno", Napi::Number::New(env, outcome_.error));
    answer.Set("call", Napi::Number::New(env, static_cast<double>(outcome_.call)));
    answer.Set("text", Napi::String::New(env, text_));
    return answer;
  }

  Work work_;
  Place place_;
  std::string name_;
  std::string text_;
  Outcome outcome_;
};

Outcome Write(const Place& place, const std::string& name, std::string* text) {
  const Outcome outcome = WriteRecord(place, name, *text);
  text->clear();
  return outcome;
}

Outcome SyncPlace(const Place& place, const std::string&, std::string*) { return Sync(place.base); }

// batch(operation, jobs, options): { errnos, calls, equal, bytes? }
Napi::Value Batch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string name;
  if (!PathArgument(env, info[0], "operation", &name)) return {};
  const OperationEntry* operation = FindOperation(name);
  if (operation == nullptr) {
    ThrowType(env, "unknown operation " + name);
    return {};
  }
  Jobs jobs;
  if (!JobsArgument(env, info[1], operation->sides, &jobs)) return {};
  Options options;
  if (!OptionsArgument(env, info[2], &options)) return {};
  return (new BatchWorker(env, operation, std::move(jobs), options))->Start();
}

// stat(jobs): { errnos, calls, kinds, modes, sizes, targets, identities }
Napi::Value Stat(const Napi::CallbackInfo& info) {
  Jobs jobs;
  if (!JobsArgument(info.Env(), info[0], Sides::kTo, &jobs)) return {};
  return (new StatWorker(info.Env(), std::move(jobs), false))->Start();
}

// identify(jobs): what stat(jobs) gives, and { lasting }
Napi::Value Identify(const Napi::CallbackInfo& info) {
  Jobs jobs;
  if (!JobsArgument(info.Env(), info[0], Sides::kTo, &jobs)) return {};
  return (new StatWorker(info.Env(), std::move(jobs), true))->Start();
}

// list(bases, places): { errnos, calls, directoryModes, devices, counts, notUtf8Counts, plain,
// distinct, directories, bytes, fileNameBytes, directoryNameBytes, failedNames, names, notUtf8,
// kinds, modes, sizes, targets }
Napi::Value ListPlaces(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Place> places;
  if (!PlacesArgument(env, info[0], info[1], &places)) return {};
  return (new ListWorker(env, std::move(places)))->Start();
}

// inheritance(bases, places): { errnos, texts }
Napi::Value Inheritance(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Place> places;
  if (!PlacesArgument(env, info[0], info[1], &places)) return {};
  return (new InheritanceWorker(env, std::move(places)))->Start();
}

OpenDirectories* Kept(Napi::Env env) { return env.GetInstanceData<OpenDirectories>(); }

// openDirectory(base, path): { errno, fd }. One openat a name: short enough for the main thread.
Napi::Value OpenDirectory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Place place;
  if (!PlaceArgument(env, info[0], info[1], &place)) return {};
  Walk walk;
  Descriptor opened = walk.Read(place);
  Napi::Object answer = Napi::Object::New(env);
  answer.Set("errno", Napi::Number::New(env, walk.error()));
  answer.Set("fd", Napi::Number::New(env, Kept(env)->Keep(std::move(opened))));
  return answer;
}

// closeDirectory(fd): errno, EBADF for what openDirectory did not give.
Napi::Value CloseDirectory(const Napi::CallbackInfo& info) {
  int fd = -1;
  if (!DescriptorArgument(info.Env(), info[0], "fd", &fd)) return {};
  return Napi::Number::New(info.Env(), Kept(info.Env())->Close(fd));
}

// writeRecord(base, path, name, text): { errno, call }
Napi::Value WriteRecordAt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Place place;
  std::string name;
  if (!PlaceArgument(env, info[0], info[1], &place)) return {};
  if (!PathArgument(env, info[2], "name", &name)) return {};
  if (!info[3].IsString()) {
    ThrowType(env, "text must be a string");
    return {};
  }
  std::string text = info[3].As<Napi::String>().Utf8Value();
  return (new RecordWorker(env, Write, std::move(place), std::move(name), std::move(text)))
      ->Start();
}

// readRecord(base, path, name): { errno, call, text }
Napi::Value ReadRecordAt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Place place;
  std::string name;
  if (!PlaceArgument(env, info[0], info[1], &place)) return {};
  if (!PathArgument(env, info[2], "name", &name)) return {};
  return (new RecordWorker(env, ReadRecord, std::move(place), std::move(name), ""))->Start();
}

// sync(fd): { errno, call }
Napi::Value SyncDirectory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Place place;
  if (!DescriptorArgument(env, info[0], "fd", &place.base)) return {};
  return (new RecordWorker(env, SyncPlace, std::move(place), "", ""))->Start();
}

}  // namespace

void ExportBatches(Napi::Env env, Napi::Object exports) {
  exports.Set("batch", Napi::Function::New(env, Batch, "batch"));
  exports.Set("stat", Napi::Function::New(env, Stat, "stat"));
  exports.Set("identify", Napi::Function::New(env, Identify, "identify"));
  exports.Set("list", Napi::Function::New(env, ListPlaces, "list"));
  exports.Set("inheritance", Napi::Function::New(env, Inheritance, "inheritance"));
  ExportTrees(env, exports);
  exports.Set("openDirectory", Napi::Function::New(env, OpenDirectory, "openDirectory"));
  exports.Set("closeDirectory", Napi::Function::New(env, CloseDirectory, "closeDirectory"));
  exports.Set("writeRecord", Napi::Function::New(env, WriteRecordAt, "writeRecord"));
  exports.Set("readRecord", Napi::Function::New(env, ReadRecordAt, "readRecord"));
  exports.Set("sync", Napi::Function::New(env, SyncDirectory, "sync"));
  env.SetInstanceData(new OpenDirectories);
  Napi::Array names = Napi::Array::New(env, static_cast<size_t>(Call::kCount));
  for (uint32_t i = 0; i < static_cast<uint32_t>(Call::kCount); i++) {
    const auto call = static_cast<Call>(i);
    // Both are open(2): here they tell whether the source or dest was opened.
    const char* name = call == Call::kCreate ? "create" : CallName(call);
    names.Set(i, Napi::String::New(env, name));
  }
  exports.Set("calls", names);
  exports.Set("cloneSyscall", Napi::String::New(env, CloneCallName()));
}

}  // namespace reflink_merge
