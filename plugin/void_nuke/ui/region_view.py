"""Draws the marked shapes on the current frame: over the plate, or as the quadmask that the model sees."""

from __future__ import annotations

from collections.abc import Sequence

from void_nuke.panel.thing_outlines import DrawnThing
from void_nuke.ui.qt import QtCore, QtGui, QtWidgets
from void_nuke.ui.style import Theme, theme_of
from void_protocol.job import Role, RotoPoint, ShapeFrame

Marked = Sequence[tuple[Role, ShapeFrame]]
Things = Sequence[DrawnThing]

_DRAWN: tuple[Role, ...] = ("affected", "remove", "ignore")
"""The roles in the order of drawing, the lowest first."""

_FAINT = 0.45
"""The opacity of a picture behind the shapes of another frame."""

# These are the model's four levels. The engine's quadmask module owns them, which a host must not load.
KEEP, AFFECTED, OVERLAP, REMOVE = 255, 127, 63, 0


def outline(points: Sequence[RotoPoint]) -> QtGui.QPainterPath:
    """Return the closed Bezier curve through ``points``, in the host's pixels (y up)."""
    path = QtGui.QPainterPath()
    if not points:
        return path
    path.moveTo(points[0].x, points[0].y)
    for start, end in zip(points, [*points[1:], points[0]]):  # noqa: B905 - both have one length
        path.cubicTo(
            start.x + start.right_x,
            start.y + start.right_y,
            end.x + end.left_x,
            end.y + end.left_y,
            end.x,
            end.y,
        )
    path.closeSubpath()
    return path


def region_of(marked: Marked, role: Role, width: int, height: int) -> QtGui.QPainterPath:
    """Return all visible shapes of a role as one path, in the host's pixels; filled inside the format, it
    covers what they cover together.

    Every outline is made to turn the same way, and an inverted one to turn back inside the whole format, so
    that counting turns (the winding rule) adds them up. Uniting the paths themselves takes far longer.
    """
    region = QtGui.QPainterPath()
    region.setFillRule(QtCore.Qt.FillRule.WindingFill)
    frame = QtGui.QPainterPath()
    frame.addRect(0, 0, width, height)  # this turns to the left, with y up
    for own, shape in marked:
        if own == role and is_drawn(shape):
            if shape.inverted:
                region.addPath(frame)
            path = outline(shape.points)
            is_leftwards = area_of(shape.points) > 0
            region.addPath(path if is_leftwards != shape.inverted else path.toReversed())
    return region


def area_of(points: Sequence[RotoPoint]) -> float:
    """Return what the closed Bezier curve encloses, in square pixels; positive when it turns to the left (y
    up).

    The formula is Green's theorem over each cubic segment, with its four control points multiplied out.
    """
    total = 0.0
    for start, end in zip(points, [*points[1:], *points[:1]]):  # noqa: B905 - both have one length
        x0, y0, x3, y3 = start.x, start.y, end.x, end.y
        x1, y1 = x0 + start.right_x, y0 + start.right_y
        x2, y2 = x3 + end.left_x, y3 + end.left_y
        total += 6.0 * (x0 * y1 - x1 * y0 + x2 * y3 - x3 * y2) + x0 * y3 - x3 * y0
        total += 3.0 * (x0 * y2 - x2 * y0 + x1 * y2 - x2 * y1 + x1 * y3 - x3 * y1)
    return total / 20.0


def paint_quadmask(
    marked: Marked, width: int, height: int, size: QtCore.QSize, things: Things = ()
) -> QtGui.QImage:
    """Paint the quadmask of shapes and accepted things as a grey picture of ``size``: hard levels, hold-outs
    cut out of both roles."""
    # The levels are painted in colour, which Qt does far faster than in grey.
    image = QtGui.QImage(size, QtGui.QImage.Format.Format_RGB32)
    image.fill(_grey(KEEP))
    accepted = [thing for thing in things if thing.accepted]
    remove = [region_of(marked, "remove", width, height)]
    across, back = _drawn_scale(width, size)
    remove += [back.map(region_of_thing(thing, across)) for thing in accepted if thing.role == "remove"]
    affected = [region_of(marked, "affected", width, height)]
    affected += [back.map(region_of_thing(thing, across)) for thing in accepted if thing.role != "remove"]
    painter = QtGui.QPainter(image)
    painter.setTransform(to_picture(width, height, size))
    for path in affected:
        painter.fillPath(path, _grey(AFFECTED))
    for path in remove:
        painter.fillPath(path, _grey(REMOVE))
    for path in affected:
        painter.setClipPath(path)
        for gone in remove:
            painter.fillPath(gone, _grey(OVERLAP))
    painter.setClipping(False)
    painter.fillPath(region_of(marked, "ignore", width, height), _grey(KEEP))
    painter.end()
    return image.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)


