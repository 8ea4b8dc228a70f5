// The part of the OpenFX image-effect interface (API 1.5) that this plug-in uses: names, values, layouts.
//
// Written from a table of the interface. tests/unit/openfx/test_header.py holds it against that table, so every
// constant keeps the interface's own name, and every suite lists its functions in the interface's order.
#pragma once

#include <cstddef>

extern "C" {

// Statuses.
using OfxStatus = int;
constexpr OfxStatus kOfxStatOK = 0;
constexpr OfxStatus kOfxStatFailed = 1;
constexpr OfxStatus kOfxStatErrUnknown = 3;
constexpr OfxStatus kOfxStatErrMissingHostFeature = 4;
constexpr OfxStatus kOfxStatErrMemory = 8;
constexpr OfxStatus kOfxStatErrBadHandle = 9;
constexpr OfxStatus kOfxStatReplyNo = 13;
constexpr OfxStatus kOfxStatReplyDefault = 14;
constexpr OfxStatus kOfxStatErrImageFormat = 1000;

// Small types. The second corner of a rectangle lies outside it.
using OfxTime = double;
struct OfxRectI {
  int x1, y1, x2, y2;
};
struct OfxRectD {
  double x1, y1, x2, y2;
};

// Handles: each is a pointer to something that only the host knows.
using OfxPropertySetHandle = struct OfxPropertySetStruct*;
using OfxImageEffectHandle = struct OfxImageEffectStruct*;
using OfxImageClipHandle = struct OfxImageClip*;
using OfxImageMemoryHandle = struct OfxImageMemory*;
using OfxParamSetHandle = struct OfxParamSetStruct*;
using OfxParamHandle = struct OfxParamStruct*;

using OfxPluginEntryPoint = OfxStatus(const char* action, const void* handle, OfxPropertySetHandle in_args,
                                      OfxPropertySetHandle out_args);

struct OfxHost {
  OfxPropertySetHandle host;
  const void* (*fetchSuite)(OfxPropertySetHandle host, const char* name, int version);
};

struct OfxPlugin {
  const char* pluginApi;
  int apiVersion;
  const char* pluginIdentifier;
  unsigned int pluginVersionMajor;
  unsigned int pluginVersionMinor;
  void (*setHost)(OfxHost* host);
  OfxPluginEntryPoint* mainEntry;
};

struct OfxPropertySuiteV1 {
  OfxStatus (*propSetPointer)(OfxPropertySetHandle, const char* name, int index, void* value);
  OfxStatus (*propSetString)(OfxPropertySetHandle, const char* name, int index, const char* value);
  OfxStatus (*propSetDouble)(OfxPropertySetHandle, const char* name, int index, double value);
  OfxStatus (*propSetInt)(OfxPropertySetHandle, const char* name, int index, int value);
  OfxStatus (*propSetPointerN)(OfxPropertySetHandle, const char* name, int count, void* const* values);
  OfxStatus (*propSetStringN)(OfxPropertySetHandle, const char* name, int count, const char* const* values);
  OfxStatus (*propSetDoubleN)(OfxPropertySetHandle, const char* name, int count, const double* values);
  OfxStatus (*propSetIntN)(OfxPropertySetHandle, const char* name, int count, const int* values);
  OfxStatus (*propGetPointer)(OfxPropertySetHandle, const char* name, int index, void** value);
  OfxStatus (*propGetString)(OfxPropertySetHandle, const char* name, int index, char** value);
  OfxStatus (*propGetDouble)(OfxPropertySetHandle, const char* name, int index, double* value);
  OfxStatus (*propGetInt)(OfxPropertySetHandle, const char* name, int index, int* value);
  OfxStatus (*propGetPointerN)(OfxPropertySetHandle, const char* name, int count, void** values);
  OfxStatus (*propGetStringN)(OfxPropertySetHandle, const char* name, int count, char** values);
  OfxStatus (*propGetDoubleN)(OfxPropertySetHandle, const char* name, int count, double* values);
  OfxStatus (*propGetIntN)(OfxPropertySetHandle, const char* name, int count, int* values);
  OfxStatus (*propReset)(OfxPropertySetHandle, const char* name);
  OfxStatus (*propGetDimension)(OfxPropertySetHandle, const char* name, int* count);
};

struct OfxImageEffectSuiteV1 {
  OfxStatus (*getPropertySet)(OfxImageEffectHandle, OfxPropertySetHandle* properties);
  OfxStatus (*getParamSet)(OfxImageEffectHandle, OfxParamSetHandle* params);
  OfxStatus (*clipDefine)(OfxImageEffectHandle, const char* name, OfxPropertySetHandle* properties);
  OfxStatus (*clipGetHandle)(OfxImageEffectHandle, const char* name, OfxImageClipHandle* clip,
                             OfxPropertySetHandle* properties);
  OfxStatus (*clipGetPropertySet)(OfxImageClipHandle, OfxPropertySetHandle* properties);
  OfxStatus (*clipGetImage)(OfxImageClipHandle, OfxTime, const OfxRectD* region, OfxPropertySetHandle* image);
  OfxStatus (*clipReleaseImage)(OfxPropertySetHandle image);
  OfxStatus (*clipGetRegionOfDefinition)(OfxImageClipHandle, OfxTime, OfxRectD* region);
  int (*abort)(OfxImageEffectHandle);
  OfxStatus (*imageMemoryAlloc)(OfxImageEffectHandle, size_t bytes, OfxImageMemoryHandle* memory);
  OfxStatus (*imageMemoryFree)(OfxImageMemoryHandle);
  OfxStatus (*imageMemoryLock)(OfxImageMemoryHandle, void** address);
  OfxStatus (*imageMemoryUnlock)(OfxImageMemoryHandle);
};

struct OfxParameterSuiteV1 {
  OfxStatus (*paramDefine)(OfxParamSetHandle, const char* type, const char* name, OfxPropertySetHandle* properties);
  OfxStatus (*paramGetHandle)(OfxParamSetHandle, const char* name, OfxParamHandle* param,
                              OfxPropertySetHandle* properties);
  OfxStatus (*paramSetGetPropertySet)(OfxParamSetHandle, OfxPropertySetHandle* properties);
  OfxStatus (*paramGetPropertySet)(OfxParamHandle, OfxPropertySetHandle* properties);
  OfxStatus (*paramGetValue)(OfxParamHandle, ...);
  OfxStatus (*paramGetValueAtTime)(OfxParamHandle, OfxTime, ...);
  OfxStatus (*paramGetDerivative)(OfxParamHandle, OfxTime, ...);
  OfxStatus (*paramGetIntegral)(OfxParamHandle, OfxTime, OfxTime, ...);
  OfxStatus (*paramSetValue)(OfxParamHandle, ...);
  OfxStatus (*paramSetValueAtTime)(OfxParamHandle, OfxTime, ...);
  OfxStatus (*paramGetNumKeys)(OfxParamHandle, unsigned int* count);
  OfxStatus (*paramGetKeyTime)(OfxParamHandle, unsigned int nth, OfxTime* time);
  OfxStatus (*paramGetKeyIndex)(OfxParamHandle, OfxTime, int direction, int* index);
  OfxStatus (*paramDeleteKey)(OfxParamHandle, OfxTime);
  OfxStatus (*paramDeleteAllKeys)(OfxParamHandle);
  OfxStatus (*paramCopy)(OfxParamHandle to, OfxParamHandle from, OfxTime offset, const void* range);
  OfxStatus (*paramEditBegin)(OfxParamSetHandle, const char* label);
  OfxStatus (*paramEditEnd)(OfxParamSetHandle);
};

// Version 1 ends after `message`.
struct OfxMessageSuiteV2 {
  OfxStatus (*message)(void* instance, const char* type, const char* id, const char* format, ...);
  OfxStatus (*setPersistentMessage)(void* instance, const char* type, const char* id, const char* format, ...);
  OfxStatus (*clearPersistentMessage)(void* instance);
};

struct OfxProgressSuiteV1 {
  OfxStatus (*progressStart)(void* instance, const char* label);
  OfxStatus (*progressUpdate)(void* instance, double progress);
  OfxStatus (*progressEnd)(void* instance);
};

struct OfxProgressSuiteV2 {
  OfxStatus (*progressStart)(void* instance, const char* label, const char* id);
  OfxStatus (*progressUpdate)(void* instance, double progress);
  OfxStatus (*progressEnd)(void* instance);
};

}  // extern "C"

