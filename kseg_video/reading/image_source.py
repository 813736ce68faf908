"""Images as frames: a single one, a folder, or a sequence such as ``frame_%04d.png``."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.media_info import VideoInfo
from kseg_video.core.timing import frames_before
from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.reading.image_decoding import read_image
from kseg_video.reading.image_files import (
    READ_SUFFIXES,
    are_alike,
    is_sequence,
    may_be_transparent,
    numbered_files,
)
from kseg_video.reading.input_file_checks import check_is_regular
from kseg_video.reading.trimming import PictureGeometry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.media_info import MediaTracks
    from kseg_video.core.media_settings import DecoderSettings, TrimSettings
    from kseg_video.reading.image_decoding import DecodedImage

_SEQUENCE_FRAME_RATE = Fraction(25)


class ImageSource(ClosingContext):
    """One image, or the images of a folder or numbered sequence as a video.

    Parameters
    ----------
    path : Path
        An image, a folder, or a pattern that `kseg_video.reading.image_files.is_sequence` accepts.
    trim : TrimSettings
    decoder : DecoderSettings

    Raises
    ------
    SourceError
        If there is no image, or none in the chosen part.
    """

    tracks: MediaTracks | None = None

    def __init__(self, path: Path, trim: TrimSettings, decoder: DecoderSettings) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._path = path
        rate = Fraction(decoder.frame_rate or _SEQUENCE_FRAME_RATE)
        single = False
        if path.is_dir():
            images = self._images_in(path)
        elif is_sequence(path):
            images = self._numbered(path)
        else:
            images, rate, single = [path], Fraction(1), True
        self._skipped = frames_before(trim.start, float(rate))
        stop = len(images) if trim.end is None else frames_before(trim.end, float(rate))
        self._images = images[self._skipped : stop][: trim.max_frames]
        if not self._images:
            count = "1 frame" if len(images) == 1 else f"{len(images)} frames"
            raise SourceError(f"{path} has no frame in the chosen part; it has {count}")
        for image in self._images:
            check_is_regular(image)
        self._has_other_profiles = False
        self._first = read_image(self._images[0])
        self._size = self._first.bgr.shape[:2]
        self._geometry = geometry = PictureGeometry.of_pictures(path, decoder, self._size[::-1])
        if geometry.is_scaled:
            self.notes.append(f"scaled to {geometry.width}x{geometry.height}")
        self.info = VideoInfo(
            width=geometry.width,
            height=geometry.height,
            frame_rate=rate,
            encoding=_encoding(self._first),
            frame_count=len(self._images),
            is_image=single,
            has_alpha=self._first.alpha is not None
            or any(map(may_be_transparent, self._images[1:])),
        )

    def look_ahead(self) -> None:
        """Return None: images have no look-ahead."""

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def __iter__(self) -> Iterator[Frame]:
        geometry, size = self._geometry, self._size
        damaged, with_others = [], []
        for index, path in enumerate(self._images):
            image = self._first if index == 0 else read_image(path)
            self.notes += [note for note in image.notes if note not in self.notes]
            self.warnings += image.warnings
            if (found := image.bgr.shape[:2]) != size:
                raise SourceError(
                    f"{path} is {found[1]}x{found[0]} and {self._images[0].name} "
                    f"{size[1]}x{size[0]}; bring them to one size"
                )
            if not self._has_other_profiles and not are_alike(
                image.icc_profile, self._first.icc_profile
            ):
                self._has_other_profiles = True
                self.notes.append(
                    f"{path.name} has another colour profile than {self._images[0].name}"
                )
            if not image.is_whole:
                damaged.append(path)
            if image.has_others:
                with_others.append(path)
            time = float((self._skipped + index) / self.info.frame_rate)
            alpha = None if image.alpha is None else geometry.cut(image.alpha)
            bgr, alpha = geometry.scaled(geometry.cut(image.bgr), alpha)
            yield Frame(
                *(bgr, "bgr24", _encoding(image), index, time, alpha),
                metadata=image.metadata,
            )
        if damaged:
            self.warnings.append(
                f"{_files(damaged, 'is', 'are')} damaged; what could be decoded was used"
            )
        if with_others:
            self.notes.append(
                f"{_files(with_others, 'holds', 'hold')} several pictures, of which the first was "
                "used; save the others as images of their own to use them"
            )

    def _images_in(self, folder: Path) -> list[Path]:
        files = [path for path in folder.iterdir() if not path.is_dir() and path.name[0] != "."]
        images = [path for path in files if path.suffix.lower() in READ_SUFFIXES]
        if not images:
            known = ", ".join(sorted(READ_SUFFIXES))
            raise SourceError(
                f"{folder} holds no images (known are {known}); name videos themselves, as "
                f"{folder / '*.mp4'}"
            )
        others = len(files) - len(images)
        if others:
            files_of_others = "1 file" if others == 1 else f"{others} files"
            self.notes.append(f"{files_of_others} in {folder} not taken, being no images")
        return sorted(images, key=_natural_order)

    def _numbered(self, pattern: Path) -> list[Path]:
        """Files that match a pattern such as ``frame_%04d.png``, in order of their numbers."""
        numbered = numbered_files(pattern)
        if not numbered:
            raise SourceError(f"no file has a name like {pattern}; check the pattern")
        first, last = min(numbered), max(numbered)
        missing = last - first + 1 - len(numbered)
        if missing:
            self.warnings.append(
                f"{missing} of the numbers from {first} to {last} have no file like {pattern}; "
                "the images were taken one after another"
            )
        return [numbered[number] for number in sorted(numbered)]


def _encoding(image: DecodedImage) -> ColorEncoding:
    height, width = image.bgr.shape[:2]
    return replace(ColorEncoding.guess(width, height), icc_profile=image.icc_profile)


def _files(paths: list[Path], verb: str, plural_verb: str) -> str:
    """The beginning of a sentence on some files, of which it names the first."""
    if len(paths) == 1:
        return f"{paths[0]} {verb}"
    others = "1 other" if len(paths) == 2 else f"{len(paths) - 1} others"
    return f"{paths[0]} and {others} {plural_verb}"


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts frame10 after frame9."""
    parts: list[tuple[str, str]] = re.findall(r"(\d+)|(\D+)", path.name)
    return [(int(number), "") if number else (-1, text) for number, text in parts]