def _drawn_scale(width: int, size: QtCore.QSize) -> tuple[float, QtGui.QTransform]:
    """The scale at which a format of ``width`` is drawn, and the transform back to the host's pixels."""
    across = size.width() / width
    return across, QtGui.QTransform.fromScale(1 / across, 1 / across)


def region_of_thing(thing: DrawnThing, scale: float = 1.0) -> QtGui.QPainterPath:
    """Return what a proposed thing covers, grown as far as it is to be, in the host's pixels times ``scale``.

    It is grown at the size at which it is drawn, with plain joins, which keeps the path short.
    """
    region = QtGui.QPainterPath()
    for ring in thing.rings:
        places = zip(ring[::2], ring[1::2])  # noqa: B905 - pairs
        region.addPolygon(QtGui.QPolygonF([QtCore.QPointF(scale * x, scale * y) for x, y in places]))
        region.closeSubpath()
    if not thing.growth_px:
        return region
    stroker = QtGui.QPainterPathStroker()
    stroker.setWidth(2 * scale * abs(thing.growth_px))
    stroker.setJoinStyle(QtCore.Qt.PenJoinStyle.BevelJoin)
    band = stroker.createStroke(region)
    return region.united(band) if thing.growth_px > 0 else region.subtracted(band)


def paint_things(
    things: Things, width: int, height: int, size: QtCore.QSize, ratio: float, theme: Theme
) -> QtGui.QImage:
    """Paint proposed things in their kinds' colours over nothing, as :func:`paint_overlay` does shapes: the
    surer a thing is, the fuller; what is not accepted only as a dashed outline."""
    image = QtGui.QImage(size, QtGui.QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    across, back = _drawn_scale(width, size)
    move = back * to_picture(width, height, size)
    painter = QtGui.QPainter(image)
    for thing in things:
        path = move.map(region_of_thing(thing, across))
        colour = theme.kind(thing.kind)
        pen = QtGui.QPen(colour, 1.6 * ratio)
        if not thing.accepted:
            pen.setStyle(QtCore.Qt.PenStyle.DashLine)
        fill = QtGui.QColor(colour)
        fill.setAlphaF((0.2 + 0.4 * thing.confidence) * (1.0 if thing.accepted else 0.35))
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)
        painter.fillPath(path, fill)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, True)
        painter.strokePath(path, pen)
    painter.end()
    return image


def paint_overlay(
    marked: Marked, width: int, height: int, size: QtCore.QSize, ratio: float, theme: Theme
) -> QtGui.QImage:
    """Paint the marked regions in their roles' colours over nothing, on ``size`` device pixels, of which
    ``ratio`` make one of the widget's."""
    image = QtGui.QImage(size, QtGui.QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    move = to_picture(width, height, size)
    painter = QtGui.QPainter(image)
    for role in _DRAWN:
        colour = theme.role(role)
        pen = QtGui.QPen(colour, 1.6 * ratio)
        colour.setAlphaF(0.32)
        # The outline smooths the edge; painting a smooth area takes ten times as long.
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)
        painter.fillPath(move.map(region_of(marked, role, width, height)), colour)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, True)
        for own, shape in marked:
            if own == role and is_drawn(shape):
                painter.strokePath(move.map(outline(shape.points)), pen)
    painter.end()
    return image


def is_drawn(shape: ShapeFrame) -> bool:
    """Return whether anything of a shape shows at its frame."""
    return shape.visible and shape.opacity > 0 and len(shape.points) > 1


def _grey(level: int) -> QtGui.QColor:
    return QtGui.QColor(level, level, level)


def to_picture(width: int, height: int, size: QtCore.QSize) -> QtGui.QTransform:
    """Return the transform from the host's pixels (y up) to those of a picture of ``size`` (y down)."""
    across, down = size.width() / width, size.height() / height
    return QtGui.QTransform(across, 0, 0, -down, 0, size.height())


