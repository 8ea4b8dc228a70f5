#include "describe.h"

#include "host.h"
#include "interact.h"
#include "names.h"
#include "param_table.h"
#include "properties.h"
#include "version.h"

namespace void_ofx {

namespace {

Properties properties_of(OfxImageEffectHandle descriptor) {
  OfxPropertySetHandle set = nullptr;
  host().effects->getPropertySet(descriptor, &set);
  return Properties(set);
}

OfxStatus define_clip(OfxImageEffectHandle descriptor, const char* name, const char* label, bool is_matte) {
  OfxPropertySetHandle set = nullptr;
  const OfxStatus status = host().effects->clipDefine(descriptor, name, &set);
  if (status != kOfxStatOK) return status;
  const Properties clip(set);
  clip.set(kOfxPropLabel, label);
  clip.set(kOfxImageClipPropFieldExtraction, kOfxImageFieldBoth);  // Interlaced frames come as they are, both fields.
  clip.set_all(kOfxImageEffectPropSupportedComponents,
               {kOfxImageComponentRGBA, kOfxImageComponentRGB, kOfxImageComponentAlpha});
  clip.set(kOfxImageEffectPropTemporalClipAccess, 1);
  clip.set(kOfxImageEffectPropSupportsTiles, 1);
  clip.set(kOfxImageClipPropOptional, is_matte ? 1 : 0);
  clip.set(kOfxImageClipPropIsMask, 0);  // A mask clip has one channel only, and a luminance would be lost.
  return kOfxStatOK;
}

const char* type_of(Kind kind) {
  switch (kind) {
    case Kind::kGroup:
      return kOfxParamTypeGroup;
    case Kind::kButton:
      return kOfxParamTypePushButton;
    case Kind::kChoice:
      return kOfxParamTypeChoice;
    case Kind::kInteger:
      return kOfxParamTypeInteger;
    case Kind::kNumber:
      return kOfxParamTypeDouble;
    case Kind::kSwitch:
      return kOfxParamTypeBoolean;
    case Kind::kText:
    case Kind::kLines:
    case Kind::kFolder:
      break;
  }
  return kOfxParamTypeString;
}

void describe_range(const Properties& param, const ParamRow& row) {
  const auto set = [&param, &row](const char* name, double value) {
    if (row.kind == Kind::kInteger)
      param.set(name, static_cast<int>(value));
    else
      param.set(name, value);
  };
  set(kOfxParamPropDefault, row.start);
  set(kOfxParamPropMin, row.low);
  set(kOfxParamPropMax, row.high);
  set(kOfxParamPropDisplayMin, row.shown_low);
  set(kOfxParamPropDisplayMax, row.shown_high);
}

void describe_text(const Properties& param, const ParamRow& row) {
  const char* mode = kOfxParamStringIsSingleLine;
  if (row.kind == Kind::kLines) mode = kOfxParamStringIsMultiLine;
  if (row.kind == Kind::kFolder) {
    mode = kOfxParamStringIsDirectoryPath;
    param.set(kOfxParamPropStringFilePathExists, 0);
  }
  param.set(kOfxParamPropStringMode, mode);
  param.set(kOfxParamPropDefault, "");
}

OfxStatus define_param(OfxParamSetHandle params, const ParamRow& row) {
  OfxPropertySetHandle set = nullptr;
  const OfxStatus status = host().params->paramDefine(params, type_of(row.kind), row.name, &set);
  if (status != kOfxStatOK) return status;
  const Properties param(set);
  param.set(kOfxPropLabel, row.label);
  param.set(kOfxPropShortLabel, row.label);
  param.set(kOfxPropLongLabel, row.label);
  param.set(kOfxParamPropHint, row.hint);
  param.set(kOfxParamPropScriptName, row.name);
  if (row.parent != nullptr) param.set(kOfxParamPropParent, row.parent);
  if (row.kind == Kind::kGroup) {
    param.set(kOfxParamPropGroupOpen, row.open ? 1 : 0);
    return kOfxStatOK;
  }
  if (row.hidden) param.set(kOfxParamPropSecret, 1);
  if (row.read_only) param.set(kOfxParamPropEnabled, 0);
  if (row.kind == Kind::kButton) return kOfxStatOK;
  param.set(kOfxParamPropAnimates, 0);
  param.set(kOfxParamPropEvaluateOnChange, row.redraw == Redraw::kAlways ? 1 : 0);
  param.set(kOfxParamPropPersistant, row.kept ? 1 : 0);
  if (row.redraw == Redraw::kAlways) param.set(kOfxParamPropCacheInvalidation, kOfxParamInvalidateAll);
  if (!row.undoable) param.set(kOfxParamPropCanUndo, 0);
  switch (row.kind) {
    case Kind::kChoice: {
      int index = 0;
      for (const Option& option : row.options) param.set(kOfxParamPropChoiceOption, option.label, index++);
      const bool is_other = host().shows_phantom_inputs() && row.start_with_phantoms >= 0;
      param.set(kOfxParamPropDefault, is_other ? row.start_with_phantoms : static_cast<int>(row.start));
      break;
    }
    case Kind::kSwitch:
      param.set(kOfxParamPropDefault, static_cast<int>(row.start));
      break;
    case Kind::kInteger:
    case Kind::kNumber:
      describe_range(param, row);
      break;
    default:
      describe_text(param, row);
  }
  return kOfxStatOK;
}

}  // namespace

OfxStatus describe(OfxImageEffectHandle descriptor) {
  const Properties effect = properties_of(descriptor);
  effect.set(kOfxPropLabel, "VOID Remove");
  effect.set(kOfxPropShortLabel, "VOID Remove");
  effect.set(kOfxPropLongLabel, "VOID Remove");
  effect.set(kOfxPropVersionLabel, kVersionText);
  effect.set(kOfxPropPluginDescription,
             "Removes an object together with what it did to the scene. Feed the plate and a matte of what goes, and "
             "press Remove: the removal runs behind, and each finished frame takes the plate's place.");
  effect.set(kOfxImageEffectPluginPropGrouping, "VOID");
  effect.set_all(kOfxImageEffectPropSupportedContexts, {kOfxImageEffectContextFilter, kOfxImageEffectContextGeneral});
  effect.set_all(kOfxImageEffectPropSupportedPixelDepths,
                 {kOfxBitDepthFloat, kOfxBitDepthHalf, kOfxBitDepthShort, kOfxBitDepthByte});
  effect.set(kOfxImageEffectPluginRenderThreadSafety, kOfxImageEffectRenderFullySafe);
  effect.set(kOfxImageEffectPluginPropHostFrameThreading, 0);
  effect.set(kOfxImageEffectPluginPropSingleInstance, 0);
  effect.set(kOfxImageEffectPluginPropFieldRenderTwiceAlways, 0);
  effect.set(kOfxImageEffectPropSupportsMultiResolution, 1);
  effect.set(kOfxImageEffectPropSupportsTiles, 1);
  effect.set(kOfxImageEffectPropTemporalClipAccess, 1);
  effect.set(kOfxImageEffectPropSupportsMultipleClipDepths, 1);
  effect.set(kOfxImageEffectPropSupportsMultipleClipPARs, 0);
  // A pointer that moves over a viewer is when hosts without a clock let an effect change its parameters.
  if (host().has_overlays())
    effect.set(kOfxImageEffectPluginPropOverlayInteractV1, reinterpret_cast<void*>(&interact_entry));
  return kOfxStatOK;
}

OfxStatus describe_in_context(OfxImageEffectHandle descriptor) {
  OfxStatus status = define_clip(descriptor, clip::kSource, "Source", false);
  if (status == kOfxStatOK) status = define_clip(descriptor, clip::kRemove, "Remove", true);
  if (status == kOfxStatOK) status = define_clip(descriptor, clip::kAffected, "Affected", true);
  if (status == kOfxStatOK) status = define_clip(descriptor, clip::kHoldOut, "Hold-out", true);
  if (status == kOfxStatOK) status = define_clip(descriptor, clip::kOutput, "Output", false);
  if (status != kOfxStatOK) return status;
  OfxParamSetHandle params = nullptr;
  status = host().effects->getParamSet(descriptor, &params);
  for (const ParamRow& row : param_table())
    if (status == kOfxStatOK) status = define_param(params, row);
  return status;
}

}  // namespace void_ofx
