#include "render.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "compose.h"
#include "finished_frame.h"
#include "host.h"
#include "image.h"
#include "names.h"
#include "status.h"

namespace void_ofx {

namespace {

// Around what was replaced the bridge hands over 16 lines more. Where a pixel is larger than that it would show what is
// beyond them.
constexpr double kSmallestOfLines = 1.0 / 16;

// What the effect shows at a time, as its parameters say.
struct Wish {
  std::string record, folder, show, missing;
};

Wish wish_of(const Instance& instance, OfxTime time) {
  const std::string show = instance.choice(param::kShow, time);
  const char* const kept = show == "proposal" ? param::kProposal : param::kRecord;
  return {instance.text(kept, time), instance.text(param::kFolder, time), show,
          instance.choice(param::kMissing, time)};
}

bool shows_plate(const Wish& wish) { return wish.record.empty() || wish.show == "plate"; }

bool fails_on_missing(const Wish& wish) {
  return wish.missing == "always" || (wish.missing == "background" && host().is_background);
}

// What is written.
struct Target {
  OfxRectI window;
  Rows rows;
  double scale_x, scale_y;
};

// The second field of a frame is half a frame later.
int frame_of(OfxTime time, Rows rows) {
  return static_cast<int>(rows == Rows::kAll ? std::lround(time) : std::lround(std::floor(time + 1e-3)));
}

Rows rows_of(const std::string& field) {
  if (field == kOfxImageFieldLower) return Rows::kEven;
  return field == kOfxImageFieldUpper ? Rows::kOdd : Rows::kAll;
}

// Tells why a frame cannot be shown, once, and whether the render fails for it.
OfxStatus without_frame(Instance& instance, const Wish& wish, const std::string& why) {
  const bool is_failure = fails_on_missing(wish);
  instance.show_message(is_failure ? kOfxMessageError : kOfxMessageWarning,
                        why + (is_failure ? "" : " The plate is shown."));
  return is_failure ? kOfxStatFailed : kOfxStatOK;
}

Mix mix_of(const Wish& wish) {
  if (wish.show == "result") return Mix::kResult;
  if (wish.show == "proposal") return Mix::kTint;
  return wish.show == "difference" ? Mix::kDifference : Mix::kPlain;
}

OfxStatus lay_over(Instance& instance, const Wish& wish, OfxTime time, const Image& output, const Target& target) {
  const auto is_wanted = [&instance] { return !instance.is_aborted(); };
  const Mix mix = mix_of(wish);
  try {
    // The difference is made here, of the plate and the result.
    const std::string show = wish.show == "difference" ? "result" : wish.show;
    const FinishedFrame frame(wish.record, wish.folder, frame_of(time, target.rows), show,
                              std::min(target.scale_x, target.scale_y) < kSmallestOfLines, is_wanted);
    follow(instance, frame.session(), wish.record, wish.folder);
    if (frame.is_ready()) {
      compose(frame.answer(), mix, output.picture(), target.window, target.scale_x, target.scale_y, target.rows);
      instance.show_message(kOfxMessageMessage, "");
      return kOfxStatOK;
    }
    if (frame.state() == "outside") {
      instance.show_message(kOfxMessageMessage, "");
      return kOfxStatOK;
    }
    return without_frame(instance, wish, frame.text().empty() ? "This frame is not there yet." : frame.text());
  } catch (const NotWanted&) {
    return kOfxStatOK;  // The host throws this picture away.
  } catch (const BridgeError& error) {
    return without_frame(instance, wish, std::string(error.what()) + ".");
  }
}

}  // namespace

OfxStatus render(Instance& instance, const Properties& arguments) {
  const OfxTime time = arguments.number(kOfxPropTime, 0);
  int window[4];
  if (!arguments.integers(kOfxImageEffectPropRenderWindow, 4, window)) return kOfxStatErrBadHandle;
  double scale[2] = {1, 1};
  if (!arguments.numbers(kOfxImageEffectPropRenderScale, 2, scale) || scale[0] <= 0 || scale[1] <= 0)
    scale[0] = scale[1] = 1;
  const Target target{{window[0], window[1], window[2], window[3]},
                      rows_of(arguments.text(kOfxImageEffectPropFieldToRender)),
                      scale[0],
                      scale[1]};

  const Image output(Clip(instance.effect(), clip::kOutput), time, nullptr);
  if (!output.is_there()) return instance.is_aborted() ? kOfxStatOK : kOfxStatErrImageFormat;
  {
    // The plate is copied first and let go: it is the result wherever nothing is replaced.
    const Image plate(Clip(instance.effect(), clip::kSource), time, nullptr);
    copy_pixels(plate.picture(), output.picture(), target.window, target.rows);
  }
  const Wish wish = wish_of(instance, time);
  if (shows_plate(wish)) {
    instance.show_message(kOfxMessageMessage, "");
    return kOfxStatOK;
  }
  return lay_over(instance, wish, time, output, target);
}

OfxStatus is_identity(const Instance& instance, const Properties& arguments, const Properties& answers) {
  const OfxTime time = arguments.number(kOfxPropTime, 0);
  if (!shows_plate(wish_of(instance, time))) return kOfxStatReplyDefault;
  answers.set(kOfxPropName, clip::kSource);
  answers.set(kOfxPropTime, time);
  return kOfxStatOK;
}

OfxStatus region_of_definition(const Instance& instance, const Properties& arguments, const Properties& answers) {
  // The plate's region: mattes may be larger, and the result is never.
  OfxRectD region;
  if (!Clip(instance.effect(), clip::kSource).region(arguments.number(kOfxPropTime, 0), region))
    return kOfxStatReplyDefault;
  answers.set_numbers(kOfxImageEffectPropRegionOfDefinition, {region.x1, region.y1, region.x2, region.y2});
  return kOfxStatOK;
}

OfxStatus clip_preferences(const Instance& instance, const Properties& answers) {
  // A still plate has a result that changes from frame to frame, and frames come in one by one.
  answers.set(kOfxImageEffectFrameVarying, 1);
  const Clip source(instance.effect(), clip::kSource);
  if (!source.is_connected()) return kOfxStatOK;
  const Properties plate(source.properties());
  const std::string components = plate.text(kOfxImageEffectPropComponents);
  const std::string depth = plate.text(kOfxImageEffectPropPixelDepth);
  const Properties said(host().given->host);
  if (!components.empty()) answers.set("OfxImageClipPropComponents_Output", components);
  if (!depth.empty() && said.integer(kOfxImageEffectPropSupportsMultipleClipDepths, 0) != 0)
    answers.set("OfxImageClipPropDepth_Output", depth);
  return kOfxStatOK;
}

}  // namespace void_ofx