// Suites.
constexpr const char* kOfxPropertySuite = "OfxPropertySuite";
constexpr const char* kOfxImageEffectSuite = "OfxImageEffectSuite";
constexpr const char* kOfxParameterSuite = "OfxParameterSuite";
constexpr const char* kOfxMessageSuite = "OfxMessageSuite";
constexpr const char* kOfxProgressSuite = "OfxProgressSuite";

// Actions.
constexpr const char* kOfxActionLoad = "OfxActionLoad";
constexpr const char* kOfxActionUnload = "OfxActionUnload";
constexpr const char* kOfxActionDescribe = "OfxActionDescribe";
constexpr const char* kOfxActionCreateInstance = "OfxActionCreateInstance";
constexpr const char* kOfxActionDestroyInstance = "OfxActionDestroyInstance";
constexpr const char* kOfxActionInstanceChanged = "OfxActionInstanceChanged";
constexpr const char* kOfxImageEffectActionDescribeInContext = "OfxImageEffectActionDescribeInContext";
constexpr const char* kOfxImageEffectActionGetRegionOfDefinition = "OfxImageEffectActionGetRegionOfDefinition";
constexpr const char* kOfxImageEffectActionGetClipPreferences = "OfxImageEffectActionGetClipPreferences";
constexpr const char* kOfxImageEffectActionIsIdentity = "OfxImageEffectActionIsIdentity";
constexpr const char* kOfxImageEffectActionRender = "OfxImageEffectActionRender";

