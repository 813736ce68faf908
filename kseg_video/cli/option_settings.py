"""Settings from parsed options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.core.cluster_selectors import ClusterSelection
from kseg_video.core.errors import SettingsError
from kseg_video.core.media_settings import CaptureSettings, DecoderSettings, TrimSettings
from kseg_video.core.settings import RenderSettings, SegmenterSettings
from kseg_video.reading.palette_reader import load_color_space, load_palette

if TYPE_CHECKING:
    import argparse

_DEFAULTS = SegmenterSettings()


def segmenter_settings(options: argparse.Namespace) -> SegmenterSettings:
    """Build the segmenter's settings from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    SourceError
        If the palette cannot be read.
    """
    named = vars(options)  # commands lack some of these options
    palette: tuple[str, ...] = ()
    color_space = options.color_space
    if named.get("palette"):
        palette = load_palette(named["palette"])
        color_space = color_space or load_color_space(named["palette"])
    return SegmenterSettings(
        n_clusters=options.clusters,
        palette=palette,
        frozen=named.get("freeze", _DEFAULTS.frozen),
        color_space=color_space or _DEFAULTS.color_space,
        mapping=named.get("mapping", _DEFAULTS.mapping),
        stability=named.get("stability", _DEFAULTS.stability),
        sample_pixels=options.sample_pixels,
        seed=options.seed,
        init=options.init,
        attempts=options.attempts,
        max_iterations=options.max_iterations,
        epsilon=options.epsilon,
        threads=named.get("threads", _DEFAULTS.threads),
    )


def render_settings(options: argparse.Namespace) -> RenderSettings:
    """Build the render settings from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    SourceError
        If the palette to paint with cannot be read.
    """
    return RenderSettings(
        paint=_dark_to_light(options.paint) if isinstance(options.paint, Path) else options.paint,
        view=options.view,
        background=options.background,
        feather=options.feather,
        despeckle=options.despeckle,
        simplify=options.simplify,
    )


def _dark_to_light(file: Path) -> tuple[str, ...]:
    """The colours of a palette file from dark to light, since files have them in any order."""
    return tuple(sorted(load_palette(file), key=_luma))


def _luma(color: str) -> float:
    red, green, blue = bytes.fromhex(color[1:])
    return 0.299 * red + 0.587 * green + 0.114 * blue


def cluster_selection(options: argparse.Namespace) -> ClusterSelection:
    """Build the selection of clusters from options.

    Raises
    ------
    SettingsError
        If the options both keep clusters and switch clusters off.
    """
    return ClusterSelection(
        only=(*options.only, *options.pick), disabled=(*options.disable, *options.pick_off)
    )


def trim_settings(options: argparse.Namespace) -> TrimSettings:
    """Build the settings of the wanted part from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    """
    end = options.end if options.duration is None else options.start + options.duration
    return TrimSettings(options.start, end, options.max_frames)


def decoder_settings(options: argparse.Namespace) -> DecoderSettings:
    """Build the settings of the decoder from options.

    Raises
    ------
    SettingsError
        If a setting is out of range, or the size is given twice.
    """
    sides = {"width": options.width, "height": options.height}
    if options.size is not None:
        if any(sides.values()):
            raise SettingsError("--size gives both sides; leave --width and --height out")
        sides = options.size
    return DecoderSettings(
        deinterlace=options.deinterlace,
        crop=options.crop,
        frame_rate=options.fps,
        **sides,
    )


def capture_settings(options: argparse.Namespace) -> CaptureSettings:
    """Build the capture settings of a live source from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    """
    return CaptureSettings(options.size, options.fps, options.reconnect, options.loop)
