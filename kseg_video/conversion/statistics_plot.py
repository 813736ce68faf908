"""A plot of the clusters' shares over time: stacked areas in the clusters' colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import cannot_write
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.sink_base import AbortingContext

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from kseg_video.conversion.frame_statistics import FrameStatistics

# Columns of the areas: more take memory and enlarge the file, though the 1200-pixel plot cannot
# resolve them; fewer show as steps.
_MOST_SPANS = 2000
_WIDTH, _HEIGHT, _DOTS_PER_INCH = 10.0, 4.5, 120  # inches
_NAMES_IN_A_COLUMN = 14
_MINUTES_FROM = 180.0  # seconds from which the time axis is labelled in min:s


@dataclass(slots=True, eq=False)
class _Span:
    """Consecutive frames of one scene."""

    start: float
    scene: int
    frames: int
    shares: NDArray[np.float64]  # sums over the frames
    colors: NDArray[np.float64]  # RGB weighted by share, summed over the frames

    def absorb(self, other: _Span) -> None:
        """Append the following span."""
        self.frames += other.frames
        self.shares += other.shares
        self.colors += other.colors


class SharesPlot(AbortingContext):
    """A plot of the shares over time, whose memory and file size do not grow with the video.

    Parameters
    ----------
    path : Path
        A ``.png`` or ``.svg`` file.
    frame_rate : float
        Frames per second.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, frame_rate: float, *, overwrite: bool) -> None:
        self._path = path
        self._frame_seconds = 1 / frame_rate
        self._spans: list[_Span] = []
        self._frames_in_a_span = 1
        self._scene = 0
        self._end = 0.0
        self._cuts: list[float] = []
        self._part = PartialFile(path, overwrite=overwrite)

    def add(self, statistics: FrameStatistics) -> None:
        """Add the next frame."""
        if statistics.event != "warm":
            self._scene += 1
        if statistics.event == "cut":
            self._cuts.append(statistics.time)
        self._end = statistics.time + self._frame_seconds
        colors = statistics.shares[:, np.newaxis] * np.nan_to_num(statistics.rgb.astype(np.float64))
        span = _Span(statistics.time, self._scene, 1, statistics.shares.copy(), colors)
        last = self._spans[-1] if self._spans else None
        if last is None or last.scene != span.scene or last.frames >= self._frames_in_a_span:
            self._spans.append(span)
        else:
            last.absorb(span)
        if len(self._spans) > _MOST_SPANS:
            self._thin_out()

    def close(self) -> None:
        """Draw the plot and publish the file.

        Raises
        ------
        SinkError
            If the file cannot be written.
        """
        try:
            if self._spans:
                self._draw()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._part.publish()

    def abort(self) -> None:
        """Remove the partial file."""
        self._part.discard()

    def _thin_out(self) -> None:
        """Halve the spans by joining neighbours of one scene."""
        self._frames_in_a_span *= 2
        joined: list[_Span] = []
        for span in self._spans:
            last = joined[-1] if joined else None
            fits = last is not None and last.frames + span.frames <= self._frames_in_a_span
            if last is not None and fits and last.scene == span.scene:
                last.absorb(span)
            else:
                joined.append(span)
        self._spans = joined

    def _draw(self) -> None:
        # Without pyplot, which would load a GUI backend and share state with the caller's plots.
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra

        figure = Figure((_WIDTH, _HEIGHT), dpi=_DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        self._draw_areas(axes)
        for number, cut in enumerate(self._cuts):
            axes.axvline(cut, color="white", linewidth=2.5)
            name = "" if number else "cut"
            axes.axvline(cut, color="black", linewidth=1, linestyle=(0, (4, 2)), label=name)
        self._draw_scales(axes)
        handles, names = axes.get_legend_handles_labels()
        figure.legend(
            handles[::-1],
            names[::-1],
            loc="outside right upper",
            frameon=False,
            ncols=1 + len(names) // (_NAMES_IN_A_COLUMN + 1),
        )
        figure.savefig(self._part.path, format=self._path.suffix.lower().removeprefix("."))

    def _draw_areas(self, axes: Axes) -> None:
        starts = np.array([span.start for span in self._spans])
        edges = np.append(starts, self._end)
        scenes = np.array([span.scene for span in self._spans])
        means = np.stack([span.shares / span.frames for span in self._spans])
        tops = np.cumsum(means, axis=1)
        for number in range(means.shape[1]):
            colors = {}
            for scene in np.unique(scenes).tolist():
                own = np.flatnonzero(scenes == scene)
                first, last = own[0], own[-1]
                top = tops[first : last + 1, number]
                top = np.append(top, top[-1])
                bottom = top - np.append(means[own, number], means[last, number])
                colors[scene] = _hex(self._spans[first : last + 1], number)
                axes.fill_between(
                    edges[first : last + 2],
                    100 * bottom,
                    100 * top,
                    step="post",
                    linewidth=0,
                    color=colors[scene],
                )
            sums = [span.shares[number] for span in self._spans]
            color = colors[np.bincount(scenes, sums).argmax()]  # from the scene with most of it
            axes.fill_between([], [], color=color, label=f"{number}  {color}")

    def _draw_scales(self, axes: Axes) -> None:
        start = self._spans[0].start
        axes.set(xlim=(start, self._end), ylim=(0, 100), ylabel="share of the picture in %")
        if self._end - start < _MINUTES_FROM:
            axes.set_xlabel("time in s")
            return
        axes.set_xlabel("time in min:s")
        axes.xaxis.set_major_formatter(lambda time, _: f"{time // 60:.0f}:{time % 60:02.0f}")


def _hex(spans: list[_Span], number: int) -> str:
    """Mean colour of a cluster over some spans, as ``#rrggbb``; white if it has no pixels."""
    share = sum(span.shares[number] for span in spans)
    if not share:
        return "#ffffff"
    levels = np.rint(sum(span.colors[number] for span in spans) / share).astype(int)
    return "#{:02x}{:02x}{:02x}".format(*levels)