// Objects, reasons of a change, and properties of anything.
constexpr const char* kOfxChangeUserEdited = "OfxChangeUserEdited";
constexpr const char* kOfxChangePluginEdited = "OfxChangePluginEdited";
constexpr const char* kOfxTypeParameter = "OfxTypeParameter";
constexpr const char* kOfxPropName = "OfxPropName";
constexpr const char* kOfxPropType = "OfxPropType";
constexpr const char* kOfxPropLabel = "OfxPropLabel";
constexpr const char* kOfxPropShortLabel = "OfxPropShortLabel";
constexpr const char* kOfxPropLongLabel = "OfxPropLongLabel";
constexpr const char* kOfxPropVersionLabel = "OfxPropVersionLabel";
constexpr const char* kOfxPropPluginDescription = "OfxPropPluginDescription";
constexpr const char* kOfxPropTime = "OfxPropTime";
constexpr const char* kOfxPropChangeReason = "OfxPropChangeReason";
constexpr const char* kOfxPropInstanceData = "OfxPropInstanceData";

// Contexts.
constexpr const char* kOfxImageEffectPluginApi = "OfxImageEffectPluginAPI";
constexpr const char* kOfxImageEffectContextFilter = "OfxImageEffectContextFilter";
constexpr const char* kOfxImageEffectContextGeneral = "OfxImageEffectContextGeneral";

// Depths, components, premultiplication.
constexpr const char* kOfxBitDepthByte = "OfxBitDepthByte";
constexpr const char* kOfxBitDepthShort = "OfxBitDepthShort";
constexpr const char* kOfxBitDepthHalf = "OfxBitDepthHalf";
constexpr const char* kOfxBitDepthFloat = "OfxBitDepthFloat";
constexpr const char* kOfxImageComponentRGBA = "OfxImageComponentRGBA";
constexpr const char* kOfxImageComponentRGB = "OfxImageComponentRGB";
constexpr const char* kOfxImageComponentAlpha = "OfxImageComponentAlpha";
constexpr const char* kOfxImagePreMultiplied = "OfxImageAlphaPremultiplied";

