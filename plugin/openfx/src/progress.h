// The host's progress bar, where it has one.
#pragma once

#include <chrono>

#include "ofx.h"

namespace void_ofx {

class Progress {
 public:
  Progress(OfxImageEffectHandle effect, const char* label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Moves the bar to a share of the whole. False once the artist has cancelled.
  bool reach(double share);
  // Keeps the bar alive while something is waited for, a few times a second at most. False as above.
  bool wait();

 private:
  bool update();

  OfxImageEffectHandle effect_;
  bool is_shown_ = false;
  bool is_cancelled_ = false;
  double share_ = 0;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace void_ofx
