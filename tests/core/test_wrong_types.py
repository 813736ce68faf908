"""Values of any type in any setting: taken, or refused in one line, at once or at first use."""

from __future__ import annotations

import dataclasses
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kseg_video import (
    ClusterSelection,
    DecoderSettings,
    EncoderSettings,
    Frame,
    KsegError,
    Renderer,
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    SourceError,
    StatisticsSettings,
    TrimSettings,
    VideoInfo,
    convert,
    find_palette,
    load_palette,
    measure,
    open_sink,
    open_source,
    render,
    save_palette,
)
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.rendering.cluster_selection import resolve_selection
from tests.helpers.media import make_clip
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from collections.abc import Callable


class Nameless:
    def __repr__(self) -> str:
        raise RuntimeError


VALUES: list[Any] = [
    *(None, "", "x", "nan", "0.5", "red", "rgb", "all", "masked", "random", b"rgb", "a\0.csv"),
    *(True, np.True_, np.False_, -1, 0, 1, 3, 10**30, 10**400, -(10**400), 10**5000),
    *(0.5, -0.5, 1e-300, 1e300, float("nan"), float("inf"), float("-inf"), 2.0, 1j),
    *(Fraction(1, 3), Decimal(1), np.uint8(3), np.int64(-1), np.uint64(2**64 - 1)),
    *(
        np.float32(0.5),
        np.float64("nan"),
        np.longdouble(0.5),
        np.str_("rgb"),
        np.datetime64(0, "s"),
    ),
    *(np.array(3), np.array([1, 2]), np.array([[1, 2]]), np.array(["red"]), np.zeros(3, bool)),
    *((), (0,), (0, 0), (0, 0, 0), ("#000000",), ("red", 3), (None,), ((0, 1),), ((0,),)),
    *(((0, 1, 2),), ((0, "x"),), ((0, -1),), (("#000000",),), (10**5000,), ((10**30, 0),)),
    *([0], ["red"], ["#102030"], [[0, 1]], [[0]], {0}, {"red"}, {"#000000": 1}),
    *(frozenset({0}), frozenset({"red"}), frozenset({40}), range(3), iter([1]), memoryview(b"a")),
    *(
        "blur:" + "9" * 5000,
        "blur:0",
        "pixelate:\u0663",
        "#123456",
        Path("x"),
        Path("a\0.csv"),
        Path(),
    ),
    *(object(), int, len, Nameless(), (Nameless(),), slice(3), Ellipsis, NotImplemented),
]
PICTURE = quadrants()


def use_segmenter(settings: SegmenterSettings, _clip: Path) -> None:
    for mapping in ("fast", "exact"):
        segmenter = Segmenter(dataclasses.replace(settings, mapping=settings.mapping or mapping))
        for _ in range(2):
            assert segmenter.segment(PICTURE).labels.max() < settings.cluster_count


def use_rendering(settings: RenderSettings, _clip: Path) -> None:
    segmentation = Segmenter().segment(PICTURE)
    for view in ("masked", "boundaries"):
        render(PICTURE, segmentation, dataclasses.replace(settings, view=view))


def use_selection(selection: ClusterSelection, _clip: Path) -> None:
    resolve_selection(selection, Segmenter().segment(PICTURE))


def use_part(trim: TrimSettings, clip: Path) -> None:
    with open_source(clip, trim) as source:
        assert len(list(source)) <= 25


def use_decoder(decoder: DecoderSettings, clip: Path) -> None:
    with open_source(clip, decoder=decoder) as source:
        assert list(source)


def use_encoder(encoder: EncoderSettings, clip: Path) -> None:
    encoder = dataclasses.replace(encoder, overwrite=True)
    convert(clip, clip.with_name("out.mp4"), trim=TrimSettings(max_frames=2), encoder=encoder)


def use_statistics(statistics: StatisticsSettings, _clip: Path) -> None:
    assert all(isinstance(path, Path) for path in statistics.paths)


def video_info(**values: Any) -> VideoInfo:
    return VideoInfo(**{"width": 64, "height": 48, "frame_rate": Fraction(25), **values})


def use_video_info(info: VideoInfo, clip: Path) -> None:
    encoder = EncoderSettings(overwrite=True)
    for name in ("b.gif", "b.webp", "b.mp4"):
        with open_sink(clip.with_name(name), info, encoder) as sink:
            sink.write(Frame(np.zeros((48, 64, 3), np.uint8)))


