// A file in memory: pixels go to the bridge and come from it in such files.
#pragma once

#include <cstddef>
#include <string>

namespace void_ofx {

class MappedFile {
 public:
  MappedFile() = default;
  // Makes a file of `bytes` that only this user can read. Throws std::runtime_error with the reason.
  static MappedFile make(const std::string& path, size_t bytes);
  // Opens one for reading. Throws std::runtime_error where it is missing or shorter than `bytes`.
  static MappedFile open(const std::string& path, size_t bytes);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  unsigned char* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  const std::string& path() const { return path_; }

 private:
  void close() noexcept;

  std::string path_;
  unsigned char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace void_ofx
