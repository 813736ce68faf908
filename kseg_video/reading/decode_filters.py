"""Ffmpeg's options that decode a stream to progressive SDR frames, in I420 or RGB."""

from __future__ import annotations

import math
import re
import secrets
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.ffmpeg_arguments import WITHOUT_TAGS, file_input, video_filter
from kseg_video.reading.tone_mapping import ACCURACY, SDR, hdr_transfer, to_sdr, to_srgb

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import PixelLayout
    from kseg_video.core.media_settings import DecoderSettings
    from kseg_video.core.yuv import ColorEncoding
    from kseg_video.ffmpeg.probe import ProbedVideo
    from kseg_video.reading.trimming import PictureGeometry, WantedPart

# The filter that makes the frame rate constant; its random name marks its report in ffmpeg's log.
_FPS = f"fps@{secrets.token_hex(8)}"
RATE_REPORT = re.compile(
    rf"\[{_FPS} @ \w+\] \[verbose\] .*\b(?P<dropped>\d+) frames dropped, "
    r"(?P<repeated>\d+) frames duplicated"
)
_DEINTERLACING = "bwdif=mode=send_frame:deint=interlaced"
_FORMATS = {
    ("bgr24", False): "bgr24",
    ("bgr24", True): "bgra",
    ("i420", False): "yuv420p",
    ("i420", True): "yuva420p",
}
# Codecs of which ffmpeg decodes some frames wrong, others each time, in several threads.
_UNSAFE_IN_THREADS = {"theora", "vp3", "vp4"}
_SMALLEST_DEINTERLACED = (3, 4)
_MOST_TICKS = 1 << 31  # a second, for ffmpeg


