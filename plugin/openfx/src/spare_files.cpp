#include "spare_files.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "place.h"

namespace void_ofx {

SpareFiles::SpareFiles(std::string folder) : folder_(std::move(folder)) {}

SpareFiles::~SpareFiles() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
    something_to_do_.notify_one();
  }
  if (maker_.joinable()) maker_.join();
  for (MappedFile& file : ready_) {
    const std::string path = file.path();
    file = MappedFile();
    remove_file(path);
  }
}

MappedFile SpareFiles::take(size_t bytes) {
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!maker_.joinable()) maker_ = std::thread([this] { make_all(); });
    something_done_.wait(lock, [this, bytes] { return at_work_on_ != bytes; });
    const auto found =
        std::find_if(ready_.begin(), ready_.end(), [bytes](const MappedFile& file) { return file.bytes() == bytes; });
    if (std::find(wanted_.begin(), wanted_.end(), bytes) == wanted_.end()) wanted_.push_back(bytes);
    something_to_do_.notify_one();
    if (found != ready_.end()) {
      MappedFile taken = std::move(*found);
      ready_.erase(found);
      return taken;
    }
  }
  return make(bytes);
}

MappedFile SpareFiles::make(size_t bytes) const {
  static std::atomic<unsigned long long> count{0};
  return MappedFile::make(folder_ + "/plate-" + std::to_string(count++) + ".raw", bytes);
}

void SpareFiles::make_all() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    something_to_do_.wait(lock, [this] { return is_ending_ || !wanted_.empty(); });
    if (is_ending_) return;
    const size_t bytes = at_work_on_ = wanted_.front();
    wanted_.pop_front();
    lock.unlock();
    std::list<MappedFile> made;
    try {
      made.push_back(make(bytes));
    } catch (...) {
      // Whoever needs it makes it, and is told why that cannot be.
    }
    lock.lock();
    ready_.splice(ready_.end(), made);
    at_work_on_ = 0;
    something_done_.notify_all();
  }
}

}  // namespace void_ofx
