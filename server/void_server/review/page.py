"""Writes the pages of a review into a folder: they open from the disk and need nothing from elsewhere.

::

    index.html  review.css  *.js     the page, the same for every review
    plotly.min.js                    draws the graphs
    review_data.js                   the list of shots
    shots/NAME/shot.js               verdicts and notes of one shot, read when it is opened
    shots/NAME/plate/1001.png        pictures through the view
    shots/NAME/v001/result/1001.png  and matte/, confidence/

What a browser reads from the disk must come as scripts, because it lets a page read no other file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from void_engine.errors import EngineError
from void_protocol.printable import printable
from void_protocol.proposal import proposal_path, read_proposal
from void_server.review.catalogue import ReviewShot, ReviewVersion, ShownShot, ShownVersion
from void_server.review.errors import ReviewError
from void_server.review.gallery import Gallery, PictureKey
from void_server.review.notes import Review, read_review
from void_server.review.pictures import ShotPictures
from void_server.review.shown import ReviewView

STATIC = ("index.html", "review.css", "review.js", "viewer.js", "graphs.js", "notes.js")
_MARK = "review_pictures.json"
"""Says how the pictures in a folder were made. A folder without it is not ours."""
_PAGE_VERSION = 1


@dataclass(frozen=True)
class ReviewPage:
    """The folder of a review and all that it shows. It is used as a context."""

    folder: Path
    shots: Sequence[ReviewShot]
    view: ReviewView
    widest: int = 1280
    """The width of the pictures in pixels, at most."""
    _galleries: dict[str, Gallery] = field(default_factory=dict, init=False, repr=False)
    _pictures: dict[str, ShotPictures] = field(default_factory=dict, init=False, repr=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    def __enter__(self) -> ReviewPage:
        for shot in self.shots:
            pictures = self._open.enter_context(ShotPictures(shot))
            self._pictures[shot.key] = pictures
            self._galleries[shot.key] = Gallery(self.folder, pictures, self.view, self.widest)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def gallery(self, key: str) -> Gallery | None:
        """The pictures of the shot with this key; None where there is none."""
        return self._galleries.get(key)

    def prepare(self, *, server: bool = False) -> list[str]:
        """Write everything but the pictures of single frames, and return what could not be shown.

        Args:
            server: whether a server stands behind the page, which keeps notes and makes pictures.

        Raises:
            ReviewError: when the folder holds something else, or cannot be written.
        """
        try:
            self._claim()
            for name in STATIC:
                (self.folder / name).write_bytes(
                    files("void_server.review").joinpath("static", name).read_bytes()
                )
            (self.folder / "plotly.min.js").write_text(_plotly(), encoding="utf-8")
            problems: list[str] = []
            details = [shot_details(shot) for shot in self.shots]
            shown = [self._shown(shot, one, problems) for shot, one in zip(self.shots, details, strict=True)]
            self._write_script("review_data.js", "list", self._listed(shown, server=server))
            for shot, one in zip(self.shots, details, strict=True):
                self._write_script(f"shots/{shot.key}/shot.js", "shot", one)
        except OSError as error:
            raise ReviewError(
                f"{self.folder}: the page cannot be written ({error.strerror or error})"
            ) from error
        return problems

    def make_pictures(self, told: Callable[[int, int], None] = lambda done, total: None) -> list[str]:
        """Make all pictures, on all cores, and return what could not be shown. ``told`` hears how many are
        done of how many."""
        wanted = [(gallery, key) for gallery in self._galleries.values() for key in gallery.all_keys()]
        problems: list[str] = []
        for done, problem in enumerate(_made(wanted), start=1):
            if problem:
                problems.append(problem)
            told(done, len(wanted))
        return problems

    def _claim(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = self.folder / _MARK
        made = msgspec.json.encode(
            {"page": _PAGE_VERSION, "width": self.widest, "view": self.view.view.describe()}
        )
        if not mark.exists() and any(self.folder.iterdir()):
            raise ReviewError(f"{self.folder} is not empty and no review; choose another folder (-o)")
        if mark.exists() and mark.read_bytes() != made:
            shutil.rmtree(self.folder / "shots", ignore_errors=True)
        mark.write_bytes(made)

    def _listed(self, shown: list[ShownShot], *, server: bool) -> dict[str, Any]:
        return {
            "shots": shown,
            "view": self.view.name,
            "greyLight": self.view.grey_curve(),
            "server": server,
        }

    def _shown(self, shot: ReviewShot, details: _Details, problems: list[str]) -> ShownShot:
        gallery, job = self._galleries[shot.key], shot.job
        try:
            thumbnail = gallery.thumbnail()
        except EngineError as error:
            problems.append(str(error))
            thumbnail = ""
        shape = job.shot.format
        return ShownShot(
            key=shot.key,
            name=job.shot.name,
            first=job.shot.first_frame,
            last=job.shot.last_frame,
            width=shape.width,
            height=shape.height,
            pixel_aspect=shape.pixel_aspect,
            picture_width=gallery.size[0],
            picture_height=gallery.size[1],
            fps=self._pictures[shot.key].fps(),
            versions=[
                _shown_version(version, details.versions[version.key]["review"]) for version in shot.versions
            ],
            thumbnail=thumbnail,
        )

    def _write_script(self, name: str, call: str, content: object) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"voidReview." + call.encode() + b"(" + script_text(content) + b");\n")


class _Details(Struct, kw_only=True):
    """What the page of one shot reads beside the list."""

    key: str
    versions: dict[str, dict[str, Any]]


def shot_details(shot: ReviewShot) -> _Details:
    """Verdicts and notes of one shot, by version. Notes that cannot be read are told in their place."""
    versions: dict[str, dict[str, Any]] = {}
    for version in shot.versions:
        try:
            review, problem = read_review(version.pattern), ""
        except ReviewError as error:
            review, problem = None, str(error)
        versions[version.key] = {"verdict": version.verdict, "review": review, "reviewProblem": problem}
    return _Details(key=shot.key, versions=versions)


def script_text(content: object) -> bytes:
    """``content`` as JSON that may stand in a script, whatever texts are in it."""
    text = msgspec.json.encode(content)
    return (
        text.replace(b"<", b"\\u003c")
        .replace(b"\xe2\x80\xa8", b"\\u2028")
        .replace(b"\xe2\x80\xa9", b"\\u2029")
    )


def _shown_version(version: ReviewVersion, review: Review | None) -> ShownVersion:
    verdict, job = version.verdict, version.job
    return ShownVersion(
        key=version.key,
        label=f"{'' if job.is_removal else 'mattes '}v{job.output.version:03d}",
        engine=(verdict.engine if verdict is not None else "") or job.engine_label,
        result=version.pattern,
        frames=list(version.frames),
        status="" if verdict is None else verdict.status,
        summary=_summary(version),
        decision="" if review is None else review.decision,
        scale=version.scale(),
    )


def _summary(version: ReviewVersion) -> str:
    """What a version's line says of it: its verdict, or what a proposal found."""
    if version.verdict is not None:
        return version.verdict.summary
    if version.job.is_removal:
        return "not checked yet (void check)"
    report = read_proposal(proposal_path(version.pattern))
    things = [] if report is None else report.things
    return "; ".join(printable(thing.words) for thing in things) or "nothing is proposed"


def _made(wanted: Sequence[tuple[Gallery, PictureKey]]) -> Iterator[str]:
    """Make pictures, and give for each why it could not be made; empty where it could."""

    def make(gallery: Gallery, key: PictureKey) -> str:
        try:
            gallery.make(key)
        except EngineError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        try:
            for done in as_completed([pool.submit(make, gallery, key) for gallery, key in wanted]):
                yield done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs  # type: ignore[import-untyped] # it has no types
    except ModuleNotFoundError as error:
        raise ReviewError(
            "graphs need Plotly; install the extra 'review': pip install 'void-nuke[review]'"
        ) from error
    return str(get_plotlyjs())