@dataclass(frozen=True, slots=True)
class Decoding:
    """How ffmpeg decodes the frames of a stream, and in which format it delivers them.

    Parameters
    ----------
    video : ProbedVideo
    settings : DecoderSettings
    geometry : PictureGeometry
    """

    video: ProbedVideo
    settings: DecoderSettings
    geometry: PictureGeometry

    @property
    def layout(self) -> PixelLayout:
        """Pixel layout of the delivered frames."""
        if not self.video.planar or self._hdr or self.scales_later:
            return "bgr24"
        crop = self.geometry.crop
        cuts_chroma = crop is not None and (crop[2] % 2 or crop[3] % 2)
        return "bgr24" if cuts_chroma else "i420"

    @property
    def scales_later(self) -> bool:
        """Whether pictures come unscaled, since ffmpeg would mix hidden colours into others."""
        return self.geometry.is_scaled and self.has_alpha

    @property
    def encoding(self) -> ColorEncoding:
        """Colour encoding of the delivered frames, and of the output."""
        if self._hdr:
            return SDR
        encoding = self.video.encoding
        return replace(encoding, transfer=None) if self.video.linear else encoding

    @property
    def has_alpha(self) -> bool:
        """Whether the delivered frames carry alpha."""
        return self.video.alpha and not self._hdr

    def notes(self, *, variable_rate: bool, changed: tuple[int, int] | None) -> list[str]:
        """What the user should know about the decoding.

        Parameters
        ----------
        variable_rate : bool
            Whether the frames had unequal durations.
        changed : tuple of int, optional
            Number of frames that were repeated, and left out, to make the rate constant; None if
            unknown.
        """
        notes = []
        rate = self._wanted_rate or self.video.frame_rate
        if variable_rate:
            note = f"variable frame rate made constant at {float(rate):g} fps"
            if changed is not None and self._wanted_rate is None:
                note += "; frames repeated: {}, left out: {}".format(*changed)
            notes.append(note)
        if self._deinterlaces:
            notes.append("interlaced pictures deinterlaced")
        if self._hdr:
            notes.append(f"HDR ({self._hdr}) tone-mapped to SDR")
        if self.video.linear:
            notes.append("linear light converted to sRGB")
        if self.geometry.is_scaled:
            notes.append(f"scaled to {self.geometry.width}x{self.geometry.height}")
        if self.video.others:
            notes.append(f"video left out: track {', '.join(self.video.others)}")
        return notes

    def input_arguments(self, path: Path, part: WantedPart) -> list[str]:
        """Options of the decoding ffmpeg that select its input and the part to read.

        Parameters
        ----------
        path : Path
        part : WantedPart
        """
        arguments = ["-nostdin"]
        if part.seek:
            # Not accurately: the picture on screen at the start may have begun before.
            arguments += ["-noaccurate_seek", "-ss", f"{part.seek:.6f}"]
        if self.video.alpha_decoder is not None:
            arguments += ["-c:v", self.video.alpha_decoder]
        if self.video.codec in _UNSAFE_IN_THREADS:
            arguments += ["-threads", "1"]
        arguments += self._size_arguments
        arguments += [*file_input(path), "-map", f"0:{self.video.stream}"]
        arguments += ["-fps_mode", "passthrough"]
        return [*arguments, *WITHOUT_TAGS]

    def arguments(self, part: WantedPart) -> list[str]:
        """Output options of the decoding ffmpeg.

        Parameters
        ----------
        part : WantedPart
        """
        filters = self._at_its_rate(part)
        if self.layout == "i420":
            filters.append(self._to_size())
        filters += self._deinterlacing
        if self._wanted_rate is not None:
            filters.append(_sampled_at(self._wanted_rate))
        filters += self._to_display
        if self.layout == "bgr24" and not self._hdr:
            size = self.video.width, self.video.height
            filters.append(self._conversion_to_rgb(*size, "bilinear"))
        pixel_format = _FORMATS[self.layout, self.has_alpha]
        if not self.geometry.is_plain:
            scaling = [] if self.scales_later else self.geometry.scaling(self._levels)
            filters += [video_filter("format", pixel_format), *self.geometry.cropping, *scaling]
        return _raw(filters, part.count, pixel_format)

    def small_arguments(
        self, part: WantedPart, rate: Fraction, width: int, height: int
    ) -> list[str]:
        """Output options that deliver a subset of the frames, scaled down, as BGR.

        Scaling takes the nearest pixel, so that every colour is one of the source's own, and
        interlaced frames are not deinterlaced. Each picture is the frame shown at its time.

        Parameters
        ----------
        part : WantedPart
        rate : Fraction
            Pictures per second.
        width, height : int
        """
        filters = [*self._at_its_rate(part), _sampled_at(rate)]
        if not self.geometry.is_plain:
            scaling = self.geometry.scaling(self._levels)
            filters += [self._to_size(), *self.geometry.cropping, *scaling]
        if self._hdr:
            filters += to_sdr(self.video, (width, height))
        else:
            filters += [*self._to_srgb, self._conversion_to_rgb(width, height, "neighbor")]
        count = part.count and math.ceil(part.count * rate / part.frame_rate)
        return _raw(filters, count, "bgr24")

    @property
    def preparation(self) -> list[str]:
        """Filters that deinterlace, and convert HDR to SDR and linear light to sRGB, in RGB."""
        return [*self._deinterlacing, *self._to_display]

    @property
    def prepared_as_rgb(self) -> bool:
        """Whether `preparation` delivers RGB."""
        return self.video.rgb or self._hdr is not None

    def _at_its_rate(self, part: WantedPart) -> list[str]:
        """Filters that put the wanted frames on the grid of the frame rate, the first at 0."""
        # Needed even if the file claims a constant rate, which its time stamps may contradict.
        rate, tick = self.video.frame_rate, self.video.time_base
        common = Fraction(
            math.gcd(tick.numerator * rate.numerator, rate.denominator * tick.denominator),
            tick.denominator * rate.numerator,
        )
        # A frame whose place on the grid is taken gets the next one, and the end comes after the
        # last. Of itself, `fps` would drop a frame where times jitter, and a short last frame.
        place = "if(N,max(PTS,min(PREV_OUTPTS,PTS)+1),PTS)"
        leading = 0 if part.seek else self.video.leading
        before = f"if(lt(N,{leading}),STARTPTS+round((N-{leading})/({rate}*TB)),PTS)"
        return [
            # In ticks as long as a frame, the first frame's time would be rounded.
            video_filter("settb", common if common.denominator < _MOST_TICKS else tick),
            *([video_filter("setpts", before)] if leading else []),
            video_filter("setpts", f"PTS-round({part.decoder_time(self.video):.6f}/TB)"),
            video_filter("settb", 1 / rate),
            video_filter("setpts", place),
            video_filter(_FPS, fps=rate, start_time=0),
        ]

    @property
    def _size_arguments(self) -> list[str]:
        """Input options for streams whose frame size changes.

        By default ffmpeg restarts all filters at a change of size, and `fps` then repeats frames
        from time 0 on. The restart is switched off if the filters before the scaler to the first
        frame's size do not depend on the size; deinterlacing, tone mapping and rotation do.
        """
        changes_first = self.layout == "bgr24" and (self._deinterlaces or self._hdr is not None)
        return [] if self.video.turned or changes_first else ["-reinit_filter", "0"]

    def _to_size(self) -> str:
        """Filter that scales frames to the size of the first; frames of that size are unchanged."""
        size = self.video.width, self.video.height
        return video_filter("scale", *size, in_range=self._levels, out_range=self._levels)

    @property
    def _levels(self) -> str | None:
        """Range for a scaler, to keep yuvj420p from being converted to limited range."""
        return "pc" if self.video.encoding.full_range else None

    @property
    def _wanted_rate(self) -> Fraction | None:
        """Frame rate that is made of the video's own, if another one is wanted."""
        wanted = self.settings.frame_rate
        return None if wanted is None or wanted == self.video.frame_rate else Fraction(wanted)

    @property
    def _deinterlacing(self) -> list[str]:
        return [_DEINTERLACING] if self._deinterlaces else []

    @property
    def _to_display(self) -> list[str]:
        """Filters that convert HDR to SDR and linear light to sRGB, in RGB."""
        return to_sdr(self.video) if self._hdr else self._to_srgb

    @property
    def _hdr(self) -> str | None:
        return hdr_transfer(self.video)

    @property
    def _to_srgb(self) -> list[str]:
        return to_srgb(self.video) if self.video.linear else []

    @property
    def _deinterlaces(self) -> bool:
        least_width, least_height = _SMALLEST_DEINTERLACED
        return (
            self.settings.deinterlace
            and self.video.interlaced
            and self.video.width >= least_width
            and self.video.height >= least_height
        )

    def _conversion_to_rgb(self, width: int, height: int, kernel: str) -> str:
        encoding = self.video.encoding
        return video_filter(
            "scale",
            width,
            height,
            in_color_matrix=None if self.video.rgb else encoding.matrix,
            in_range=None if self.video.rgb else encoding.levels,
            flags=f"{kernel}+{ACCURACY}",
        )


def _sampled_at(rate: Fraction) -> str:
    """Filter that takes, at each tick of a rate, the frame that is shown then."""
    return video_filter("fps", rate, round="up")


def _raw(filters: list[str], count: int | None, pixel_format: str) -> list[str]:
    limit = [] if count is None else ["-frames:v", str(count)]
    return [*limit, "-vf", ",".join(filters), "-pix_fmt", pixel_format, "-f", "rawvideo", "-"]
