"""Runs that write no video: previews, and statistics."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import imageio.v3 as iio
import numpy as np
import pytest

from kseg_video import (
    DecoderSettings,
    Frame,
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SinkError,
    TrimSettings,
    VideoInfo,
    convert,
)
from kseg_video.conversion.contact_sheet import draw_contact_sheet
from kseg_video.conversion.inspection import preview_source
from kseg_video.conversion.sheet_frames import SheetFrames
from kseg_video.reading.sources import OpeningSource
from tests.helpers.media import encode

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.conversion.inspection import Preview
    from kseg_video.core.frame import PaletteEvent

_SHOTS = (
    ((0, 0, 230), (230, 40, 0), (20, 20, 20)),
    ((230, 40, 0), (0, 0, 230), (240, 240, 240)),
    ((20, 200, 20), (20, 20, 20), (240, 240, 240)),
)
_FRAMES_OF_SHOT = 6


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = []
    for colors in _SHOTS:
        picture = np.zeros((48, 96, 3), np.uint8)
        for place, color in enumerate(colors):
            picture[:, 32 * place : 32 * (place + 1)] = color
        pictures += [picture] * _FRAMES_OF_SHOT
    path = tmp_path_factory.mktemp("shots") / "shots.mkv"
    return encode(path, pictures, "-c:v", "ffv1")


def _preview(source: Path, output: Path, **settings: Any) -> Preview:
    segmenter = SegmenterSettings(**settings)
    return preview_source(
        *(OpeningSource(source), output, segmenter, TrimSettings(), DecoderSettings()),
        title=source.name,
    )


class TestPreview:
    def test_frames_have_the_numbers_of_convert(self, shots: Path, tmp_path: Path) -> None:
        preview = _preview(shots, tmp_path / "sheet.png", n_clusters=3)
        report = convert(
            shots,
            tmp_path / "labels.npz",
            segmenter=SegmenterSettings(n_clusters=3),
            rendering=RenderSettings(view="labels"),
        )
        labels = np.load(tmp_path / "labels.npz")["labels"]
        assert len(preview.frames) == 4
        for frame in preview.frames:
            size = frame.labels.shape[::-1]
            stored = labels[round(frame.time * 25)]
            wanted = cv2.resize(stored, size, interpolation=cv2.INTER_NEAREST_EXACT)
            assert (frame.labels == wanted).all()
        assert preview.report.palette.hex_colors == report.palette.hex_colors
        assert (preview.report.palette.shares == report.palette.shares).all()

    def test_a_sheet_shows_each_cluster_in_its_colour_beside_the_frames(
        self, shots: Path, tmp_path: Path
    ) -> None:
        preview = _preview(shots, tmp_path / "sheet.png", n_clusters=5)
        sheet = iio.imread(tmp_path / "sheet.png")
        beside = sheet[:, sheet.shape[1] - 430 :].reshape(-1, 3)
        for frame in preview.frames:
            for number in np.unique(frame.labels).tolist():
                color = frame.colors[number, ::-1]
                assert (beside == color).all(axis=1).sum() > 100
                assert (sheet[:, :-430].reshape(-1, 3) == color).all(axis=1).sum() > 1000

    def test_an_image_is_shown_beside_its_source(self, lake_image: Path, tmp_path: Path) -> None:
        preview = _preview(lake_image, tmp_path / "sheet.webp", n_clusters=4)
        assert len(preview.frames) == 1
        source = preview.frames[0].source
        assert source is not None
        height, width = source.shape[:2]
        assert (preview.sheet[84 : 84 + height, 32 : 32 + width] == source).all()
        assert iio.imread(tmp_path / "sheet.webp").shape == preview.sheet.shape

    def test_no_sheet_replaces_a_file_unasked(self, lake_image: Path, tmp_path: Path) -> None:
        (tmp_path / "sheet.png").write_text("mine")
        with pytest.raises(SinkError, match="exists"):
            _preview(lake_image, tmp_path / "sheet.png")
        assert (tmp_path / "sheet.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("shots", "length", "most"), [(1, 40, 4), (2, 30, 4), (5, 3, 5), (40, 2, 6), (1, 1, 1)]
)
def test_each_of_a_few_shots_has_a_frame(shots: int, length: int, most: int) -> None:
    """Whatever the number of shots and their lengths."""
    frames = SheetFrames(VideoInfo(12, 8, Fraction(1)))
    segmenter = Segmenter(SegmenterSettings(n_clusters=2))
    rng = np.random.default_rng(0)
    for shot in range(shots):
        picture = rng.integers(0, 256, (8, 12, 3), np.uint8)
        segmentation = segmenter.segment(picture)
        for number in range(length):
            event: PaletteEvent = "warm" if number else "cut"
            frame = Frame(picture, time=float(shot * length + number))
            frames.add(frame, replace(segmentation, event=event))
    chosen = frames.chosen()
    assert len(chosen) == most
    assert [frame.time for frame in chosen] == sorted({frame.time for frame in chosen})
    of_shots = {int(frame.time) // length for frame in chosen}
    assert len(of_shots) == min(shots, most)
    if shots == 1 and length > 1:  # spread over it
        assert [round(frame.time * 8 / length) for frame in chosen] == [1, 3, 5, 7]
    sheet = draw_contact_sheet("x" * 500, chosen, segmentation.palette)
    assert sheet[:, -8:].min() == 255  # nothing is cut off at the margin
