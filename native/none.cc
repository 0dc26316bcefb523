// A system that has none of the calls (neither Linux, macOS nor Windows): the addon loads, every
// call answers ENOSYS, and the library goes on with node:fs.
#include <cerrno>
#include <string>

#include "addon.h"
#include "contract.h"
#include "shared_bytes.h"

namespace reflink_merge {

const char* CloneCallName() { return "clone"; }

Outcome CloneFile(int, int, const char*, unsigned, int*) { return {ENOSYS, Call::kClone}; }

Outcome CloneDirectory(int, const char*, int, const char*) { return {ENOSYS, Call::kClone}; }

int DropQuarantine(int) { return ENOSYS; }

int RenameExclusive(int, const char*, int, const char*) { return ENOSYS; }

int RenameExchange(int, const char*, int, const char*) { return ENOSYS; }

Lasting ReadLasting(int, const char*) { return {}; }

int CopyInKernel(int, int, uint64_t, uint64_t, uint64_t*) { return ENOSYS; }

int ReadExtents(int, uint64_t, bool, Extents*) { return ENOSYS; }

int ReadCacheState(int, CachedData*) { return ENOSYS; }

int DescribeInheritance(int, std::string*) { return ENOSYS; }

int SyncFileSystem(int) { return ENOSYS; }

bool OnSameFileSystem(int, int) { return false; }

Outcome ReflinkPath(const char*, const char*) { return {ENOSYS, Call::kClone}; }

SharedBytesResult SharedBytes(const std::string&, const std::string&) {
  SharedBytesResult result;
  result.outcome = {ENOSYS, Call::kExtents};
  return result;
}

int TryLock(int) { return ENOSYS; }

// Without directory descriptors there is nothing to batch over.
void ExportBatches(Napi::Env, Napi::Object) {}

}  // namespace reflink_merge
