// The floor: the same files placed by a plain program with the same system calls, as many threads as cores, and
// one directory per thread at a time. What a merge takes beyond this is its own.
//
//   floor clone|hardlink|copy THREADS DEST < manifest
//
// The manifest has a line for each package: its directory, a tab, and where it goes below DEST. Everything is built
// beside DEST and renamed once. Whatever fails ends the program: it measures and nothing else.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

enum class Mode { kClone, kHardLink, kCopy };

struct Work {
  std::string from;
  std::string to;
};

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "floor: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

// Directories that wait for a thread, last in first out, so that few wait at a time.
class Queue {
 public:
  void Push(std::vector<Work> found) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Work& work : found) waiting_.push_back(std::move(work));
    wake_.notify_all();
  }

  // False once nothing waits and nobody works who could find more.
  bool Pop(Work* work) {
    std::unique_lock<std::mutex> lock(mutex_);
    working_--;
    if (working_ == 0 && waiting_.empty()) wake_.notify_all();
    wake_.wait(lock, [this] { return !waiting_.empty() || working_ == 0; });
    if (waiting_.empty()) return false;
    *work = std::move(waiting_.back());
    waiting_.pop_back();
    working_++;
    return true;
  }

  void Join(int threads) { working_ = threads; }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Work> waiting_;
  int working_ = 0;
};

void CopyData(int from, int to, off_t size) {
  static thread_local std::vector<char> buffer(1 << 17);
  for (off_t done = 0; done < size;) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0) Die("read");
    if (got == 0) return;
    if (write(to, buffer.data(), static_cast<size_t>(got)) != got) Die("write");
    done += got;
  }
}

void PlaceFile(Mode mode, int from, int to, const char* name) {
  if (mode == Mode::kHardLink) {
    if (linkat(from, name, to, name, 0) != 0) Die(name);
    return;
  }
  const int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0) Die(name);
  struct stat status;
  if (fstat(source, &status) != 0) Die(name);
  const mode_t bits = status.st_mode & 0777;
  const int file = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, bits);
  if (file < 0) Die(name);
  if (mode == Mode::kCopy) {
    CopyData(source, file, status.st_size);
  } else if (ioctl(file, FICLONE, source) != 0) {
    Die(name);
  }
  close(file);
  close(source);
}

void PlaceDirectory(Mode mode, const Work& work, Queue* queue) {
  DIR* directory = opendir(work.from.c_str());
  if (directory == nullptr) Die(work.from);
  const int from = dirfd(directory);
  const int to = open(work.to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (to < 0) Die(work.to);
  std::vector<Work> found;
  while (const dirent* entry = readdir(directory)) {
    const char* name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    if (entry->d_type == DT_DIR) {
      if (mkdirat(to, name, 0777) != 0) Die(name);
      found.push_back({work.from + "/" + name, work.to + "/" + name});
    } else if (entry->d_type == DT_LNK) {
      char target[4096];
      const ssize_t length = readlinkat(from, name, target, sizeof target - 1);
      if (length < 0) Die(name);
      target[length] = '\0';
      if (symlinkat(target, to, name) != 0) Die(name);
    } else {
      PlaceFile(mode, from, to, name);
    }
  }
  if (!found.empty()) queue->Push(std::move(found));
  close(to);
  closedir(directory);
}

void MakePath(const std::string& base, const std::string& path) {
  for (size_t slash = 0; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = base + "/" + path.substr(0, slash);
    if (mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) Die(part);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: floor clone|hardlink|copy THREADS DEST < manifest\n");
    return 2;
  }
  const std::string name = argv[1];
  const Mode mode = name == "clone"      ? Mode::kClone
                    : name == "hardlink" ? Mode::kHardLink
                                         : Mode::kCopy;
  const int threads = std::atoi(argv[2]);
  const std::string dest = argv[3];
  const std::string staging = dest + ".floor";
  if (mkdir(staging.c_str(), 0777) != 0) Die(staging);

  std::vector<Work> packages;
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    const std::string to = line.substr(tab + 1);
    if (!to.empty()) MakePath(staging, to);
    packages.push_back({line.substr(0, tab), to.empty() ? staging : staging + "/" + to});
  }
  Queue queue;
  queue.Join(threads);
  queue.Push(std::move(packages));
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; i++) {
    workers.emplace_back([&queue, mode] {
      for (Work work; queue.Pop(&work);) PlaceDirectory(mode, work, &queue);
    });
  }
  for (std::thread& worker : workers) worker.join();
  if (rename(staging.c_str(), dest.c_str()) != 0) Die(dest);
  return 0;
}
