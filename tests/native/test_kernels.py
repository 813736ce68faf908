"""The door to the kernels, whichever side of it they are on."""

from __future__ import annotations

import ctypes
import importlib
import inspect
import sys
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from kseg_video import Frame, Segmenter, SegmenterSettings, render
from kseg_video.native import kernels, reference
from kseg_video.native.library import NotCompiledError, load
from tests.helpers.pictures import noisier, noisy_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.frame import PixelLayout


def _no_library(name: str) -> NoReturn:
    raise OSError(f"{name}: cannot open shared object file")


class TestWithoutALibrary:
    def test_one_that_is_missing_or_none_is_not_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "compiled.shared"
        with pytest.raises(NotCompiledError, match=r"compiled\.shared cannot be loaded"):
            load(path)
        path.write_bytes(b"not a library")
        with pytest.raises(NotCompiledError, match=r"compiled\.shared cannot be loaded"):
            load(path)

    @pytest.fixture
    def _without(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.delitem(sys.modules, "kseg_video.native.compiled", raising=False)
            patch.setattr(ctypes, "CDLL", _no_library)
            importlib.reload(kernels)
            yield
        importlib.reload(kernels)

    @pytest.mark.usefixtures("_without")
    def test_all_kernels_are_the_reference(self) -> None:
        assert not kernels.ARE_COMPILED
        for name in set(kernels.__all__) - {"ARE_COMPILED"}:
            assert getattr(kernels, name) is getattr(reference, name)


def test_all_kernels_of_the_reference_are_offered() -> None:
    names = inspect.getmembers(reference, inspect.isfunction)
    of_reference = {
        name
        for name, function in names
        if function.__module__ == reference.__name__ and not name.startswith("_")
    }
    assert of_reference == set(kernels.__all__) - {"ARE_COMPILED"}


@pytest.mark.parametrize(
    ("layout", "view"),
    [
        ("bgr24", np.s_[:, :97]),  # of a wider buffer
        ("bgr24", np.s_[:, ::-1]),  # mirrored
        ("bgr24", np.s_[::-1]),
        ("bgr24", np.s_[..., ::-1]),  # RGB
        ("i420", np.s_[:, :96]),
    ],
)
def test_the_pixels_of_frames_may_be_views_of_others(
    layout: PixelLayout, view: tuple[slice, ...]
) -> None:
    random = np.random.default_rng(5)
    frame, settings = noisy_frame(layout, 120, 90, random), SegmenterSettings(n_clusters=5)
    of_views, of_copies = Segmenter(settings), Segmenter(settings)
    for _ in range(4):
        seen = Frame(frame.pixels[view], layout)
        assert not seen.pixels.flags.c_contiguous
        copy = Frame(seen.pixels.copy(), layout)
        found, expected = of_views.segment(seen), of_copies.segment(copy)
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(render(seen, found).pixels, render(copy, expected).pixels)
        frame = noisier(frame, random)
