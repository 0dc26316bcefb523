// libFuzzer on the decoder of batches and whole trees, and on the walk and loops that believe it:
// whatever comes in, an operation only ever gets a name, and a directory of the tree that it may
// work in.
#include "posix/columns.h"

#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "posix/batch.h"
#include "posix/trees.h"

namespace {

using namespace reflink_merge;

void Require(bool holds) {
  if (!holds) std::abort();
}

ino_t InodeOf(int directory) {
  struct stat status{};
  Require(fstat(directory, &status) == 0);
  return status.st_ino;
}

// a/b/c, where a/link and a/b/link lead out of it.
struct Room {
  Room() {
    std::string path = "/tmp/reflink-merge-fuzz-XXXXXX";
    Require(mkdtemp(path.data()) != nullptr);
    root = path;
    top = open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    inodes.insert(InodeOf(top));
    for (const char* name : {"/a", "/a/b", "/a/b/c"}) {
      const std::string directory = root + name;
      Require(mkdir(directory.c_str(), 0700) == 0);
      Require(symlink("/", (directory + "/link").c_str()) == 0);
      const Descriptor made(open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      inodes.insert(InodeOf(made.get()));
    }
  }
  ~Room() {
    for (const char* name : {"/a/b/c", "/a/b", "/a"}) {
      unlink((root + name + "/link").c_str());
      rmdir((root + name).c_str());
    }
    rmdir(root.c_str());
  }

  std::string root;
  int top = -1;
  std::set<ino_t> inodes;
};

const Room& TheRoom() {
  static const Room room;
  return room;
}

size_t ran = 0;

Result Look(const Item& item, const Options&) {
  const Room& room = TheRoom();
  Require(IsName(item.to_name));
  Require(room.inodes.count(InodeOf(item.to)) == 1);
  Require(item.from < 0 || (IsName(item.name) && room.inodes.count(InodeOf(item.from)) == 1));
  ran++;
  return {};
}

std::vector<uint32_t> Numbers(FuzzedDataProvider* data, uint32_t most) {
  std::vector<uint32_t> numbers(data->ConsumeIntegralInRange<size_t>(0, 6));
  for (uint32_t& number : numbers) number = data->ConsumeIntegralInRange<uint32_t>(0, most);
  // Now and then one that is far too big.
  if (!numbers.empty() && data->ConsumeIntegralInRange(0, 30) == 0) numbers.back() = UINT32_MAX;
  return numbers;
}

bool Texts(FuzzedDataProvider* data, NameList* texts) {
  std::string joined = data->ConsumeRandomLengthString(400);
  // Its parts, as it comes in, are separated by ';' as often as by NUL.
  if (data->ConsumeBool()) {
    for (char& letter : joined) letter = letter == ';' ? '\0' : letter;
  }
  if (data->ConsumeIntegralInRange(0, 8) != 0) joined.push_back('\0');
  return ReadTexts(joined, texts) == nullptr;
}

bool Places(FuzzedDataProvider* data, const std::vector<Place>& bases, std::vector<Place>* all) {
  NameList paths;
  const std::vector<uint32_t> indexes = Numbers(data, 3);
  return Texts(data, &paths) && ReadPlaces(bases, indexes, paths, all) == nullptr;
}

bool OnePlace(FuzzedDataProvider* data, const std::vector<Place>& bases, Place* place) {
  *place = bases[data->ConsumeIntegralInRange<size_t>(0, bases.size() - 1)];
  place->path = data->ConsumeRandomLengthString(40);
  return place->path.find('\0') == std::string::npos;
}

bool OneTree(FuzzedDataProvider* data, const std::vector<Place>& bases, TreeJob* job) {
  if (!OnePlace(data, bases, &job->from) || !OnePlace(data, bases, &job->to)) return false;
  if (data->ConsumeBool()) job->skip = data->ConsumeIntegralInRange<uint32_t>(0, 8);
  if (data->ConsumeIntegralInRange(0, 30) == 0) job->skip = UINT32_MAX;
  if (!Texts(data, &job->paths)) return false;
  job->counts = Numbers(data, 4);
  job->modes = Numbers(data, 0777);
  // By themselves they would seldom be as many.
  if (data->ConsumeBool()) {
    job->counts.resize(job->paths.size(), 1);
    job->modes.resize(job->paths.size(), 0700);
  }
  return Texts(data, &job->names) && CheckTree(*job) == nullptr;
}

// The last directory first, since it may lie in one before it. Nothing was put into any of them.
void RemoveMade(const TreeJob& job, size_t made) {
  while (made-- > 0) {
    const Place place = TargetOf(job, made);
    Place above = place;
    const size_t slash = place.path.rfind('/');
    above.path = slash == std::string::npos ? "" : place.path.substr(0, slash);
    const std::string name = place.path.substr(slash == std::string::npos ? 0 : slash + 1);
    Walk walk;
    const int directory = walk.Search(above);
    Require(directory >= 0 && IsName(name));
    Require(unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0);
  }
}

// Also true of what was made since.
bool IsInRoom(int directory) {
  const std::string link = "/proc/self/fd/" + std::to_string(directory);
  std::array<char, 4096> target;
  const ssize_t size = readlink(link.c_str(), target.data(), target.size());
  Require(size > 0);
  const std::string path = std::string(target.data(), static_cast<size_t>(size)) + '/';
  return path.rfind(TheRoom().root + '/', 0) == 0;
}

// A tree's files go into directories that were made for it. What was made may also be where another
// tree comes from.
Result LookInTree(const Item& item, const Options&) {
  Require(IsName(item.name) && IsName(item.to_name));
  Require(IsInRoom(item.from) && IsInRoom(item.to));
  Require(TheRoom().inodes.count(InodeOf(item.to)) == 0);
  ran++;
  return {};
}

void RunTrees(FuzzedDataProvider* data, const std::vector<Place>& bases) {
  std::vector<TreeJob> jobs(data->ConsumeIntegralInRange<size_t>(1, 3));
  size_t directories = 0;
  size_t names = 0;
  for (TreeJob& job : jobs) {
    if (!OneTree(data, bases, &job)) return;
    directories += job.paths.size();
    names += job.names.size();
  }
  const TreeMatches matches = MatchTrees(jobs, data->ConsumeBool(), data->ConsumeBool());
  Require(matches.same.size() == jobs.size() && matches.bytes.size() == jobs.size());
  Require(matches.identities.size() == directories * 4);

  ran = 0;
  const OperationEntry operation = {"look", LookInTree, Sides::kBoth, false, true};
  const TreeOutcomes outcomes = PlaceTrees(operation, jobs, {});
  Require(outcomes.made.size() == jobs.size() && outcomes.bytes.size() == jobs.size());
  Require(outcomes.errnos.size() == names && outcomes.calls.size() == names);
  const auto placed = std::count(outcomes.errnos.begin(), outcomes.errnos.end(), 0);
  Require(static_cast<size_t>(placed) == ran);
  size_t made = 0;
  for (const uint32_t number : outcomes.made) made += number;
  Require(outcomes.complete == (made == directories && ran == names));
  for (size_t i = jobs.size(); i-- > 0;) RemoveMade(jobs[i], outcomes.made[i]);
}

void RunJobs(FuzzedDataProvider* data, const std::vector<Place>& bases) {
  const Sides sides = data->PickValueInArray({Sides::kBoth, Sides::kTo, Sides::kTargets});
  Jobs jobs;
  if (!Places(data, bases, &jobs.to)) return;
  if (sides == Sides::kBoth && !Places(data, bases, &jobs.from)) return;
  jobs.counts = Numbers(data, 4);
  if (!Texts(data, &jobs.names)) return;
  if (data->ConsumeBool() && !Texts(data, &jobs.to_names)) return;
  if (data->ConsumeBool()) jobs.modes = Numbers(data, 0777);
  if (CheckCounts(jobs, sides) != nullptr) return;

  ran = 0;
  const OperationEntry operation = {"look", Look, sides, data->ConsumeBool()};
  const Outcomes outcomes = RunBatch(operation, jobs, {});
  Require(outcomes.errnos.size() == jobs.names.size());
  size_t fine = 0;
  for (const int32_t error : outcomes.errnos) fine += error == 0 ? 1 : 0;
  Require(fine == ran);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  const Room& room = TheRoom();
  const std::vector<Place> bases = {
      {room.top, nullptr, ""},
      {-1, std::make_shared<const std::string>(room.root), ""},
      {-1, std::make_shared<const std::string>(room.root + "/a"), ""}};
  if (data.ConsumeBool()) {
    RunTrees(&data, bases);
  } else {
    RunJobs(&data, bases);
  }
  return 0;
}
