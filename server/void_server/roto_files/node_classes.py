"""What Nuke's nodes do to the place and time of a picture, by their classes."""

from __future__ import annotations

SAME_PICTURE = frozenset(
    {
        "AddChannels", "AddMix", "AdjBBox", "AdjustBBox", "Assert", "BlackOutside", "ChannelMerge",
        "CompareMetaData", "Copy", "CopyBBox", "CopyMetaData", "Dissolve", "Dot", "Flare", "FrameRange",
        "Keymix", "Merge", "Merge2", "ModifyMetaData", "NoOp", "Noise", "PostageStamp", "Premult", "Radial",
        "Ramp", "Rectangle", "Remove", "Roto", "RotoPaint", "Sampler", "Shuffle", "Shuffle2",
        "ShuffleCopy", "Text", "Text2", "TimecodeFrames", "Unpremult", "Viewer", "Write",
    }
)  # fmt: skip
"""Nodes whose picture is that of their first input (of a merge: B), if perhaps with something laid over
it."""

COLOUR_OR_FILTER = frozenset(
    {
        "Add", "Bilateral", "Bilateral2", "Blur", "CCorrect", "Clamp", "ColorCorrect",
        "ColorLookup", "Colorspace", "Convolve", "Convolve2", "Defocus", "Denoise", "Denoise2",
        "DegrainSimple", "Dither", "EXPTool", "Expression", "F_ReGrain", "Gamma", "Glow", "Glow2",
        "Grade", "Grain2", "HistEQ", "HueCorrect", "HueShift", "Invert", "Log2Lin", "MatchGrade",
        "Median", "MinColor", "Multiply", "OCIOCDLTransform", "OCIOColorSpace", "OCIODisplay",
        "OCIOFileTransform", "OCIOLogConvert", "OCIOLookTransform", "Posterize", "RolloffContrast",
        "Saturation", "Sharpen", "SoftClip", "Soften", "Toe2", "Vectorfield",
    }
)  # fmt: skip
"""Nodes that change a picture's colours or its sharpness, and leave everything in its place."""

RETIMES = frozenset(
    {
        "AppendClip", "F_Align", "F_Kronos", "FrameBlend", "FrameHold", "Kronos", "NoTimeBlur",
        "OFlow", "OFlow2", "Retime", "TemporalMedian", "TimeBlur", "TimeClip", "TimeDissolve",
        "TimeEcho", "TimeOffset", "TimeWarp",
    }
)  # fmt: skip
"""Nodes that move a picture in time."""

MOVES = frozenset(
    {
        "CameraShake", "CameraShake2", "CameraShake3", "CornerPin2D", "Crop", "GridWarp",
        "GridWarp2", "GridWarp3", "IDistort", "LensDistortion", "LensDistortion2", "Mirror",
        "Mirror2", "PlanarTracker", "Position", "STMap", "SphericalTransform",
        "SphericalTransform2", "SplineWarp", "SplineWarp2", "SplineWarp3", "Stabilize2D",
        "TVIscale", "Tile", "Tracker", "Tracker3", "Tracker4", "Transform", "TransformMasked",
        "VectorDistort",
    }
)  # fmt: skip
"""Nodes that move or bend a picture."""