def use_capture(capture: CaptureSettings, _clip: Path) -> None:
    assert hash(capture) == hash(dataclasses.replace(capture))


USES: dict[type, Callable[[Any, Path], None]] = {
    SegmenterSettings: use_segmenter,
    RenderSettings: use_rendering,
    ClusterSelection: use_selection,
    TrimSettings: use_part,
    DecoderSettings: use_decoder,
    EncoderSettings: use_encoder,
    StatisticsSettings: use_statistics,
    CaptureSettings: use_capture,
    VideoInfo: use_video_info,
}
MAKERS: dict[type, Callable[..., Any]] = {VideoInfo: video_info}  # with what has no default


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "a.mp4")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field.name) for kind in USES for field in dataclasses.fields(kind)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_any_value_is_taken_or_refused(kind: type, field: str, clip: Path) -> None:
    taken = []
    for value in VALUES:
        try:
            settings = MAKERS.get(kind, kind)(**{field: value})
        except SettingsError as error:
            assert "\n" not in str(error)  # noqa: PT017 - what is not raised is as good
            continue
        hash(settings)
        if settings in taken:
            continue
        taken.append(settings)
        try:
            USES[kind](settings, clip)
        except KsegError as error:
            assert "\n" not in str(error)  # noqa: PT017
    assert taken or kind is VideoInfo
    assert len(taken) < len(VALUES) / 2


def paint_next(**parameters: Any) -> object:
    return Renderer().render(Frame(PICTURE), **parameters)


SEGMENTATION = Segmenter().segment(PICTURE)
INFO = VideoInfo(21, 20, Fraction(25))
# Of each function a call that goes well, but for one parameter at a time.
CALLS: list[tuple[Callable[..., object], dict[str, Any]]] = [
    (
        convert,
        {
            "source": "a.mp4",
            "output": "b.mp4",
            "segmenter": None,
            "rendering": None,
            "encoder": None,
            "trim": None,
            "decoder": None,
            "statistics": None,
            "selection": None,
            "observer": None,
        },
    ),
    (open_source, {"path": "a.mp4", "trim": None, "decoder": None}),
    (open_sink, {"path": "b.mp4", "info": INFO, "encoder": None, "tracks": None}),
    (
        find_palette,
        {
            "sources": "a.mp4",
            "segmenter": None,
            "trim": None,
            "decoder": None,
        },
    ),
    (load_palette, {"path": "a.hex"}),
    (
        save_palette,
        {
            "path": "b.hex",
            "palette": SEGMENTATION.palette,
            "color_space": None,
            "overwrite": False,
        },
    ),
    (measure, {"picture": PICTURE, "segmentation": SEGMENTATION}),
    (render, {"picture": PICTURE, "segmentation": SEGMENTATION, "settings": None, "layout": None}),
    (paint_next, {"segmentation": SEGMENTATION, "settings": None, "layout": None}),
    (render, {"picture": PICTURE, "segmentation": SEGMENTATION, "background": None}),
    (Segmenter, {"settings": None}),
    (Segmenter().retune, {"settings": SegmenterSettings()}),
    (Segmenter().segment, {"picture": PICTURE}),
]
WRONG: list[Any] = [
    *(3, 0.5, b"a", [3], {}, (), np.zeros(3), np.zeros((2, 2)), object, Nameless(), ""),
    *("a\0", 10**5000, {"a": 1}, [None], lambda: 0),
]


@pytest.mark.parametrize(
    ("function", "parameters", "name"),
    [(function, parameters, name) for function, parameters in CALLS for name in parameters],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parameters_of_another_type_are_named(
    function: Callable[..., object],
    parameters: dict[str, Any],
    name: str,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(clip.parent)
    expected = SourceError if name == "picture" else SettingsError
    for value in WRONG:
        if function is Segmenter and isinstance(value, int) and value == 3:
            continue  # a number of clusters
        with pytest.raises(expected) as caught:
            function(**{**parameters, name: value})
        words = set(re.findall(r"\w+", str(caught.value)))
        assert words & {*name.split("_"), *SAID_FOR.get(name, ()), name}
        assert "\n" not in str(caught.value)


SAID_FOR = {
    "settings": ("clusters", "view"),
    "path": ("source", "output", "file"),
    "color_space": ("colour",),
    "sources": ("source",),
}
