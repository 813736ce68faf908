"""Real-time colour segmentation of video by k-means.

The names below are the whole public interface. They are loaded when first used, so that
``kseg-video --help`` answers without OpenCV.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # the module of that name takes longer to import than all that is here
if TYPE_CHECKING:
    from typing import Any

    from kseg_video.conversion.convert import convert
    from kseg_video.conversion.frame_statistics import FrameStatistics, measure
    from kseg_video.conversion.palette_finder import FoundPalette, find_palette
    from kseg_video.conversion.report import ConversionObserver, ConversionReport
    from kseg_video.core.errors import (
        DisplayError,
        KsegError,
        SettingsError,
        SinkError,
        SourceError,
    )
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import AudioTrack, MediaTracks, SubtitleTrack, VideoInfo
    from kseg_video.core.media_settings import (
        DecoderSettings,
        EncoderSettings,
        StatisticsSettings,
        TrimSettings,
    )
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import ClusterSelection, RenderSettings, SegmenterSettings
    from kseg_video.reading.palette_reader import load_palette
    from kseg_video.reading.sources import FrameSource, open_source
    from kseg_video.rendering.renderer import Renderer, render
    from kseg_video.segmentation.segmenter import Segmenter
    from kseg_video.writing.palette_writer import save_palette
    from kseg_video.writing.sinks import FrameSink, open_sink

__version__ = "0.1.0"

_HOMES = {
    "conversion.convert": ("convert",),
    "conversion.frame_statistics": ("FrameStatistics", "measure"),
    "conversion.palette_finder": ("FoundPalette", "find_palette"),
    "conversion.report": ("ConversionReport", "ConversionObserver"),
    "core.errors": ("DisplayError", "KsegError", "SettingsError", "SinkError", "SourceError"),
    "core.frame": ("Frame", "Segmentation"),
    "core.media_info": ("AudioTrack", "SubtitleTrack", "MediaTracks", "VideoInfo"),
    "core.media_settings": (
        "DecoderSettings",
        "EncoderSettings",
        "StatisticsSettings",
        "TrimSettings",
    ),
    "core.palette": ("Palette",),
    "core.settings": ("ClusterSelection", "RenderSettings", "SegmenterSettings"),
    "reading.palette_reader": ("load_palette",),
    "reading.sources": ("FrameSource", "open_source"),
    "rendering.renderer": ("Renderer", "render"),
    "segmentation.segmenter": ("Segmenter",),
    "writing.palette_writer": ("save_palette",),
    "writing.sinks": ("FrameSink", "open_sink"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AudioTrack",
    "ClusterSelection",
    "ConversionObserver",
    "ConversionReport",
    "DecoderSettings",
    "DisplayError",
    "EncoderSettings",
    "FoundPalette",
    "Frame",
    "FrameSink",
    "FrameSource",
    "FrameStatistics",
    "KsegError",
    "MediaTracks",
    "Palette",
    "RenderSettings",
    "Renderer",
    "Segmentation",
    "Segmenter",
    "SegmenterSettings",
    "SettingsError",
    "SinkError",
    "SourceError",
    "StatisticsSettings",
    "SubtitleTrack",
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
