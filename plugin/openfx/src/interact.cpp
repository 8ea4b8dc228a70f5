#include "interact.h"

#include <string>

#include "instance.h"
#include "properties.h"
#include "status.h"

namespace void_ofx {

OfxStatus interact_entry(const char* action, const void*, OfxPropertySetHandle in_args, OfxPropertySetHandle) {
  try {
    const std::string name = action == nullptr ? "" : action;
    if (name == kOfxActionDescribe || name == kOfxActionCreateInstance || name == kOfxActionDestroyInstance)
      return kOfxStatOK;
    if (name != kOfxInteractActionPenMotion && name != kOfxInteractActionGainFocus) return kOfxStatReplyDefault;
    const Properties arguments(in_args);
    const auto effect = static_cast<OfxImageEffectHandle>(arguments.pointer(kOfxPropEffectInstance));
    if (Instance* const instance = Instance::of(effect)) take_news(*instance, arguments.number(kOfxPropTime, 0));
  } catch (...) {
    // The pointer moves on, and the next time it may go better.
  }
  return kOfxStatReplyDefault;
}

}  // namespace void_ofx
