// Files for pixels, made ahead of their use: the system takes as long to give a file its memory as a frame takes to be
// written into it, and meanwhile the host makes the next frame.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "mapped_file.h"

namespace void_ofx {

class SpareFiles {
 public:
  explicit SpareFiles(std::string folder);
  // Removes the files that nobody has taken.
  ~SpareFiles();
  SpareFiles(const SpareFiles&) = delete;
  SpareFiles& operator=(const SpareFiles&) = delete;

  // Gives a file of `bytes` for the caller to keep, and begins to make another one. Throws std::runtime_error with the
  // reason where there is no room.
  MappedFile take(size_t bytes);

 private:
  MappedFile make(size_t bytes) const;
  void make_all();

  std::string folder_;
  std::mutex mutex_;
  std::condition_variable something_to_do_, something_done_;
  std::deque<size_t> wanted_;
  std::list<MappedFile> ready_;
  size_t at_work_on_ = 0;  // the size of the file that is being made, 0 where none is
  bool is_ending_ = false;
  std::thread maker_;
};

}  // namespace void_ofx
