"""The settings that parsed arguments stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.media_settings import CaptureSettings
from kseg_video.core.settings import ClusterChoice, RenderSettings, SegmenterSettings
from kseg_video.reading.palette_reader import load_color_space, load_palette

if TYPE_CHECKING:
    import argparse

_DEFAULTS = SegmenterSettings()


def segmenter_settings(options: argparse.Namespace) -> SegmenterSettings:
    """Settings of the segmenter; where the number of clusters is left open, the default stands.

    Raises
    ------
    SettingsError
        If one is out of range.
    SourceError
        If the palette cannot be read.
    """
    named = vars(options)  # not all commands have all of them
    palette: tuple[str, ...] = ()
    color_space = options.color_space
    if named.get("palette"):
        palette = load_palette(named["palette"])
        color_space = color_space or load_color_space(named["palette"])
    count = _DEFAULTS.n_clusters if options.clusters == "auto" else options.clusters
    return SegmenterSettings(
        n_clusters=len(palette) or count,
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
    )


def render_settings(options: argparse.Namespace) -> RenderSettings:
    """What is painted.

    Raises
    ------
    SettingsError
        If one is out of range.
    """
    return RenderSettings(
        view=options.view,
        background=options.background,
        feather=options.feather,
        despeckle=options.despeckle,
    )


def cluster_choice(options: argparse.Namespace) -> ClusterChoice:
    """Which clusters are switched off.

    Raises
    ------
    SettingsError
        If some are kept and some switched off.
    """
    return ClusterChoice(
        only=(*options.only, *options.pick), off=(*options.disable, *options.pick_off)
    )


def capture_settings(options: argparse.Namespace) -> CaptureSettings:
    """What is asked of a live source.

    Raises
    ------
    SettingsError
        If one is out of range.
    """
    return CaptureSettings(options.size, options.fps, options.reconnect, options.loop)
