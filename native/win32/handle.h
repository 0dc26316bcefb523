// Owns a Windows handle and closes it.
#pragma once

#include <windows.h>

namespace reflink_merge::win32 {

class Handle {
 public:
  explicit Handle(HANDLE handle) : handle_(handle) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (ok()) CloseHandle(handle_);
  }

  HANDLE get() const { return handle_; }
  // CreateFile fails with one value, CreateMutex with another.
  bool ok() const { return handle_ != INVALID_HANDLE_VALUE && handle_ != nullptr; }

 private:
  HANDLE handle_;
};

// Holds a mutex for as long as it lives; the thread that took it lets it go.
class Held {
 public:
  // A mutex whose owner died is ours all the same: what it guarded lies in another file.
  explicit Held(HANDLE mutex) : mutex_(mutex), result_(WaitForSingleObject(mutex, INFINITE)) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    if (ok()) ReleaseMutex(mutex_);
  }

  bool ok() const { return result_ == WAIT_OBJECT_0 || result_ == WAIT_ABANDONED; }

 private:
  HANDLE mutex_;
  DWORD result_;
};

}  // namespace reflink_merge::win32
