# The public names, each once: `__init__.py` reads them here, and loads them when first used.

from kseg_video.conversion.convert import Conversion as Conversion
from kseg_video.conversion.convert import convert as convert
from kseg_video.conversion.frame_statistics import FrameStatistics as FrameStatistics
from kseg_video.conversion.frame_statistics import measure as measure
from kseg_video.conversion.palette_finder import FoundPalette as FoundPalette
from kseg_video.conversion.palette_finder import find_palette as find_palette
from kseg_video.conversion.report import ConversionObserver as ConversionObserver
from kseg_video.conversion.report import ConversionReport as ConversionReport
from kseg_video.core.cluster_selectors import ClusterSelection as ClusterSelection
from kseg_video.core.errors import DisplayError as DisplayError
from kseg_video.core.errors import KsegError as KsegError
from kseg_video.core.errors import SettingsError as SettingsError
from kseg_video.core.errors import SinkError as SinkError
from kseg_video.core.errors import SourceError as SourceError
from kseg_video.core.frame import Frame as Frame
from kseg_video.core.frame import Segmentation as Segmentation
from kseg_video.core.media_info import AudioTrack as AudioTrack
from kseg_video.core.media_info import MediaTracks as MediaTracks
from kseg_video.core.media_info import SubtitleTrack as SubtitleTrack
from kseg_video.core.media_info import VideoInfo as VideoInfo
from kseg_video.core.media_settings import DecoderSettings as DecoderSettings
from kseg_video.core.media_settings import EncoderSettings as EncoderSettings
from kseg_video.core.media_settings import StatisticsSettings as StatisticsSettings
from kseg_video.core.media_settings import TrimSettings as TrimSettings
from kseg_video.core.palette import Palette as Palette
from kseg_video.core.settings import RenderSettings as RenderSettings
from kseg_video.core.settings import SegmenterSettings as SegmenterSettings
from kseg_video.pieces.piecewise_conversion import convert_in_pieces as convert_in_pieces
from kseg_video.reading.palette_reader import load_palette as load_palette
from kseg_video.reading.sources import FrameSource as FrameSource
from kseg_video.reading.sources import open_source as open_source
from kseg_video.rendering.renderer import Renderer as Renderer
from kseg_video.rendering.renderer import render as render
from kseg_video.segmentation.segmenter import Segmenter as Segmenter
from kseg_video.writing.palette_writer import save_palette as save_palette
from kseg_video.writing.sinks import FrameSink as FrameSink
from kseg_video.writing.sinks import open_sink as open_sink

__version__: str
