#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "read_names.h"
#include "trees.h"

namespace reflink_merge {
namespace {

// Files and directories of one tree. More would hold a thread, and delay an abort, for long.
constexpr size_t kMostEntries = 16384;
// Paths grow with the square of the depth, and JavaScript takes no string of more than half a GB.
constexpr size_t kMostPathBytes = 1 << 20;

constexpr mode_t kOwnerAccess = 0700;

// A directory that is to be read.
struct Step {
  std::string path;  // below the tree
  size_t parent;
};

// One tree, behind those that are there.
class TreeReader {
 public:
  TreeReader(Trees* into, Walk* walk, const Place& place)
      : into_(into),
        walk_(walk),
        place_(place),
        start_(into->ends.size()),
        files_(into->file_ends.empty() ? 0 : into->file_ends.back()) {}

  Tree Run() {
    steps_.push_back({"", start_});
    while (!steps_.empty()) {
      const Step step = std::move(steps_.back());
      steps_.pop_back();
      const Tree found = ReadDirectory(step);
      if (found != Tree::kPlain) return found;
    }
    SetEnds();
    return Tree::kPlain;
  }

  double device() const { return static_cast<double>(device_); }

 private:
  Tree ReadDirectory(const Step& step) {
    Descriptor descriptor = walk_->Read(PlaceOf(step));
    struct stat status{};
    if (!descriptor.ok() || fstat(descriptor.get(), &status) != 0) return Tree::kOther;
    if (step.path.empty()) device_ = status.st_dev;
    const bool usable = (status.st_mode & kOwnerAccess) == kOwnerAccess;
    if (!usable || status.st_dev != device_) return Tree::kOther;
    const DirectoryStream directory = OpenStream(&descriptor);
    Names names;
    if (directory == nullptr || !ReadNames(directory.get(), &names).ok()) return Tree::kOther;
    entries_ += names.others.size() + names.directories.size();
    path_bytes_ += step.path.size() + 1;
    if (entries_ > kMostEntries || path_bytes_ > kMostPathBytes) return Tree::kLarge;
    if (!AreDistinct(names) || !(names.regular || into_->sized)) return Tree::kOther;
    if (!AddFiles(dirfd(directory.get()), names.others)) return Tree::kOther;
    return AddDirectory(step, status.st_mode & 0777, names) ? Tree::kPlain : Tree::kOther;
  }

  Place PlaceOf(const Step& step) const {
    Place place = place_;
    if (!place.path.empty() && !step.path.empty()) place.path += '/';
    place.path += step.path;
    return place;
  }

  bool AddFiles(int directory, const std::vector<std::string>& names) {
    struct stat status{};
    bytes_ = 0;
    for (const std::string& name : names) {
      if (!IsName(name) || MayBeReserved(name)) return false;
      into_->names.append(name.c_str(), name.size() + 1);
      if (!into_->sized) continue;
      if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
      if (!S_ISREG(status.st_mode) || (status.st_mode & 07000) != 0) return false;
      into_->file_modes.push_back(static_cast<uint16_t>(status.st_mode & 0777));
      into_->sizes.push_back(static_cast<double>(status.st_size));
      bytes_ += static_cast<double>(status.st_size);
    }
    return true;
  }

  bool AddDirectory(const Step& step, mode_t mode, const Names& names) {
    const size_t own = into_->ends.size();
    into_->ends.push_back(0);
    into_->modes.push_back(mode);
    into_->counts.push_back(static_cast<uint32_t>(names.others.size()));
    into_->bytes.push_back(bytes_);
    into_->paths.append(step.path.c_str(), step.path.size() + 1);
    into_->path_ends.push_back(static_cast<uint32_t>(into_->paths.size()));
    into_->name_ends.push_back(static_cast<uint32_t>(into_->names.size()));
    files_ += names.others.size();
    into_->file_ends.push_back(static_cast<uint32_t>(files_));
    parents_.push_back(step.parent);
    const std::string above = step.path.empty() ? "" : step.path + '/';
    for (const std::string& name : names.directories) steps_.push_back({above + name, own});
    return std::all_of(
        names.directories.begin(), names.directories.end(),
        [](const std::string& name) { return IsName(name) && !MayBeReserved(name); });
  }

  // From the last on: a directory ends where the last one in it does.
  void SetEnds() {
    for (size_t own = into_->ends.size(); own-- > start_;) {
      uint32_t& end = into_->ends[own];
      if (end == 0) end = static_cast<uint32_t>(own + 1);
      uint32_t& above = into_->ends[parents_[own - start_]];
      if (above == 0) above = end;
    }
  }

  Trees* into_;
  Walk* walk_;
  const Place& place_;
  size_t start_;
  dev_t device_ = 0;
  size_t files_;  // of all trees
  size_t entries_ = 0;
  size_t path_bytes_ = 0;
  double bytes_ = 0;             // of the files of the directory that is being read
  std::vector<Step> steps_;      // last in, first out: what lies in a directory follows it
  std::vector<size_t> parents_;  // of the tree's directories
};

}  // namespace

void Trees::Add(Walk* walk, const Place& place) {
  const size_t directories = ends.size();
  const size_t files = sizes.size();  // 0 if they are not known
  const size_t path_bytes = paths.size();
  const size_t name_bytes = names.size();
  TreeReader reader(this, walk, place);
  const Tree tree = reader.Run();
  found.push_back(static_cast<uint8_t>(tree));
  devices.push_back(reader.device());
  starts.push_back(static_cast<uint32_t>(directories));
  if (tree == Tree::kPlain) return;
  for (std::vector<uint32_t>* column :
       {&ends, &modes, &counts, &path_ends, &name_ends, &file_ends}) {
    column->resize(directories);
  }
  bytes.resize(directories);
  file_modes.resize(files);
  sizes.resize(files);
  paths.resize(path_bytes);
  names.resize(name_bytes);
}

}  // namespace reflink_merge
