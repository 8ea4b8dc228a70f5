"""Names, statuses and types of OpenFX 1.5: which property belongs to which object, and whether a plug-in
may set it.
"""

from __future__ import annotations

from dataclasses import dataclass

OK, FAILED, ERR_FATAL, ERR_UNKNOWN, ERR_MISSING_HOST_FEATURE, ERR_UNSUPPORTED = 0, 1, 2, 3, 4, 5
ERR_MEMORY, ERR_BAD_HANDLE, ERR_BAD_INDEX, ERR_VALUE, REPLY_YES, REPLY_NO, REPLY_DEFAULT = (
    8,
    9,
    10,
    11,
    12,
    13,
    14,
)
ERR_EXISTS = 6

LOAD, UNLOAD, DESCRIBE = "OfxActionLoad", "OfxActionUnload", "OfxActionDescribe"
DESCRIBE_IN_CONTEXT = "OfxImageEffectActionDescribeInContext"
CREATE, DESTROY = "OfxActionCreateInstance", "OfxActionDestroyInstance"
BEGIN_CHANGED, CHANGED = "OfxActionBeginInstanceChanged", "OfxActionInstanceChanged"
END_CHANGED = "OfxActionEndInstanceChanged"
PEN_MOTION, GAIN_FOCUS = "OfxInteractActionPenMotion", "OfxInteractActionGainFocus"
BEGIN_EDIT, END_EDIT = "OfxActionBeginInstanceEdit", "OfxActionEndInstanceEdit"
PURGE, SYNC = "OfxActionPurgeCaches", "OfxActionSyncPrivateData"
REGION_OF_DEFINITION = "OfxImageEffectActionGetRegionOfDefinition"
REGIONS_OF_INTEREST = "OfxImageEffectActionGetRegionsOfInterest"
TIME_DOMAIN = "OfxImageEffectActionGetTimeDomain"
FRAMES_NEEDED = "OfxImageEffectActionGetFramesNeeded"
CLIP_PREFERENCES = "OfxImageEffectActionGetClipPreferences"
IS_IDENTITY, RENDER = "OfxImageEffectActionIsIdentity", "OfxImageEffectActionRender"
BEGIN_RENDER, END_RENDER = (
    "OfxImageEffectActionBeginSequenceRender",
    "OfxImageEffectActionEndSequenceRender",
)

# Actions without an instance, and those that a plug-in must answer with OK.
PLAIN = frozenset({LOAD, UNLOAD, DESCRIBE, DESCRIBE_IN_CONTEXT})
NEEDS_OK = frozenset({DESCRIBE, DESCRIBE_IN_CONTEXT, RENDER})

USER, PLUGIN, TIME = "OfxChangeUserEdited", "OfxChangePluginEdited", "OfxChangeTime"

FILTER, GENERAL = "OfxImageEffectContextFilter", "OfxImageEffectContextGeneral"
BYTE, SHORT, HALF, FLOAT = "OfxBitDepthByte", "OfxBitDepthShort", "OfxBitDepthHalf", "OfxBitDepthFloat"
RGBA, RGB, ALPHA = "OfxImageComponentRGBA", "OfxImageComponentRGB", "OfxImageComponentAlpha"
NONE = "OfxImageComponentNone"
OPAQUE, PREMULTIPLIED, UNPREMULTIPLIED = (
    "OfxImageOpaque",
    "OfxImageAlphaPremultiplied",
    "OfxImageAlphaUnPremultiplied",
)
CHANNELS = {RGBA: 4, RGB: 3, ALPHA: 1, NONE: 0}

