#ifdef _WIN32

#include <windows.h>

#include <stdexcept>

#include "mapped_file.h"
#include "windows_handle.h"
#include "windows_text.h"

namespace void_ofx {

namespace {

std::runtime_error failure(const std::string& path, DWORD error) {
  return std::runtime_error(path + ": " + windows_reason(error));
}

// The bridge reads, writes and deletes these files while they are mapped here.
constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

unsigned char* view(HANDLE file, size_t bytes, bool is_written) {
  const ULONGLONG size = bytes;
  const Handle mapping(CreateFileMappingW(file, nullptr, is_written ? PAGE_READWRITE : PAGE_READONLY,
                                          static_cast<DWORD>(size >> 32), static_cast<DWORD>(size & 0xffffffff),
                                          nullptr));
  if (mapping.get() == nullptr) return nullptr;
  // The view keeps the mapping alive, so both handles can go.
  return static_cast<unsigned char*>(
      MapViewOfFile(mapping.get(), is_written ? FILE_MAP_WRITE : FILE_MAP_READ, 0, 0, bytes));
}

}  // namespace

MappedFile MappedFile::make(const std::string& path, size_t bytes) {
  const std::wstring name = widened(path);
  const Handle file(CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE, kShared, nullptr, CREATE_NEW,
                                FILE_ATTRIBUTE_TEMPORARY, nullptr));
  if (file.get() == INVALID_HANDLE_VALUE) throw failure(path, GetLastError());
  MappedFile made;
  made.data_ = view(file.get(), bytes, true);
  if (made.data_ == nullptr) {
    const DWORD error = GetLastError();
    DeleteFileW(name.c_str());
    throw failure(path, error);
  }
  made.path_ = path;
  made.bytes_ = bytes;
  return made;
}

MappedFile MappedFile::open(const std::string& path, size_t bytes) {
  const Handle file(CreateFileW(widened(path).c_str(), GENERIC_READ, kShared, nullptr, OPEN_EXISTING,
                                FILE_ATTRIBUTE_NORMAL, nullptr));
  if (file.get() == INVALID_HANDLE_VALUE) throw failure(path, GetLastError());
  LARGE_INTEGER size;
  if (!GetFileSizeEx(file.get(), &size)) throw failure(path, GetLastError());
  if (bytes == 0 || size.QuadPart < 0 || static_cast<unsigned long long>(size.QuadPart) < bytes)
    throw std::runtime_error(path + ": the file is shorter than the picture in it");
  MappedFile opened;
  opened.data_ = view(file.get(), bytes, false);
  if (opened.data_ == nullptr) throw failure(path, GetLastError());
  opened.path_ = path;
  opened.bytes_ = bytes;
  return opened;
}

void MappedFile::close() noexcept {
  if (data_ != nullptr) UnmapViewOfFile(data_);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace void_ofx

#endif
