#include "changed.h"

#include <string>

#include "names.h"
#include "removal.h"
#include "status.h"

namespace void_ofx {

namespace {

// A button, and what it does. Another one is added by a row.
struct Button {
  const char* name;
  void (*press)(Instance& instance, OfxTime time);
};

constexpr Button kButtons[] = {
    {param::kRemove, remove},
    {param::kPropose, propose},
    {param::kReject, reject},
    {param::kCancel, cancel},
    {param::kRefresh, refresh},
    {param::kOpenFolder, open_folder},
};

// A preview is a preview because of its scale: choosing one proposes the other.
void propose_scale(const Instance& instance, OfxTime time) {
  constexpr int kFull = 0, kQuarter = 2;
  instance.set_integer(param::kScale, instance.choice(param::kQuality, time) == "preview" ? kQuarter : kFull, time);
}

}  // namespace

OfxStatus instance_changed(Instance& instance, const Properties& arguments) {
  const OfxTime time = arguments.number(kOfxPropTime, 0);
  const bool is_users = arguments.text(kOfxPropChangeReason) == kOfxChangeUserEdited;
  if (is_users && arguments.text(kOfxPropType) == kOfxTypeParameter) {
    const std::string name = arguments.text(kOfxPropName);
    for (const Button& button : kButtons) {
      if (name != button.name) continue;
      button.press(instance, time);
      return kOfxStatOK;
    }
    if (name == param::kQuality) propose_scale(instance, time);
    if (name == param::kRecord || name == param::kProposal) {
      // Undo and redo bring another result or proposal, or none: the status is that one's.
      refresh(instance, time);
      return kOfxStatOK;
    }
  }
  // What this plug-in sets itself comes back as a change; it brings no news.
  if (arguments.text(kOfxPropChangeReason) != kOfxChangePluginEdited) take_news(instance, time);
  return kOfxStatOK;
}

}  // namespace void_ofx
