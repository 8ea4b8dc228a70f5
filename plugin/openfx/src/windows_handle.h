// Handles of Windows that are closed at the end of their scope.
#pragma once

#ifdef _WIN32

#include <windows.h>

namespace void_ofx {

class Handle {
 public:
  Handle() = default;
  explicit Handle(HANDLE handle) : handle_(handle) {}
  ~Handle() { close(); }
  Handle(Handle&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Handle& operator=(Handle&& other) noexcept {
    close();
    handle_ = other.handle_;
    other.handle_ = nullptr;
    return *this;
  }
  HANDLE get() const { return handle_; }
  HANDLE* address() { return &handle_; }
  void close() noexcept {
    if (handle_ != nullptr && handle_ != INVALID_HANDLE_VALUE) CloseHandle(handle_);
    handle_ = nullptr;
  }

 private:
  HANDLE handle_ = nullptr;
};

}  // namespace void_ofx

#endif
