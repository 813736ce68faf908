"""What ffmpeg makes of a stream's pictures on their way to us: progressive, SDR, I420 or RGB."""

from __future__ import annotations

import math
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.ffmpeg_arguments import WITHOUT_TAGS, file_input, video_filter
from kseg_video.reading.tone_mapping import ACCURACY, SDR, hdr_transfer, to_sdr

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from kseg_video.core.frame import PixelLayout
    from kseg_video.core.media_settings import DecoderSettings
    from kseg_video.core.yuv import ColorEncoding
    from kseg_video.ffmpeg.probe import ProbedVideo
    from kseg_video.reading.trimming import WantedPart

# Filter that makes a rate constant; what it says at its end is not to be mistaken for another's.
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
_SMALLEST_DEINTERLACED = (3, 4)


@dataclass(frozen=True, slots=True)
class Decoding:
    """How the pictures of a stream are delivered.

    Parameters
    ----------
    video : ProbedVideo
    settings : DecoderSettings
    """

    video: ProbedVideo
    settings: DecoderSettings

    @property
    def layout(self) -> PixelLayout:
        """Layout of the delivered pixels."""
        return "i420" if self.video.planar and not self._hdr else "bgr24"

    @property
    def encoding(self) -> ColorEncoding:
        """Encoding of the delivered pixels, and of what is made of them."""
        return SDR if self._hdr else self.video.encoding

    @property
    def has_alpha(self) -> bool:
        """Whether opacity follows each pixel's colour."""
        return self.video.alpha and not self._hdr

    def notes(self, *, variable_rate: bool) -> list[str]:
        """What the user should know of it.

        Parameters
        ----------
        variable_rate : bool
            Whether frames lasted unequally long.
        """
        notes = []
        if variable_rate:
            notes.append(
                f"variable frame rate made constant at {float(self.video.frame_rate):g} fps"
            )
        if self._deinterlaces:
            notes.append("interlaced pictures deinterlaced")
        if self._hdr:
            notes.append(f"HDR ({self._hdr}) tone-mapped to SDR")
        return notes

    def input_arguments(self, path: Path, part: WantedPart) -> list[str]:
        """Options of the decoding ffmpeg up to its output's, with which it reads a part of a file.

        Parameters
        ----------
        path : Path
        part : WantedPart
        """
        arguments = ["-nostdin"]
        if part.seek:
            arguments += ["-ss", f"{part.seek:.6f}"]
        if self.video.vp9_alpha:
            arguments += ["-c:v", "libvpx-vp9"]
        arguments += self._size_arguments
        arguments += [*file_input(path), "-map", "0:V:0", "-fps_mode", "passthrough"]
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
        filters += self.preparation
        if self.layout == "bgr24" and not self._hdr:
            size = self.video.width, self.video.height
            filters.append(self._conversion_to_rgb(*size, "bilinear"))
        return _raw(filters, part.count, _FORMATS[self.layout, self.has_alpha])

    def small_arguments(
        self, part: WantedPart, rate: Fraction, width: int, height: int
    ) -> list[str]:
        """Output options with which it gives some pixels of some frames, as BGR.

        Each is one of the source's own: nothing is averaged, and of two fields one is enough. A
        picture is the frame that is shown at its time.

        Parameters
        ----------
        part : WantedPart
        rate : Fraction
            Pictures a second.
        width, height : int
        """
        filters = [*self._at_its_rate(part), video_filter("fps", rate, round="up")]
        if self._hdr:
            filters += to_sdr(self.video, (width, height))
        else:
            filters.append(self._conversion_to_rgb(width, height, "neighbor"))
        count = part.count and math.ceil(part.count * rate / self.video.frame_rate)
        return _raw(filters, count, "bgr24")

    @property
    def preparation(self) -> list[str]:
        """Filters that make pictures progressive, and SDR in RGB if they are HDR."""
        filters = [_DEINTERLACING] if self._deinterlaces else []
        return [*filters, *to_sdr(self.video)] if self._hdr else filters

    @property
    def prepared_as_rgb(self) -> bool:
        """Whether that leaves RGB."""
        return self.video.rgb or self._hdr is not None

    def _at_its_rate(self, part: WantedPart) -> list[str]:
        """Filters that put the wanted frames on their grid, the first one at 0."""
        # Also where a constant rate is claimed: the time stamps may say otherwise.
        first = part.first_time - max(part.seek, self.video.picture_zero)
        shift = video_filter("setpts", f"PTS-{first:.6f}/TB")
        return [shift, video_filter(_FPS, fps=self.video.frame_rate, start_time=0)]

    @property
    def _size_arguments(self) -> list[str]:
        """Options of the input for pictures that change in size.

        Of a stream whose pictures change in size, all filters would start anew, and fill the time
        up to there once more. Filters that do not ask for sizes, before the one that brings all to
        the first one's, can do without; those that turn pictures come first and cannot.
        """
        changes_first = self.layout == "bgr24" and (self._deinterlaces or self._hdr is not None)
        return [] if self.video.turned or changes_first else ["-reinit_filter", "0"]

    def _to_size(self) -> str:
        """Brings pictures to the size of the first; those that have it pass untouched."""
        # yuvj420p must not be squeezed into limited range.
        levels = "pc" if self.video.encoding.full_range else None
        size = self.video.width, self.video.height
        return video_filter("scale", *size, in_range=levels, out_range=levels)

    @property
    def _hdr(self) -> str | None:
        return hdr_transfer(self.video)

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


def _raw(filters: list[str], count: int | None, pixel_format: str) -> list[str]:
    limit = [] if count is None else ["-frames:v", str(count)]
    return [*limit, "-vf", ",".join(filters), "-pix_fmt", pixel_format, "-f", "rawvideo", "-"]
