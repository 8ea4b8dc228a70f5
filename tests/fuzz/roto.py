"""Fuzzes files of roto shapes, from bytes to baked shapes. ``python -m tests.fuzz.roto``"""

from __future__ import annotations

import numpy as np

from tests.fuzz.driver import explained, main
from void_server.roto_files.errors import RotoFileError
from void_server.roto_files.plate import find_plate
from void_server.roto_files.readers import read_roto_bytes

_SCRIPT = b"""Root {
 views "left #ff0000\\nright #00ff00"
}
Read {
 inputs 0
 file /p.%04d.exr
 format "1920 1080 0 0 1920 1080 1 HD"
 name Read1
}
set N1 [stack 0]
push $N1
Group {
 inputs 2
 name G
}
 Input {
  inputs 0
  name Input1
 }
 Roto {
  curves {{{v x3f99999a} {f 0} {n {layer Root {f 0} {t x44700000 x44070000 0 {{1 2} {3}}}
   {a opc {{1 1 -} {9 0 0 1 x3f000000 1}} nv 2 view2 2}
   {curvegroup "a b" 512 bezier {{cc {f 8192} {px {1 x41200000} {0 0} {{{1 -} {5 0 1 2 1}} {{x 2 {7 -}}}}
     {{3}}
     {} {x44000000 9} {} {1} {=a.b 4} {}}} {cc {f 8192} {p {} {} {}}}} {tx 5 1 2} {a ltt 4 ltn 1 ltm 9 fx 3}}
   {curvegroup b 512 bspline {{cc {f 8192} {p {{a t {{1 1}}} 1 2} {5 6} {9 0}}} idem} {t 0 0} {a bm 1}}
   {cubiccurve s 512 catmullrom {cc {f 2080} {p {1 2 1}}} {t 0} {a}}}}}}
  name Roto1
 }
end_group
"""


_SILHOUETTE = b"""<!-- Silhouette Shape File -->
<Silhouette width="64" height="48" pixelAspect="2" sessionStartFrame="1">
<Layer type="Layer" label="a"><Properties>
<Property id="transform.matrix"><Key frame="0" interp="hold">(1,0,0,0,0,1,0,0,0,0,1,0,0.1,0,0,1)</Key>
</Property>
<Property id="opacity"><Key frame="0" interp="catmullrom">0</Key><Key frame="9">50</Key></Property>
<Property id="objects"><Object type="Shape" label="s" shape_type="Bezier"><Properties><Property id="path">
<Key frame="0" interp="linear"><Path closed="True"><Point>(0,0),(0.1,0),(-0.1,0)</Point>
<Point>(1e-1,0.2)</Point>
</Path></Key></Property></Properties></Object></Property></Properties></Layer></Silhouette>
"""


_NATRON = b"""<boost_serialization version="14"><item><Plugin_label>R</Plugin_label><RotoContext>
<BaseLayer><RotoItemSerialization><Name>L</Name></RotoItemSerialization><NumChildren>1</NumChildren>
<Item><RotoDrawableItemSerialization><Item><Name>opacity</Name><item><Value>0.5</Value></item></Item>
</RotoDrawableItemSerialization><NumPoints>2</NumPoints>
<CP><X>1</X><Y>2</Y><X_animation><KeyFrameSet><item><Time>1</Time><Value>4e1</Value></item>
<item><Time>9</Time><Value>7</Value><InterpolationMethod>0</InterpolationMethod></item></KeyFrameSet></X_animation>
</CP><FP><X>1</X><Y>2</Y></FP><CP><X>8</X><Y>2</Y></CP><FP><X>8</X><Y>2</Y></FP><Closed>1</Closed>
</Item></BaseLayer></RotoContext></item></boost_serialization>
"""


def seeds() -> list[bytes]:
    """Files with something of everything."""
    old = b'RotoPaint {\n inputs 0\n curves {AnimTree: "" {\n NodeName: "x" {\n CurveGroup: "" }}}\n}\n'
    return [_SCRIPT, _SILHOUETTE, _NATRON, old]


def target(data: bytes) -> None:
    """Any bytes give curves or a RotoFileError; what is carried can be baked."""
    try:
        found = read_roto_bytes(data, "fuzzed")
    except RotoFileError as error:
        explained(error, "fuzzed")
        return
    for node in found.nodes:
        for curve in node.curves:
            assert curve.carried or curve.why
            if curve.geometry is None or curve.points > 100:
                continue
            try:
                frames = curve.geometry.bake([1, 5, 10], np.eye(3))
            except RotoFileError as error:
                explained(error)
                continue
            assert all(np.isfinite([point.x, point.right_y]).all() for at in frames for point in at.points)
        if found.script is not None and node.node is not None:
            try:
                find_plate(found.script, node.node, "fuzzed")
            except RotoFileError as error:
                explained(error, "fuzzed")


if __name__ == "__main__":
    main(target, seeds(), "roto")
