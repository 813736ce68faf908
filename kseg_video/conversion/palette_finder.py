"""Palettes fitted to whole recordings, and the automatic number of clusters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import from_working, to_working
from kseg_video.core.errors import SettingsError, SourceError
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.core.palette import Palette
from kseg_video.core.setting_checks import PATH, several, take, take_settings
from kseg_video.core.settings import DEFAULT_SAMPLE_PIXELS, SegmenterSettings
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.native import kernels
from kseg_video.reading.input_file_checks import blamed_if_it_shrinks
from kseg_video.reading.sources import OpeningSource
from kseg_video.segmentation.auto_cluster_count import AutoClusterCount, choose_cluster_count
from kseg_video.segmentation.cluster_matching import renumbered
from kseg_video.segmentation.kmeans import cold_fit, dark_to_light, refine
from kseg_video.segmentation.nearest_centroid import inertia_of
from kseg_video.segmentation.pixel_sampling import PixelSample
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame

# Frames sampled evenly over a video: more cover it better, each costs a seek.
_FRAMES = 12
# In a video of unknown length, every so many-th frame from the start is sampled instead.
_STRIDE = 12
# Inertia of the first shot's palette on the whole recording, relative to that of a separate fit, up
# to which the fit starts from that palette. More keeps convert's clusters, less fits more closely.
_SUITS_ALL = 1.1
_SOURCES = several(
    tuple,
    lambda path: take("a source", path, PATH),
    "give a file's name or Path, or a list of them",
)


@dataclass(frozen=True, slots=True, eq=False)
class FoundPalette:
    """A palette fitted to one or more recordings.

    Parameters
    ----------
    palette : Palette
        The clusters. For a single source they are numbered as `convert` numbers them, for several
        from dark to light by Rec. 601 luma. Shares are those in all sampled frames.
    first_palette : Palette, optional
        The palette of the first frame, with which `convert` begins; None for several sources.
    settings : SegmenterSettings
        The settings used, with the number of clusters filled in.
    auto_count : AutoClusterCount, optional
        The chosen number of clusters and why, if `n_clusters` was ``"auto"``.
    """

    palette: Palette
    first_palette: Palette | None
    settings: SegmenterSettings
    auto_count: AutoClusterCount | None


def find_palette(
    sources: str | Path | Sequence[str | Path],
    segmenter: SegmenterSettings | None = None,
    *,
    trim: TrimSettings | None = None,
    decoder: DecoderSettings | None = None,
) -> FoundPalette:
    """Fit one palette to frames sampled evenly over one or more recordings or pictures.

    Parameters
    ----------
    sources : str or Path, or sequence of them
        The inputs; see `open_source`. Give several to segment them all with one palette.
    segmenter : SegmenterSettings, optional
        How pixels are clustered; use the settings that `convert` will get. ``n_clusters="auto"``
        chooses the number of clusters from the sampled frames.
    trim : TrimSettings, optional
        The part of each source to sample; all of it by default.
    decoder : DecoderSettings, optional
        The part of the pictures to sample, their size and rate, as `convert` will get them.

    Returns
    -------
    FoundPalette

    Raises
    ------
    SettingsError
        If there is no source, or a parameter has the wrong type.
    SourceError
        If a source cannot be read.
    """
    settings = take_settings("segmenter", segmenter, SegmenterSettings)
    trim = take_settings("trim", trim, TrimSettings)
    decoder = take_settings("decoder", decoder, DecoderSettings)
    paths = take("the sources", [sources] if isinstance(sources, str | Path) else sources, _SOURCES)
    if not paths:
        raise SettingsError("there are no sources; give one at least")
    bgr = np.concatenate(
        [_sample_source(OpeningSource(path), settings, trim, decoder) for path in paths]
    )
    colors = to_working(bgr, settings.color_space)
    wants_auto = settings.n_clusters == "auto"
    auto_count = choose_cluster_count(colors, settings) if wants_auto else None
    count = settings.cluster_count if auto_count is None else auto_count.count
    settings = replace(settings, n_clusters=count)
    centroids = cold_fit(colors, settings, settings.seed, count)
    centroids = dark_to_light(centroids, settings.color_space)
    single = len(paths) == 1
    first = _first_palette(OpeningSource(paths[0]), settings, trim, decoder) if single else None
    if first is not None:
        centroids = _numbered_after(first.centroids[first.real], centroids, colors, settings)
    labels, _ = kernels.nearest(colors, centroids)
    palette = Palette(
        centroids=centroids,
        colors=from_working(centroids, settings.color_space),
        shares=np.bincount(labels, minlength=len(centroids)) / len(labels),
        real=np.ones(len(centroids), bool),
    )
    return FoundPalette(palette, first or palette if single else None, settings, auto_count)


def choose_for_source(
    source: OpeningSource,
    settings: SegmenterSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
) -> AutoClusterCount:
    """Choose the number of clusters for a recording from frames sampled evenly over it.

    Raises
    ------
    SourceError
        If the recording cannot be read.
    """
    bgr = _sample_source(source, settings, trim, decoder)
    return choose_cluster_count(to_working(bgr, settings.color_space), settings)


def _first_palette(
    source: OpeningSource,
    settings: SegmenterSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
) -> Palette | None:
    """The palette of `convert`'s first frame; None for an image, which has only one."""
    with blamed_if_it_shrinks(source.path), source.open(trim, decoder) as frames:
        if frames.info.is_image:
            return None
        segmenter = Segmenter(settings)
        look_ahead = frames.look_ahead() if settings.looks_ahead else None
        frame = next(iter(frames))
        if look_ahead is not None:
            segmenter.add_look_ahead(look_ahead.until(frame.time))
        return segmenter.segment(frame).palette