// What the plug-in says of itself.
constexpr const char* kOfxImageEffectPluginPropGrouping = "OfxImageEffectPluginPropGrouping";
constexpr const char* kOfxImageEffectPropSupportedContexts = "OfxImageEffectPropSupportedContexts";
constexpr const char* kOfxImageEffectPropSupportedPixelDepths = "OfxImageEffectPropSupportedPixelDepths";
constexpr const char* kOfxImageEffectPluginRenderThreadSafety = "OfxImageEffectPluginRenderThreadSafety";
constexpr const char* kOfxImageEffectRenderFullySafe = "OfxImageEffectRenderFullySafe";
constexpr const char* kOfxImageEffectPluginPropHostFrameThreading = "OfxImageEffectPluginPropHostFrameThreading";
constexpr const char* kOfxImageEffectPluginPropSingleInstance = "OfxImageEffectPluginPropSingleInstance";
constexpr const char* kOfxImageEffectPluginPropFieldRenderTwiceAlways =
    "OfxImageEffectPluginPropFieldRenderTwiceAlways";
constexpr const char* kOfxImageEffectPluginPropOverlayInteractV1 = "OfxImageEffectPluginPropOverlayInteractV1";
constexpr const char* kOfxImageEffectPropSupportsMultiResolution = "OfxImageEffectPropSupportsMultiResolution";
constexpr const char* kOfxImageEffectPropSupportsTiles = "OfxImageEffectPropSupportsTiles";
constexpr const char* kOfxImageEffectPropTemporalClipAccess = "OfxImageEffectPropTemporalClipAccess";
constexpr const char* kOfxImageEffectPropSupportsMultipleClipDepths = "OfxImageEffectPropMultipleClipDepths";
constexpr const char* kOfxImageEffectPropSupportsMultipleClipPARs = "OfxImageEffectPropSupportsMultipleClipPARs";

// The host, clips, images and arguments of actions.
constexpr const char* kOfxImageEffectPropSupportsOverlays = "OfxImageEffectPropSupportsOverlays";
constexpr const char* kOfxImageEffectHostPropIsBackground = "OfxImageEffectHostPropIsBackground";
constexpr const char* kOfxImageEffectPropSupportedComponents = "OfxImageEffectPropSupportedComponents";
constexpr const char* kOfxImageClipPropOptional = "OfxImageClipPropOptional";
constexpr const char* kOfxImageClipPropIsMask = "OfxImageClipPropIsMask";
constexpr const char* kOfxImageClipPropFieldExtraction = "OfxImageClipPropFieldExtraction";
constexpr const char* kOfxImageFieldBoth = "OfxFieldBoth";
constexpr const char* kOfxImageFieldLower = "OfxFieldLower";
constexpr const char* kOfxImageFieldUpper = "OfxFieldUpper";
constexpr const char* kOfxImageEffectPropFieldToRender = "OfxImageEffectPropFieldToRender";
constexpr const char* kOfxImageClipPropConnected = "OfxImageClipPropConnected";
constexpr const char* kOfxImageEffectPropComponents = "OfxImageEffectPropComponents";
constexpr const char* kOfxImageEffectPropPixelDepth = "OfxImageEffectPropPixelDepth";
constexpr const char* kOfxImageEffectPropPreMultiplication = "OfxImageEffectPropPreMultiplication";
constexpr const char* kOfxImageEffectPropFrameRange = "OfxImageEffectPropFrameRange";
constexpr const char* kOfxImageEffectPropFrameRate = "OfxImageEffectPropFrameRate";
constexpr const char* kOfxImagePropData = "OfxImagePropData";
constexpr const char* kOfxImagePropBounds = "OfxImagePropBounds";
constexpr const char* kOfxImagePropRowBytes = "OfxImagePropRowBytes";
constexpr const char* kOfxImagePropPixelAspectRatio = "OfxImagePropPixelAspectRatio";
constexpr const char* kOfxImageEffectPropRenderScale = "OfxImageEffectPropRenderScale";
constexpr const char* kOfxImageEffectPropRenderWindow = "OfxImageEffectPropRenderWindow";
constexpr const char* kOfxImageEffectPropProjectSize = "OfxImageEffectPropProjectSize";
constexpr const char* kOfxImageEffectPropProjectOffset = "OfxImageEffectPropProjectOffset";
constexpr const char* kOfxImageEffectPropRegionOfDefinition = "OfxImageEffectPropRegionOfDefinition";
constexpr const char* kOfxImageEffectFrameVarying = "OfxImageEffectFrameVarying";

