"""Real-time colour segmentation of video by k-means.

The names below are the whole public interface. They are loaded when first used, so that
``kseg-video --help`` answers without OpenCV.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # the module of that name takes longer to import than all that is here
if TYPE_CHECKING:
    from typing import Any

    from kseg_video.conversion import convert
    from kseg_video.errors import DisplayError, KsegError, SettingsError, SinkError, SourceError
    from kseg_video.frame import Frame, Segmentation, VideoInfo
    from kseg_video.frame_statistics import FrameStatistics, measure
    from kseg_video.media_settings import (
        DecoderSettings,
        EncoderSettings,
        StatisticsSettings,
        TrimSettings,
    )
    from kseg_video.palette import Palette
    from kseg_video.palette_finding import FoundPalette, find_palette
    from kseg_video.palette_reading import load_palette
    from kseg_video.palette_writing import save_palette
    from kseg_video.rendering import Renderer, render
    from kseg_video.report import Report, RunObserver
    from kseg_video.segmenter import Segmenter
    from kseg_video.settings import ClusterChoice, RenderSettings, SegmenterSettings
    from kseg_video.sinks import FrameSink, open_sink
    from kseg_video.sources import FrameSource, open_source
    from kseg_video.tracks import AudioTrack, SubtitleTrack, Tracks

__version__ = "0.1.0"

_HOMES = {
    "conversion": ("convert",),
    "errors": ("DisplayError", "KsegError", "SettingsError", "SinkError", "SourceError"),
    "frame": ("Frame", "Segmentation", "VideoInfo"),
    "frame_statistics": ("FrameStatistics", "measure"),
    "media_settings": (
        "DecoderSettings",
        "EncoderSettings",
        "StatisticsSettings",
        "TrimSettings",
    ),
    "palette": ("Palette",),
    "palette_finding": ("FoundPalette", "find_palette"),
    "palette_reading": ("load_palette",),
    "palette_writing": ("save_palette",),
    "report": ("Report", "RunObserver"),
    "rendering": ("Renderer", "render"),
    "segmenter": ("Segmenter",),
    "settings": ("ClusterChoice", "RenderSettings", "SegmenterSettings"),
    "sinks": ("FrameSink", "open_sink"),
    "sources": ("FrameSource", "open_source"),
    "tracks": ("AudioTrack", "SubtitleTrack", "Tracks"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AudioTrack",
    "ClusterChoice",
    "DecoderSettings",
    "DisplayError",
    "EncoderSettings",
    "FoundPalette",
    "Frame",
    "FrameSink",
    "FrameSource",
    "FrameStatistics",
    "KsegError",
    "Palette",
    "RenderSettings",
    "Renderer",
    "Report",
    "RunObserver",
    "Segmentation",
    "Segmenter",
    "SegmenterSettings",
    "SettingsError",
    "SinkError",
    "SourceError",
    "StatisticsSettings",
    "SubtitleTrack",
    "Tracks",
    "TrimSettings",
    "VideoInfo",
    "__version__",
    "convert",
    "find_palette",
    "load_palette",
    "measure",
    "open_sink",
    "open_source",
    "render",
    "save_palette",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the module holds
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