class RegionView(QtWidgets.QWidget):
    """Draws what it is given. It knows nothing of the panel's model."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._format = (16, 9, 1.0)
        self._marked: Marked = ()
        self._things: Things = ()
        self._picture: QtGui.QImage | None = None
        self._picture_frame: int | None = None
        self._frame: int | None = None
        self._as_quadmask = False
        self._overlay: QtGui.QImage | None = None
        self._proposed: QtGui.QImage | None = None
        self._quadmask: QtGui.QImage | None = None
        self._caption = ""
        policy = QtWidgets.QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Expanding)
        self.setMinimumHeight(150)
        self.setAccessibleName("Marked regions on the current frame")

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name
        # The view asks for no more than it needs: it gets all room that the rows below leave, and gives it
        # back.
        return QtCore.QSize(480, self.minimumHeight())

    def show_shapes(
        self,
        width: int,
        height: int,
        pixel_aspect: float,
        marked: Marked,
        caption: str,
        frame: int | None = None,
    ) -> None:
        """Draw the shapes of a frame of that format. ``caption`` names it for the artist."""
        self._frame = frame
        self._format = (width, height, pixel_aspect)
        self._marked, self._caption = marked, caption
        self._overlay = self._quadmask = None
        self.update()

    def show_things(self, things: Things) -> None:
        """Draw these proposed things over the shapes."""
        self._things = things
        self._proposed = self._quadmask = None
        self.update()

    def show_picture(self, picture: QtGui.QImage | None, frame: int | None = None) -> None:
        """Set the plate behind the shapes, and the frame that it shows; None for no plate. Behind the shapes
        of another frame it is drawn faint, and the caption says so."""
        self._picture, self._picture_frame = picture, frame
        self.update()

    def show_quadmask(self, on: bool) -> None:
        self._as_quadmask = on
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802 - Qt's name
        theme = theme_of(self.palette())
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QtGui.QColor(theme.sunken))
        frame = self._frame_rect()
        if not self._caption:
            painter.setPen(QtGui.QColor(theme.dim))
            painter.drawText(self.rect(), QtCore.Qt.AlignmentFlag.AlignCenter, "No plate yet")
            painter.end()
            return
        self._paint_frame(painter, frame, theme)
        painter.setPen(QtGui.QPen(QtGui.QColor(theme.dim), 1))
        painter.setBrush(QtCore.Qt.BrushStyle.NoBrush)
        painter.drawRect(frame)
        painter.setPen(QtGui.QColor(theme.dim))
        text = QtCore.QRectF(0, frame.bottom() + 2, self.width(), 18)
        painter.drawText(text, QtCore.Qt.AlignmentFlag.AlignCenter, self.caption)
        painter.end()

    @property
    def caption(self) -> str:
        """What stands below the frame."""
        if self._is_of_another_frame and not self._as_quadmask:
            return f"{self._caption}, over the picture of {self._picture_frame}"
        return self._caption

    @property
    def _is_of_another_frame(self) -> bool:
        return (
            self._picture is not None
            and None not in (self._frame, self._picture_frame)
            and (self._frame != self._picture_frame)
        )

    def _paint_frame(self, painter: QtGui.QPainter, frame: QtCore.QRectF, theme: Theme) -> None:
        width, height, _ = self._format
        ratio = self.devicePixelRatioF()
        size = QtCore.QSize(max(1, round(frame.width() * ratio)), max(1, round(frame.height() * ratio)))
        if self._as_quadmask:
            if self._quadmask is None or self._quadmask.size() != size:
                self._quadmask = paint_quadmask(self._marked, width, height, size, self._things)
            painter.drawImage(frame, self._quadmask)
            return
        if self._picture is not None:
            painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
            if self._is_of_another_frame:
                painter.fillRect(frame, QtGui.QColor(theme.window))
                painter.setOpacity(_FAINT)
            painter.drawImage(frame, self._picture)
            painter.setOpacity(1.0)
        else:
            painter.fillRect(frame, QtGui.QColor(theme.window))
        if self._overlay is None or self._overlay.size() != size:
            self._overlay = paint_overlay(self._marked, width, height, size, ratio, theme)
        painter.drawImage(frame, self._overlay)
        if self._things:
            if self._proposed is None or self._proposed.size() != size:
                self._proposed = paint_things(self._things, width, height, size, ratio, theme)
            painter.drawImage(frame, self._proposed)

    def _frame_rect(self) -> QtCore.QRectF:
        width, height, aspect = self._format
        room = QtCore.QSizeF(max(1, self.width() - 12), max(1, self.height() - 30))
        size = QtCore.QSizeF(width * aspect, height).scaled(room, QtCore.Qt.AspectRatioMode.KeepAspectRatio)
        return QtCore.QRectF((self.width() - size.width()) / 2, 6, size.width(), size.height())
