#ifndef _WIN32

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "mapped_file.h"

namespace void_ofx {

namespace {

// A file descriptor that is closed at the end of its scope.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

std::runtime_error failure(const std::string& path, int error) {
  return std::runtime_error(path + ": " + std::strerror(error));
}

// Pages are mapped at once where that can be asked for: one by one takes longer than copying into them.
#if defined(MAP_POPULATE)
constexpr int kAllAtOnce = MAP_POPULATE;
#else
constexpr int kAllAtOnce = 0;
#endif

// Gives the file its room now: a write into a mapping of a full disk would end the host with SIGBUS.
int reserve(int file, size_t bytes) {
  if (::ftruncate(file, static_cast<off_t>(bytes)) != 0) return errno;
#if defined(__APPLE__)
  fstore_t wanted = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, static_cast<off_t>(bytes), 0};
  return ::fcntl(file, F_PREALLOCATE, &wanted) == -1 && errno == ENOSPC ? ENOSPC : 0;
#else
  return ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
#endif
}

}  // namespace

MappedFile MappedFile::make(const std::string& path, size_t bytes) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) throw failure(path, errno);
  int error = reserve(file.number(), bytes);
  void* address = MAP_FAILED;
  if (error == 0) {
    address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | kAllAtOnce, file.number(), 0);
    if (address == MAP_FAILED) error = errno;
  }
  if (error != 0) {
    ::unlink(path.c_str());
    throw failure(path, error);
  }
  MappedFile made;
  made.path_ = path;
  made.data_ = static_cast<unsigned char*>(address);
  made.bytes_ = bytes;
  return made;
}

MappedFile MappedFile::open(const std::string& path, size_t bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.number() < 0) throw failure(path, errno);
  struct stat status;
  if (::fstat(file.number(), &status) != 0) throw failure(path, errno);
  if (bytes == 0 || status.st_size < 0 || static_cast<size_t>(status.st_size) < bytes)
    throw std::runtime_error(path + ": the file is shorter than the picture in it");
  void* const address = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED | kAllAtOnce, file.number(), 0);
  if (address == MAP_FAILED) throw failure(path, errno);
  MappedFile opened;
  opened.path_ = path;
  opened.data_ = static_cast<unsigned char*>(address);
  opened.bytes_ = bytes;
  return opened;
}

void MappedFile::close() noexcept {
  if (data_ != nullptr) ::munmap(data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

}  // namespace void_ofx

#endif
