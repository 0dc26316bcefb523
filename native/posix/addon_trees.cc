#include "addon_trees.h"

#include <string>
#include <utility>
#include <vector>

#include "addon_arguments.h"
#include "addon_worker.h"
#include "trees.h"

namespace reflink_merge {
namespace {

class ScanWorker : public PromiseWorker {
 public:
  ScanWorker(Napi::Env env, std::vector<Place> places, bool sized)
      : PromiseWorker(env), places_(std::move(places)), trees_(sized) {}

 private:
  void Execute() override {
    Walk walk;
    for (const Place& place : places_) trees_.Add(&walk, place);
  }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("sized", Napi::Boolean::New(env, trees_.sized));
    answer.Set("found", ArrayOf<Napi::Uint8Array>(env, trees_.found));
    answer.Set("devices", ArrayOf<Napi::Float64Array>(env, trees_.devices));
    answer.Set("starts", ArrayOf<Napi::Uint32Array>(env, trees_.starts));
    answer.Set("ends", ArrayOf<Napi::Uint32Array>(env, trees_.ends));
    answer.Set("modes", ArrayOf<Napi::Uint32Array>(env, trees_.modes));
    answer.Set("counts", ArrayOf<Napi::Uint32Array>(env, trees_.counts));
    answer.Set("bytes", ArrayOf<Napi::Float64Array>(env, trees_.bytes));
    answer.Set("pathEnds", ArrayOf<Napi::Uint32Array>(env, trees_.path_ends));
    answer.Set("nameEnds", ArrayOf<Napi::Uint32Array>(env, trees_.name_ends));
    answer.Set("fileEnds", ArrayOf<Napi::Uint32Array>(env, trees_.file_ends));
    answer.Set("fileModes", ArrayOf<Napi::Uint16Array>(env, trees_.file_modes));
    answer.Set("sizes", ArrayOf<Napi::Float64Array>(env, trees_.sizes));
    answer.Set("paths", Napi::String::New(env, trees_.paths));
    answer.Set("names", Napi::String::New(env, trees_.names));
    return answer;
  }

  std::vector<Place> places_;
  Trees trees_;
};

class PlaceWorker : public PromiseWorker {
 public:
  PlaceWorker(Napi::Env env, const OperationEntry* operation, std::vector<TreeJob> jobs,
              const Options& options)
      : PromiseWorker(env), operation_(operation), jobs_(std::move(jobs)), options_(options) {}

 private:
  void Execute() override { outcomes_ = PlaceTrees(*operation_, jobs_, options_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("complete", Napi::Boolean::New(env, outcomes_.complete));
    answer.Set("bytes", ArrayOf<Napi::Float64Array>(env, outcomes_.bytes));
    if (outcomes_.complete) return answer;
    answer.Set("made", ArrayOf<Napi::Uint32Array>(env, outcomes_.made));
    answer.Set("stopErrnos", ArrayOf<Napi::Int32Array>(env, outcomes_.stop_errnos));
    answer.Set("stopCalls", ArrayOf<Napi::Uint8Array>(env, outcomes_.stop_calls));
    answer.Set("errnos", ArrayOf<Napi::Int32Array>(env, outcomes_.errnos));
    answer.Set("calls", ArrayOf<Napi::Uint8Array>(env, outcomes_.calls));
    return answer;
  }

  const OperationEntry* operation_;
  std::vector<TreeJob> jobs_;
  Options options_;
  TreeOutcomes outcomes_;
};

class MatchWorker : public PromiseWorker {
 public:
  MatchWorker(Napi::Env env, std::vector<TreeJob> jobs, bool bytes, bool own)
      : PromiseWorker(env), jobs_(std::move(jobs)), bytes_(bytes), own_(own) {}

 private:
  void Execute() override { matches_ = MatchTrees(jobs_, bytes_, own_); }

  Napi::Value Answer(Napi::Env env) override {
    Napi::Object answer = Napi::Object::New(env);
    answer.Set("same", ArrayOf<Napi::Uint8Array>(env, matches_.same));
    answer.Set("bytes", ArrayOf<Napi::Float64Array>(env, matches_.bytes));
    answer.Set("identities", ArrayOf<Napi::BigUint64Array>(env, matches_.identities));
    return answer;
  }

  std::vector<TreeJob> jobs_;
  bool bytes_;
  bool own_;
  TreeMatches matches_;
};

bool IsTrue(const Napi::Value& value) {
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

// scanTrees(bases, places, sized): { sized, found, devices, starts, ends, modes, counts, bytes,
// pathEnds, nameEnds, fileEnds, fileModes, sizes, paths, names }
Napi::Value ScanTrees(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<Place> places;
  if (!PlacesArgument(env, info[0], info[1], &places)) return {};
  return (new ScanWorker(env, std::move(places), IsTrue(info[2])))->Start();
}

// placeTrees(operation, trees, options): { complete, bytes, made?, stopErrnos?, stopCalls?,
// errnos?, calls? }
Napi::Value PlaceTreesAt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string name;
  if (!PathArgument(env, info[0], "operation", &name)) return {};
  const OperationEntry* operation = FindOperation(name);
  if (operation == nullptr || !operation->makes_files) {
    ThrowType(env, "no operation that makes files: " + name);
    return {};
  }
  std::vector<TreeJob> jobs;
  Options options;
  if (!TreesArgument(env, info[1], &jobs) || !OptionsArgument(env, info[2], &options)) return {};
  return (new PlaceWorker(env, operation, std::move(jobs), options))->Start();
}

// matchTrees(trees, bytes, own): { same, bytes, identities }
Napi::Value MatchTreesAt(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<TreeJob> jobs;
  if (!TreesArgument(env, info[0], &jobs)) return {};
  return (new MatchWorker(env, std::move(jobs), IsTrue(info[1]), IsTrue(info[2])))->Start();
}

}  // namespace

void ExportTrees(Napi::Env env, Napi::Object exports) {
  exports.Set("scanTrees", Napi::Function::New(env, ScanTrees, "scanTrees"));
  exports.Set("matchTrees", Napi::Function::New(env, MatchTreesAt, "matchTrees"));
  exports.Set("placeTrees", Napi::Function::New(env, PlaceTreesAt, "placeTrees"));
}

}  // namespace reflink_merge
