#include "order.h"

#include <algorithm>
#include <cmath>

#include "host.h"
#include "names.h"
#include "properties.h"

namespace void_ofx {

namespace {

constexpr double kMostFrames = 100000;
constexpr double kLongestSide = 65536;

std::vector<int> frames_of(const Instance& instance, const Clip& plate, OfxTime time) {
  double first = 0, last = 0;
  const bool has_range = plate.frame_range(first, last);
  if (instance.choice(param::kRange, time) == "typed") {
    const double wanted_first = instance.integer(param::kFirst, time), wanted_last = instance.integer(param::kLast, time);
    if (wanted_first > wanted_last) throw OrderError("First comes after Last. Swap them.");
    const double handles = instance.integer(param::kHandles, time);
    const double low = wanted_first - handles, high = wanted_last + handles;
    // Handles go as far as the clip has frames; what was typed is taken as it is.
    first = has_range ? std::min(wanted_first, std::max(low, first)) : low;
    last = has_range ? std::max(wanted_last, std::min(high, last)) : high;
  } else if (!has_range) {
    throw OrderError("The host does not say which frames the plate has. Set Frames to First to last.");
  }
  first = std::ceil(first);
  last = std::floor(last);
  if (last - first + 1 > kMostFrames)
    throw OrderError("The plate has more than 100000 frames. Set Frames to First to last.");
  std::vector<int> frames;
  for (double frame = first; frame <= last; ++frame) frames.push_back(static_cast<int>(frame));
  if (frames.empty()) throw OrderError("There is no whole frame in the plate's range.");
  return frames;
}

// The size of the project in canonical coordinates, for plates that have no end.
bool project_region(const Instance& instance, OfxRectD& region) {
  OfxPropertySetHandle set = nullptr;
  if (host().effects->getPropertySet(instance.effect(), &set) != kOfxStatOK) return false;
  double size[2], offset[2] = {0, 0};
  if (!Properties(set).numbers(kOfxImageEffectPropProjectSize, 2, size)) return false;
  Properties(set).numbers(kOfxImageEffectPropProjectOffset, 2, offset);
  region = {offset[0], offset[1], offset[0] + size[0], offset[1] + size[1]};
  return size[0] > 0 && size[1] > 0;
}

// One box for all frames, so that a plate whose data changes its size is one shot still.
OfxRectI box_of(const Instance& instance, const Clip& plate, const std::vector<int>& frames, double aspect) {
  OfxRectD all{0, 0, 0, 0};
  bool is_known = false;
  for (const int frame : frames) {
    OfxRectD region;
    if (!plate.region(frame, region)) continue;
    if (!is_known) all = region;
    is_known = true;
    all = {std::min(all.x1, region.x1), std::min(all.y1, region.y1), std::max(all.x2, region.x2),
           std::max(all.y2, region.y2)};
  }
  if (!is_known) throw OrderError("The plate has no picture. Connect the input Source.");
  const bool is_endless = all.x2 - all.x1 > kLongestSide || all.y2 - all.y1 > kLongestSide;
  if (is_endless && !project_region(instance, all))
    throw OrderError("The plate is larger than 65536 pixels. Crop it to its format.");
  return {static_cast<int>(std::floor(all.x1 / aspect + 1e-3)), static_cast<int>(std::floor(all.y1 + 1e-3)),
          static_cast<int>(std::ceil(all.x2 / aspect - 1e-3)), static_cast<int>(std::ceil(all.y2 - 1e-3))};
}

void add_matte(std::vector<MatteInput>& mattes, const Instance& instance, const char* role, const char* clip,
               const std::string& source) {
  const MatteSource read = source == "luminance" ? MatteSource::kLuminance : MatteSource::kAlpha;
  if (source != "off" && Clip(instance.effect(), clip).is_connected()) mattes.push_back({role, clip, read});
}

std::vector<MatteInput> mattes_of(const Instance& instance, OfxTime time) {
  std::vector<MatteInput> mattes;
  const std::string from = instance.choice(param::kRemoveFrom, time);
  if (from == "source")
    mattes.push_back({"remove", clip::kSource, MatteSource::kAlpha});
  else
    add_matte(mattes, instance, "remove", clip::kRemove, from);
  add_matte(mattes, instance, "affected", clip::kAffected, instance.choice(param::kAffectedFrom, time));
  if (mattes.empty())
    throw OrderError("Nothing is to be removed: connect a matte to the input Remove, or set Remove matte from to "
                     "Source alpha.");
  add_matte(mattes, instance, "ignore", clip::kHoldOut, instance.choice(param::kHoldOutFrom, time));
  return mattes;
}

Message settings_of(const Instance& instance, OfxTime time) {
  Message begin;
  begin.set("type", "begin");
  begin.set("folder", instance.text(param::kFolder, time));
  begin.set("version", instance.integer(param::kVersion, time));
  const std::string engine = instance.choice(param::kEngine, time);
  begin.set("engine", engine.empty() ? instance.text(param::kEngineName, time) : engine);
  begin.set("quality", instance.choice(param::kQuality, time));
  begin.set("prompt", instance.text(param::kPrompt, time));
  begin.set("scale", instance.choice(param::kScale, time));
  begin.set("colour_space", instance.text(param::kColourSpace, time));
  if (instance.integer(param::kGrowAuto, time) != 0)
    begin.set("grow", "auto");
  else
    begin.set("grow", instance.number(param::kGrow, time));
  begin.set("soften", instance.number(param::kSoften, time));
  begin.set("seed", instance.integer(param::kSeed, time));
  begin.set("option.propagation.motion", instance.choice(param::kMotion, time));
  begin.set("option.propagation.sources", instance.choice(param::kSources, time));
  begin.set("option.propagation.fill", instance.choice(param::kFill, time));
  begin.set("option.propagation.grain", instance.number(param::kGrain, time));
  begin.set("options", instance.text(param::kEngineOptions, time));
  return begin;
}

// What is asked of a proposal depends on nothing that is set for the removal.
Message proposal_settings_of(const Instance& instance, OfxTime time) {
  Message begin;
  begin.set("type", "begin");
  begin.set("task", "propose");
  begin.set("name", "proposal");
  begin.set("folder", instance.text(param::kFolder, time));
  begin.set("colour_space", instance.text(param::kColourSpace, time));
  begin.set("seed", instance.integer(param::kSeed, time));
  return begin;
}

void add_proposal(Message& begin, const Instance& instance, OfxTime time) {
  if (instance.integer(param::kUseProposal, time) == 0) return;
  const std::string proposal = instance.text(param::kProposal, time);
  if (proposal.empty())
    throw OrderError("Nothing has been proposed yet. Press Propose affected, or switch Use proposal off.");
  begin.set("proposal", proposal);
  begin.set("proposal_grow", instance.number(param::kProposalGrow, time));
}

}  // namespace

Order read_order(const Instance& instance, OfxTime time, Task task) {
  const Clip plate(instance.effect(), clip::kSource);
  if (!plate.is_connected()) throw OrderError("Connect a plate to the input Source.");
  Order order;
  order.mattes = mattes_of(instance, time);
  order.frames = frames_of(instance, plate, time);
  const double aspect = Properties(plate.properties()).number(kOfxImagePropPixelAspectRatio, 1.0);
  order.pixel_aspect = aspect > 0 ? aspect : 1.0;
  order.box = box_of(instance, plate, order.frames, order.pixel_aspect);
  order.settings = task == Task::kPropose ? proposal_settings_of(instance, time) : settings_of(instance, time);
  Message& begin = order.settings;
  if (task == Task::kRemove) add_proposal(begin, instance, time);
  begin.set("first", order.frames.front());
  begin.set("last", order.frames.back());
  begin.set("x1", order.box.x1);
  begin.set("y1", order.box.y1);
  begin.set("x2", order.box.x2);
  begin.set("y2", order.box.y2);
  begin.set("pixel_aspect", order.pixel_aspect);
  begin.set("fps", Properties(plate.properties()).number(kOfxImageEffectPropFrameRate, 0.0));
  const std::string kind = Properties(plate.properties()).text(kOfxImageEffectPropPreMultiplication);
  begin.set("premultiplied", kind == kOfxImagePreMultiplied ? 1 : 0);
  return order;
}

}  // namespace void_ofx
