"""The report of a conversion, as an object, one line of text or JSON, and its observer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kseg_video.core.color_spaces import in_order_of_name
from kseg_video.core.palette import first_hex_colors
from kseg_video.core.shown_text import bytes_in_words, frames_in_words
from kseg_video.writing.containers import CONTAINERS
from kseg_video.writing.output_paths import ANIMATION_SUFFIX
from kseg_video.writing.video_encoders import higher_crf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kseg_video.core.frame import Frame, PaletteEvent, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.media_settings import EncoderSettings
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.core.timing import StageTimer

_WORTH_A_HINT = 500_000  # bytes; nobody minds how large a smaller file is


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A frame whose palette was fitted anew instead of following from the frame before.

    Parameters
    ----------
    frame : int
        Frame number, from 0.
    time : float
        Time stamp in the input, in seconds.
    event : {"cold", "cut", "reseed"}
        How the palette was found; see `kseg_video.core.frame.Segmentation`.
    """

    frame: int
    time: float
    event: PaletteEvent


@dataclass(frozen=True, slots=True, eq=False)
class ConversionReport:
    """The outcome of a conversion.

    Parameters
    ----------
    source, output : Path
    info : VideoInfo
        Size, frame rate and layout of the source.
    frames : int
        Frames written.
    bytes_written : int
        Size of the output.
    seconds : float
        Wall-clock time of the conversion.
    settings : SegmenterSettings
        The settings used, with the defaults that depend on the input filled in.
    disabled : frozenset of int
        Clusters that were switched off.
    palette : Palette
        Mean colours and shares over all frames; shares of tall frames are counted in some rows.
    first_palette : Palette
        The palette of the first frame.
    inertia : float
        Mean of `kseg_video.core.frame.Segmentation.inertia` over all frames.
    events : tuple of EventRecord
        Frames whose palette was fitted anew.
    stage_milliseconds : dict of str to float
        Mean milliseconds per frame of each stage; the stages overlap.
    notes : tuple of str
        What the user should know about how the output was made.
    warnings : tuple of str
        Faults that did not end the conversion.
    selection : dict of str to list of int
        For each selector of the `ClusterSelection`, the clusters that it chose.
    paint : tuple of str
        Colours in which the clusters were painted at the end; empty if these were their own.
    """

    source: Path
    output: Path
    info: VideoInfo
    frames: int
    bytes_written: int
    seconds: float
    settings: SegmenterSettings
    disabled: frozenset[int]
    palette: Palette
    first_palette: Palette
    inertia: float
    events: tuple[EventRecord, ...]
    stage_milliseconds: dict[str, float]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    selection: dict[str, list[int]]
    paint: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<ConversionReport of {summary_line(self)}>"

    @property
    def frames_per_second(self) -> float:
        """Frames written per second of wall-clock time."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def compactness(self) -> float | None:
        """Inertia times pixels of an image: with exact mapping, what `cv2.kmeans` reports."""
        return self.inertia * self.info.width * self.info.height if self.info.is_image else None


@runtime_checkable
class ConversionObserver(Protocol):
    """Callbacks on the progress of a conversion, made in the thread that called `convert`."""

    def on_start(
        self,
        source: Path,
        output: Path,
        info: VideoInfo,
        timer: StageTimer,
        bytes_written: Callable[[], int],
    ) -> None:
        """Called when source and sink are open; `bytes_written` tells the output's size so far."""
        ...

    def on_frame(self, frame: Frame, segmentation: Segmentation) -> None:
        """Called when a frame has been segmented and queued for writing."""
        ...

    def on_finish(self, report: ConversionReport) -> None:
        """Called when the output is complete under its final name."""
        ...


