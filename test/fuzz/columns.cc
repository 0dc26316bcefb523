// libFuzzer on the decoder of batches, and on the walk and loop that believe it: whatever comes in,
// an operation only ever gets a name, and a directory of the tree that it may work in.
#include "posix/columns.h"

#include <fcntl.h>
#include <fuzzer/FuzzedDataProvider.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "posix/batch.h"

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
struct Tree {
  Tree() {
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
  ~Tree() {
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

const Tree& TheTree() {
  static const Tree tree;
  return tree;
}

size_t ran = 0;

Result Look(const Item& item, const Options&) {
  const Tree& tree = TheTree();
  Require(IsName(item.to_name));
  Require(tree.inodes.count(InodeOf(item.to)) == 1);
  Require(item.from < 0 || (IsName(item.name) && tree.inodes.count(InodeOf(item.from)) == 1));
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider data(bytes, size);
  const Tree& tree = TheTree();
  const std::vector<Place> bases = {
      {tree.top, nullptr, ""},
      {-1, std::make_shared<const std::string>(tree.root), ""},
      {-1, std::make_shared<const std::string>(tree.root + "/a"), ""}};
  const Sides sides = data.PickValueInArray({Sides::kBoth, Sides::kTo, Sides::kTargets});
  Jobs jobs;
  if (!Places(&data, bases, &jobs.to)) return 0;
  if (sides == Sides::kBoth && !Places(&data, bases, &jobs.from)) return 0;
  jobs.counts = Numbers(&data, 4);
  if (!Texts(&data, &jobs.names)) return 0;
  if (data.ConsumeBool() && !Texts(&data, &jobs.to_names)) return 0;
  if (data.ConsumeBool()) jobs.modes = Numbers(&data, 0777);
  if (CheckCounts(jobs, sides) != nullptr) return 0;

  ran = 0;
  const OperationEntry operation = {"look", Look, sides, data.ConsumeBool()};
  const Outcomes outcomes = RunBatch(operation, jobs, {});
  Require(outcomes.errnos.size() == jobs.names.size());
  size_t fine = 0;
  for (const int32_t error : outcomes.errnos) fine += error == 0 ? 1 : 0;
  Require(fine == ran);
  return 0;
}