# How many values a parameter has, and whether they are whole numbers, floating-point numbers or text.
PARAM_TYPES: dict[str, tuple[int, str]] = {
    "OfxParamTypeInteger": (1, "int"),
    "OfxParamTypeDouble": (1, "double"),
    "OfxParamTypeBoolean": (1, "int"),
    "OfxParamTypeChoice": (1, "int"),
    "OfxParamTypeStrChoice": (1, "string"),
    "OfxParamTypeString": (1, "string"),
    "OfxParamTypeCustom": (1, "string"),
    "OfxParamTypePushButton": (0, "int"),
    "OfxParamTypeGroup": (0, "int"),
    "OfxParamTypePage": (0, "int"),
    "OfxParamTypeRGB": (3, "double"),
    "OfxParamTypeRGBA": (4, "double"),
    "OfxParamTypeDouble2D": (2, "double"),
    "OfxParamTypeDouble3D": (3, "double"),
    "OfxParamTypeInteger2D": (2, "int"),
    "OfxParamTypeInteger3D": (3, "int"),
}


@dataclass(frozen=True)
class Spec:
    """One property: its type, how many values it has (0: any number), and whether the plug-in may set it."""

    type: str
    count: int
    settable: bool


def _specs(text: str, *, settable: bool) -> dict[str, Spec]:
    """Read rows of `NAME TYPE COUNT`; a count of N stands for any number."""
    found = {}
    for line in text.split("\n"):
        if words := line.split():
            found[words[0]] = Spec(words[1], 0 if words[2] == "N" else int(words[2]), settable)
    return found


_LABELS = """
OfxPropLabel string 1
OfxPropShortLabel string 1
OfxPropLongLabel string 1
"""
_CAPABILITIES = """
OfxImageEffectPropSupportedContexts string N
OfxImageEffectPropSupportedPixelDepths string N
OfxImageEffectPropSupportsMultiResolution int 1
OfxImageEffectPropSupportsTiles int 1
OfxImageEffectPropTemporalClipAccess int 1
OfxImageEffectPropMultipleClipDepths int 1
OfxImageEffectPropSupportsMultipleClipPARs int 1
OfxImageEffectPropSupportsOverlays int 1
OfxImageEffectPropOpenGLRenderSupported string 1
OfxImageEffectPropCPURenderSupported string 1
"""

HOST = _specs(
    _LABELS
    + _CAPABILITIES
    + """
OfxPropAPIVersion int N
OfxPropType string 1
OfxPropName string 1
OfxPropVersion int N
OfxPropVersionLabel string 1
OfxPropHostOSHandle pointer 1
OfxImageEffectHostPropIsBackground int 1
OfxImageEffectHostPropNativeOrigin string 1
OfxImageEffectPropSupportedComponents string N
OfxImageEffectPropSetableFrameRate int 1
OfxImageEffectPropSetableFielding int 1
OfxImageEffectInstancePropSequentialRender int 1
OfxParamHostPropSupportsStringAnimation int 1
OfxParamHostPropSupportsChoiceAnimation int 1
OfxParamHostPropSupportsBooleanAnimation int 1
OfxParamHostPropSupportsCustomAnimation int 1
OfxParamHostPropSupportsCustomInteract int 1
OfxParamHostPropSupportsStrChoice int 1
OfxParamHostPropSupportsStrChoiceAnimation int 1
OfxParamHostPropSupportsParametricAnimation int 1
OfxImageEffectPropRenderQualityDraft int 1
OfxParamHostPropMaxParameters int 1
OfxParamHostPropMaxPages int 1
OfxParamHostPropPageRowColumnCount int 2
""",
    settable=False,
)

# Colour management of OpenFX 1.5. Nuke's panels are reported to break on it.
COLOUR = _specs(
    """
OfxImageEffectPropColourManagementStyle string 1
OfxImageEffectPropColourManagementAvailableConfigs string N
OfxImageClipPropPreferredColourspaces string N
""",
    settable=True,
)