def _numbered_after(
    first: NDArray[np.float32],
    fresh: NDArray[np.float32],
    colors: NDArray[np.float32],
    settings: SegmenterSettings,
) -> NDArray[np.float32]:
    """Centroids fitted to a recording, numbered like those of its first shot.

    If the first shot's centroids suit all colours about as well as a fresh fit, they are refined:
    of several equally good fits the result is then the one that the shot uses.
    """
    if settings.holds_palette:
        return first
    if len(first) < len(fresh) or inertia_of(colors, first) > _SUITS_ALL * inertia_of(
        colors, fresh
    ):
        return renumbered(first, fresh)
    labels, _ = kernels.nearest(colors, first)
    return refine(colors, labels, first, settings.epsilon, max(settings.max_iterations, 2))


def _sample_source(
    source: OpeningSource,
    settings: SegmenterSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
) -> NDArray[np.float32]:
    """Sample the pixels of frames spread evenly over a recording.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        BGR levels.

    Raises
    ------
    SourceError
        If the recording cannot be read.
    """
    with blamed_if_it_shrinks(source.path), source.open(trim, decoder) as recording:
        wanted = settings.sample_pixels or (
            "all" if recording.info.is_image else DEFAULT_SAMPLE_PIXELS
        )
        count = recording.info.frame_count
        if count is not None and count > _FRAMES:
            seconds = count / recording.info.frame_rate
            starts = [trim.start + float(seconds * part / _FRAMES) for part in range(_FRAMES)]
            frames = _frames_at(source, starts, decoder)
        else:
            frames = islice(recording, 0, _FRAMES * _STRIDE, 1 if count else _STRIDE)
        samples = [
            PixelSample.of_frame(frame, None if wanted == "all" else wanted) for frame in frames
        ]
    return np.concatenate([sample.bgr for sample in samples])


def _frames_at(
    source: OpeningSource, starts: Sequence[float], decoder: DecoderSettings
) -> Iterator[Frame]:
    """The frame at each start time; times past the end of a damaged file give none."""
    for number, start in enumerate(starts):
        try:
            with source.open(TrimSettings(start, max_frames=1), decoder) as frame:
                yield from frame
        except SourceError as error:
            if number == 0 or isinstance(error.__cause__, MishapError | StalledError):
                raise
