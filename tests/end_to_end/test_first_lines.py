"""What someone tries first in Python, and how the results print."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from kseg_video import (
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    convert,
    render,
)
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from pathlib import Path


def _halves() -> Any:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, 20:] = (0, 0, 255)
    return picture


def test_a_number_is_enough_for_a_segmenter() -> None:
    picture = quadrants()
    by_number = Segmenter(4).segment(picture)
    by_settings = Segmenter(SegmenterSettings(n_clusters=4)).segment(picture)
    assert (by_number.labels == by_settings.labels).all()
    assert len(Segmenter(np.int64(3)).segment(picture).colors) == 3  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [0, 33, True, 6.0, "6"])
def test_another_kind_of_number_is_refused(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="give"):
        Segmenter(wrong)


def test_a_view_is_enough_to_render() -> None:
    picture = quadrants()
    segmentation = Segmenter(4).segment(picture)
    for view in ("segmented", "masked", "boundaries", "labels"):
        wanted = render(picture, segmentation, RenderSettings(view=view))
        assert (render(picture, segmentation, view) == wanted).all()
    with pytest.raises(SettingsError, match="choose one of segmented"):
        render(picture, segmentation, "posterized")  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", [set, frozenset, list, tuple, dict.fromkeys])
def test_any_collection_of_numbers_is_switched_off(kind: Any) -> None:
    numbers = kind([0, 2])
    if isinstance(numbers, dict):
        numbers = numbers.keys()
    assert RenderSettings(disabled=numbers).disabled == {0, 2}


def test_results_print_in_a_line(tmp_path: Path) -> None:
    segmentation = Segmenter(2).segment(_halves())
    palette = "2 clusters: 0 #000000 66.7%, 1 #ff0000 33.3%"
    assert repr(segmentation.palette) == f"<Palette of {palette}>"
    assert repr(segmentation) == f"<Segmentation 30x20, cold, inertia 0, {palette}>"
    cv2.imwrite(str(tmp_path / "a.png"), _halves())
    report = convert(
        tmp_path / "a.png", tmp_path / "b.png", segmenter=SegmenterSettings(n_clusters=2)
    )
    assert re.fullmatch(
        r"<ConversionReport of \S+b\.png: 1 frame, .*palette 0 #000000 66\.7%, 1 #ff0000 33\.3%>",
        repr(report),
    )


def test_notebooks_show_the_palette_and_the_picture() -> None:
    segmentation = Segmenter(3).segment(_halves())  # one cluster is not found
    table = segmentation.palette._repr_html_()
    assert re.findall("background:(#[0-9a-f]{6})", table) == ["#000000", "#ff0000"]
    shown = segmentation._repr_html_()
    assert shown.endswith(table)
    data = re.findall(r'src="data:image/png;base64,([^"]+)"', shown)[0]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert (picture == _halves()).all()


def test_a_large_picture_is_scaled_for_notebooks() -> None:
    picture = np.zeros((1000, 2000, 3), np.uint8)
    assert len(Segmenter(1).segment(picture)._repr_html_()) < 20_000