EFFECT_DESCRIPTOR = {
    **_specs("OfxPropType string 1\nOfxPluginPropFilePath string 1", settable=False),
    **COLOUR,
    **_specs(
        _LABELS
        + _CAPABILITIES
        + """
OfxPropVersion int N
OfxPropVersionLabel string 1
OfxPropPluginDescription string 1
OfxPropIcon string 2
OfxImageEffectPluginPropGrouping string 1
OfxImageEffectPluginRenderThreadSafety string 1
OfxImageEffectPluginPropHostFrameThreading int 1
OfxImageEffectPluginPropSingleInstance int 1
OfxImageEffectPluginPropFieldRenderTwiceAlways int 1
OfxImageEffectInstancePropSequentialRender int 1
OfxImageEffectPropClipPreferencesSlaveParam string N
OfxImageEffectPluginPropOverlayInteractV1 pointer 1
OfxImageEffectPluginPropOverlayInteractV2 pointer 1
""",
        settable=True,
    ),
}

EFFECT = {
    **_specs(
        """
OfxPropType string 1
OfxImageEffectPropContext string 1
OfxImageEffectPropProjectSize double 2
OfxImageEffectPropProjectOffset double 2
OfxImageEffectPropProjectExtent double 2
OfxImageEffectPropPixelAspectRatio double 1
OfxImageEffectInstancePropEffectDuration double 1
OfxImageEffectPropFrameRate double 1
OfxImageEffectPropSupportsTiles int 1
OfxPropIsInteractive int 1
OfxPropLabel string 1
OfxImageEffectPropPluginHandle pointer 1
OfxImageEffectPropOpenGLRenderSupported string 1
OfxImageEffectPropSrcFilePath string 1
OfxImageEffectPropSrcFrame int 1
""",
        settable=False,
    ),
    **_specs(
        "OfxPropInstanceData pointer 1\nOfxImageEffectInstancePropSequentialRender int 1", settable=True
    ),
}

_CLIP_SETTABLE = _specs(
    _LABELS
    + """
OfxImageEffectPropSupportedComponents string N
OfxImageEffectPropTemporalClipAccess int 1
OfxImageClipPropOptional int 1
OfxImageClipPropIsMask int 1
OfxImageClipPropFieldExtraction string 1
OfxImageEffectPropSupportsTiles int 1
""",
    settable=True,
)
CLIP_DESCRIPTOR = {
    **_specs("OfxPropType string 1\nOfxPropName string 1", settable=False),
    **_CLIP_SETTABLE,
    **COLOUR,
}
CLIP = {
    **{name: Spec(spec.type, spec.count, False) for name, spec in _CLIP_SETTABLE.items()},
    **_specs(
        """
OfxPropType string 1
OfxPropName string 1
OfxImageClipPropConnected int 1
OfxImageEffectPropComponents string 1
OfxImageEffectPropPixelDepth string 1
OfxImageClipPropUnmappedComponents string 1
OfxImageClipPropUnmappedPixelDepth string 1
OfxImageEffectPropPreMultiplication string 1
OfxImagePropPixelAspectRatio double 1
OfxImageEffectPropFrameRange double 2
OfxImageEffectPropUnmappedFrameRange double 2
OfxImageEffectPropFrameRate double 1
OfxImageEffectPropUnmappedFrameRate double 1
OfxImageClipPropFieldOrder string 1
OfxImageClipPropContinuousSamples int 1
OfxImageEffectPropSrcFilePath string 1
OfxImageEffectPropSrcFrame int 1
""",
        settable=False,
    ),
}

IMAGE = _specs(
    """
OfxPropType string 1
OfxImageEffectPropComponents string 1
OfxImageEffectPropPixelDepth string 1
OfxImageEffectPropPreMultiplication string 1
OfxImageEffectPropRenderScale double 2
OfxImagePropPixelAspectRatio double 1
OfxImagePropData pointer 1
OfxImagePropBounds int 4
OfxImagePropRegionOfDefinition int 4
OfxImagePropRowBytes int 1
OfxImagePropField string 1
OfxImagePropUniqueIdentifier string 1
OfxImageEffectPropSrcFilePath string 1
OfxImageEffectPropSrcFrame int 1
""",
    settable=False,
)

PARAM_SET = _specs("OfxPluginPropParamPageOrder string N", settable=True)

