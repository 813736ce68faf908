from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from kseg_video import (
    ClusterSelection,
    EncoderSettings,
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    TrimSettings,
)
from kseg_video.core.timing import StageTimer

BAD = [
    (SegmenterSettings, {"n_clusters": 0}, "cannot be 0; give a whole number from 1 to 32"),
    (SegmenterSettings, {"n_clusters": 33}, "from 1 to 32"),
    (SegmenterSettings, {"n_clusters": 2.5}, "whole number"),
    (SegmenterSettings, {"n_clusters": True}, "whole number"),
    (SegmenterSettings, {"color_space": "cmyk"}, "choose one of rgb, lab"),
    (SegmenterSettings, {"mapping": "slow"}, "choose one of fast, exact"),
    (SegmenterSettings, {"stability": -0.1}, "give 0 to 1"),
    (SegmenterSettings, {"stability": float("nan")}, "give 0 to 1"),
    (SegmenterSettings, {"sample_pixels": 0}, "of at least 1"),
    (SegmenterSettings, {"sample_pixels": "some"}, "whole number"),
    (SegmenterSettings, {"seed": -1}, "seed"),
    (SegmenterSettings, {"init": "zeros"}, "choose one of"),
    (SegmenterSettings, {"attempts": 0}, "attempts"),
    (SegmenterSettings, {"max_iterations": 0}, "iterations"),
    (SegmenterSettings, {"epsilon": 0.0}, "above 0"),
    (SegmenterSettings, {"epsilon": float("inf")}, "above 0"),
    (SegmenterSettings, {"n_clusters": "many"}, "from 1 to 32 or auto"),
    (SegmenterSettings, {"palette": ("#000000",), "n_clusters": 2}, "as many clusters, not 2"),
    (SegmenterSettings, {"palette": ("#000000",), "n_clusters": 5}, "as many clusters, not 5"),
    (SegmenterSettings, {"palette": ("#000000",), "n_clusters": "auto"}, "leave one of the two"),
    (RenderSettings, {"view": "sideways"}, "choose one of segmented"),
    (RenderSettings, {"disabled": frozenset({32})}, "from 0 to 31"),
    (TrimSettings, {"start": -1.0}, "give seconds, 0 to"),
    (TrimSettings, {"start": 2.0, "end": 2.0}, "after the start"),
    (TrimSettings, {"end": float("nan")}, "after the start"),
    (TrimSettings, {"start": 1e308}, "0 to 2147483647"),
    (TrimSettings, {"end": 1e300}, "at most 2147483647"),
    (TrimSettings, {"max_frames": 0}, "from 1 to"),
    (EncoderSettings, {"crf": 64}, "from 0 to 63"),
    (EncoderSettings, {"codec": "theora"}, "choose one of h264, h265"),
    (EncoderSettings, {"preset": "placebo"}, "choose one of ultrafast"),
    (EncoderSettings, {"lossless": True, "crf": 3}, "leave them out"),
]


@pytest.mark.parametrize(("kind", "values", "message"), BAD)
def test_what_is_out_of_range_is_refused(
    kind: type[object], values: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        kind(**values)


@pytest.mark.parametrize("kind", [SegmenterSettings, RenderSettings, TrimSettings, EncoderSettings])
def test_defaults_are_valid_and_frozen(kind: type[object]) -> None:
    settings = kind()
    field = next(iter(dataclasses.fields(settings))).name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(settings, field, None)


def test_the_number_of_clusters_follows_a_palette() -> None:
    palette = ("#000000", "#808080", "#ffffff")
    assert SegmenterSettings(palette=palette).cluster_count == 3
    assert SegmenterSettings(palette=palette, n_clusters=3).cluster_count == 3
    assert dataclasses.replace(SegmenterSettings(), palette=palette).cluster_count == 3


def test_a_segmenter_is_told_how_many_clusters_there_are() -> None:
    auto, message = SegmenterSettings(n_clusters="auto"), "give a number instead of auto"
    with pytest.raises(SettingsError, match=message):
        Segmenter(auto)
    segmenter = Segmenter(SegmenterSettings(n_clusters=2))
    with pytest.raises(SettingsError, match=message):
        segmenter.retune(auto)
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert len(segmenter.segment(picture).palette) == segmenter.settings.n_clusters == 2


@pytest.mark.parametrize("count", [33, 40, 300])
def test_a_palette_has_no_more_colors_than_there_may_be_clusters(count: int) -> None:
    colors = tuple(f"#{number:06x}" for number in range(count))
    with pytest.raises(SettingsError, match=f"palette of {count} colours .* give 32 at the most"):
        SegmenterSettings(palette=colors)
    with pytest.raises(SettingsError, match=f"palette of {count} colours .* give 32 at the most"):
        dataclasses.replace(SegmenterSettings(), palette=colors)
    with pytest.raises(SettingsError, match=f"cannot be {count}; give a whole number from 1 to 32"):
        SegmenterSettings(count, palette=colors)
    assert SegmenterSettings(palette=colors[:32]).cluster_count == 32


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    two: Any = np.uint8(2)
    assert SegmenterSettings(two, seed=two).cluster_count == 2
    assert RenderSettings(disabled=frozenset({two})).disabled == {2}
    selection = ClusterSelection(disabled=(two, (two, two)))
    assert selection.numbers == {2}
    assert TrimSettings(max_frames=two).max_frames == 2
    assert EncoderSettings(crf=two).crf == 2


def test_importing_the_package_loads_and_changes_nothing() -> None:
    code = (
        "import sys, os, signal, threading, logging; import kseg_video, kseg_video.cli.main\n"
        "assert 'cv2' not in sys.modules and 'numpy' not in sys.modules\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "import cv2; threads = cv2.getNumThreads(); import kseg_video.conversion.convert\n"
        "assert cv2.getNumThreads() == threads and threading.active_count() == 1\n"
        "assert not logging.root.handlers"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_stages_add_up_by_the_clock() -> None:
    ticks = iter([0.0, 1.0, 5.0, 5.5, 10.0, 12.0])
    timer = StageTimer(lambda: next(ticks))
    for name in ("read", "fit", "read"):
        with timer.stage(name):
            pass
    assert timer.seconds == {"read": 3.0, "fit": 0.5}
    assert timer.milliseconds_per(2) == {"read": 1500, "fit": 250}
