#include "progress.h"

#include "host.h"

namespace void_ofx {

Progress::Progress(OfxImageEffectHandle effect, const char* label) : effect_(effect) {
  const Host& here = host();
  if (here.progress_v2 != nullptr && here.progress_v2->progressStart != nullptr)
    is_shown_ = here.progress_v2->progressStart(effect, label, "") == kOfxStatOK;
  else if (here.progress_v1 != nullptr && here.progress_v1->progressStart != nullptr)
    is_shown_ = here.progress_v1->progressStart(effect, label) == kOfxStatOK;
}

Progress::~Progress() {
  if (!is_shown_) return;
  if (host().progress_v2 != nullptr)
    host().progress_v2->progressEnd(effect_);
  else
    host().progress_v1->progressEnd(effect_);
}

bool Progress::reach(double share) {
  share_ = share;
  return update();
}

bool Progress::wait() {
  constexpr auto kBetween = std::chrono::milliseconds(100);
  return std::chrono::steady_clock::now() - last_ < kBetween ? !is_cancelled_ : update();
}

bool Progress::update() {
  last_ = std::chrono::steady_clock::now();
  if (is_shown_ && !is_cancelled_) {
    const OfxStatus said = host().progress_v2 != nullptr ? host().progress_v2->progressUpdate(effect_, share_)
                                                         : host().progress_v1->progressUpdate(effect_, share_);
    is_cancelled_ = said == kOfxStatReplyNo;
  }
  return !is_cancelled_;
}

}  // namespace void_ofx