_PARAM_COMMON = {
    **_specs("OfxPropType string 1\nOfxPropName string 1\nOfxParamPropType string 1", settable=False),
    **_specs(
        _LABELS
        + """
OfxParamPropHint string 1
OfxParamPropScriptName string 1
OfxParamPropParent string 1
OfxParamPropEnabled int 1
OfxParamPropSecret int 1
OfxParamPropDataPtr pointer 1
OfxPropIcon string 2
""",
        settable=True,
    ),
}
_PARAM_VALUED = _specs(
    """
OfxParamPropAnimates int 1
OfxParamPropPersistant int 1
OfxParamPropEvaluateOnChange int 1
OfxParamPropCanUndo int 1
OfxParamPropCacheInvalidation string 1
OfxParamPropPluginMayWrite int 1
""",
    settable=True,
)


def param_specs(kind: str) -> dict[str, Spec]:
    """Return the properties that a parameter of this type has."""
    count, scalar = PARAM_TYPES[kind]
    found = dict(_PARAM_COMMON)
    if count:
        found.update(_PARAM_VALUED)
        found["OfxParamPropDefault"] = Spec(scalar, count, True)
    if kind in NUMERIC:
        for name in ("Min", "Max", "DisplayMin", "DisplayMax"):
            found[f"OfxParamProp{name}"] = Spec(scalar, count, True)
    if scalar == "double":
        found.update(
            _specs(
                "OfxParamPropIncrement double 1\nOfxParamPropDigits int 1\nOfxParamPropDoubleType string 1",
                settable=True,
            )
        )
    if kind in ("OfxParamTypeChoice", "OfxParamTypeStrChoice"):
        found["OfxParamPropChoiceOption"] = Spec("string", 0, True)
        found["OfxParamPropChoiceOrder"] = Spec("int", 0, True)
        found["OfxParamPropChoiceEnum"] = Spec("string", 0, True)
    if kind == "OfxParamTypeString":
        found["OfxParamPropStringMode"] = Spec("string", 1, True)
        found["OfxParamPropStringFilePathExists"] = Spec("int", 1, True)
    if kind == "OfxParamTypeGroup":
        found["OfxParamPropGroupOpen"] = Spec("int", 1, True)
    if kind == "OfxParamTypePage":
        found["OfxParamPropPageChild"] = Spec("string", 0, True)
    return found


NUMERIC = frozenset(
    kind for kind in PARAM_TYPES if kind.removeprefix("OfxParamType")[:6] in ("Intege", "Double")
)

_ARGUMENTS = _specs(
    """
OfxImageEffectPropContext string 1
OfxPropChangeReason string 1
OfxPropType string 1
OfxPropName string 1
OfxPropTime double 1
OfxPropEffectInstance pointer 1
OfxInteractPropPenPosition double 2
OfxInteractPropPenPressure double 1
OfxImageEffectPropRenderScale double 2
OfxImageEffectPropRegionOfDefinition double 4
OfxImageEffectPropRegionOfInterest double 4
OfxImageEffectPropFrameRange double 2
OfxImageEffectPropFrameStep double 1
OfxPropIsInteractive int 1
OfxImageEffectPropFieldToRender string 1
OfxImageEffectPropRenderWindow int 4
OfxImageEffectPropSequentialRenderStatus int 1
OfxImageEffectPropInteractiveRenderStatus int 1
OfxImageEffectPropRenderQualityDraft int 1
OfxImageEffectPropThumbnailRender int 1
OfxImageEffectPropOpenGLEnabled int 1
OfxImageEffectPropSrcFilePath string 1
OfxImageEffectPropSrcFrame int 1
""",
    settable=False,
)


def in_specs(names: tuple[str, ...]) -> dict[str, Spec]:
    """Return what an action's arguments with these names are."""
    return {name: _ARGUMENTS[name] for name in names}


EVERY_NAME = frozenset().union(
    HOST, EFFECT_DESCRIPTOR, EFFECT, CLIP_DESCRIPTOR, CLIP, IMAGE, PARAM_SET, _ARGUMENTS,
    *(param_specs(kind) for kind in PARAM_TYPES),
)  # fmt: skip