def note_on_size(
    report: ConversionReport, painted: VideoInfo, encoder: EncoderSettings
) -> Iterator[str]:
    """How to make an output smaller that is larger than its input, if settings can.

    Parameters
    ----------
    report : ConversionReport
    painted : VideoInfo
        Size of the painted pictures, and whether they have alpha.
    encoder : EncoderSettings
    """
    suffix = report.output.suffix.lower()
    container = CONTAINERS.get(suffix)
    may_shrink = suffix == ANIMATION_SUFFIX or (container is not None and not encoder.lossless)
    if not may_shrink or not report.source.is_file():
        return
    before, written = report.source.stat().st_size, report.bytes_written
    if written <= before or written < _WORTH_A_HINT:
        return
    ways = ["--size 720p" if min(painted.width, painted.height) > 720 else "--size 50%"]
    if container is None:
        ways += ["--fps 10"] if painted.frame_rate > 10 else []
    else:
        codec = container.codec(encoder, alpha=painted.has_alpha)
        ways[:0] = [f"--crf {crf}" for crf in higher_crf(codec, encoder)]
        smaller = [each for each in ("av1", "h265") if each in container.codecs]
        may_be = not painted.has_alpha and codec not in smaller
        ways += [f"--codec {each}" for each in smaller[:1] if may_be]
    yield (
        f"larger than the input, which has {bytes_in_words(before)}; smaller with "
        f"{', '.join(ways[:-1])}{' or ' if ways[:-1] else ''}{ways[-1]}"
    )


def summary_items(report: ConversionReport) -> list[str]:
    """The report's main figures, each in a few words."""
    items = [
        frames_in_words(report.frames),
        *([bytes_in_words(report.bytes_written)] if report.bytes_written else []),
        f"{report.seconds:.1f} s",
    ]
    if report.frames > 1:
        items.append(f"{report.frames_per_second:.0f} fps")
    if report.compactness is not None:
        items.append(f"compactness {report.compactness:.6g}")
    items.append(f"inertia {report.inertia:.4g}")
    count, n_real = len(report.palette), report.palette.n_real
    if n_real < count:
        items.append(f"{n_real} real cluster{'s' if n_real > 1 else ''} of {count}")
    return items


def summary_line(report: ConversionReport) -> str:
    """The report as one line of text."""
    palette = report.palette
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    colors = ", ".join(
        f"{number} {color} {share:.1%}" + (f" as {report.paint[number]}" if report.paint else "")
        for number, (color, share, real) in enumerate(rows)
        if real
    )
    items = ", ".join(summary_items(report))
    return "; ".join([f"{report.output}: {items}", *report.notes, f"palette {colors}"])


def summary_data(report: ConversionReport) -> dict[str, Any]:
    """The report as JSON data; README documents the fields."""
    info, palette = report.info, report.palette
    data: dict[str, Any] = {
        "input": str(report.source),
        "output": str(report.output),
        "frames": report.frames,
        "bytes": report.bytes_written,
        "seconds": round(report.seconds, 3),
        "fps": round(report.frames_per_second, 2),
        "width": info.width,
        "height": info.height,
        "frame_rate": str(info.frame_rate),
        "color_space": report.settings.color_space,
        "mapping": report.settings.mapping,
        "clusters": len(palette),
        "real_clusters": palette.n_real,
        "palette": [
            {
                "cluster": number,
                "hex": color,
                "first_hex": first,
                "share": round(share, 6),
                "centroid": [round(value, 3) for value in centroid],
                "real": real,
                "disabled": number in report.disabled,
                "paint": report.paint[number] if report.paint else None,
            }
            for number, (color, first, share, centroid, real) in enumerate(
                zip(
                    palette.hex_colors,
                    first_hex_colors(palette, report.first_palette),
                    palette.shares.tolist(),
                    in_order_of_name(palette.centroids, report.settings.color_space).tolist(),
                    palette.real.tolist(),
                    strict=True,
                )
            )
        ],
        "selection": [
            {"selector": name, "clusters": clusters} for name, clusters in report.selection.items()
        ],
        "events": [
            {"frame": event.frame, "time": round(event.time, 6), "event": event.event}
            for event in report.events
        ],
        "inertia": float(f"{report.inertia:.7g}"),  # float32 distances hold no more digits
        "stage_ms": {name: round(cost, 3) for name, cost in report.stage_milliseconds.items()},
        "notes": list(report.notes),
        "warnings": list(report.warnings),
    }
    if report.compactness is not None:
        data["compactness"] = report.compactness
    return data