// Parameters.
constexpr const char* kOfxParamTypeInteger = "OfxParamTypeInteger";
constexpr const char* kOfxParamTypeDouble = "OfxParamTypeDouble";
constexpr const char* kOfxParamTypeBoolean = "OfxParamTypeBoolean";
constexpr const char* kOfxParamTypeChoice = "OfxParamTypeChoice";
constexpr const char* kOfxParamTypeString = "OfxParamTypeString";
constexpr const char* kOfxParamTypePushButton = "OfxParamTypePushButton";
constexpr const char* kOfxParamTypeGroup = "OfxParamTypeGroup";
constexpr const char* kOfxParamPropDefault = "OfxParamPropDefault";
constexpr const char* kOfxParamPropMin = "OfxParamPropMin";
constexpr const char* kOfxParamPropMax = "OfxParamPropMax";
constexpr const char* kOfxParamPropDisplayMin = "OfxParamPropDisplayMin";
constexpr const char* kOfxParamPropDisplayMax = "OfxParamPropDisplayMax";
constexpr const char* kOfxParamPropHint = "OfxParamPropHint";
constexpr const char* kOfxParamPropScriptName = "OfxParamPropScriptName";
constexpr const char* kOfxParamPropParent = "OfxParamPropParent";
constexpr const char* kOfxParamPropGroupOpen = "OfxParamPropGroupOpen";
constexpr const char* kOfxParamPropChoiceOption = "OfxParamPropChoiceOption";
constexpr const char* kOfxParamPropStringMode = "OfxParamPropStringMode";
constexpr const char* kOfxParamStringIsSingleLine = "OfxParamStringIsSingleLine";
constexpr const char* kOfxParamStringIsMultiLine = "OfxParamStringIsMultiLine";
constexpr const char* kOfxParamStringIsDirectoryPath = "OfxParamStringIsDirectoryPath";
constexpr const char* kOfxParamPropStringFilePathExists = "OfxParamPropStringFilePathExists";
constexpr const char* kOfxParamPropAnimates = "OfxParamPropAnimates";
constexpr const char* kOfxParamPropEnabled = "OfxParamPropEnabled";
constexpr const char* kOfxParamPropSecret = "OfxParamPropSecret";
constexpr const char* kOfxParamPropPersistant = "OfxParamPropPersistant";
constexpr const char* kOfxParamPropEvaluateOnChange = "OfxParamPropEvaluateOnChange";
constexpr const char* kOfxParamPropCanUndo = "OfxParamPropCanUndo";
constexpr const char* kOfxParamPropCacheInvalidation = "OfxParamPropCacheInvalidation";
constexpr const char* kOfxParamInvalidateAll = "OfxParamInvalidateAll";

// What the pointer does over a viewer.
constexpr const char* kOfxPropEffectInstance = "OfxPropEffectInstance";
constexpr const char* kOfxInteractActionPenMotion = "OfxInteractActionPenMotion";
constexpr const char* kOfxInteractActionGainFocus = "OfxInteractActionGainFocus";

// Messages.
constexpr const char* kOfxMessageError = "OfxMessageError";
constexpr const char* kOfxMessageWarning = "OfxMessageWarning";
constexpr const char* kOfxMessageMessage = "OfxMessageMessage";

// Resolve and Fusion name a clip's source file on its images. This is theirs, not the interface's.
constexpr const char* kResolvePropSrcFilePath = "OfxImageEffectPropSrcFilePath";
