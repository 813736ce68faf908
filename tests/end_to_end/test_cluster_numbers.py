"""Cluster numbers agree: cluster 3 of `palette` is the one that `convert --disable 3` hides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.helpers.commands import run
from tests.helpers.media import encode, ffmpeg, read_planes

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAVY, RED, GREEN, SAND = (90, 30, 10), (40, 40, 200), (60, 170, 60), (150, 220, 240)  # BGR
WHITE, BLACK, BLUE, GRAY = (255, 255, 255), (0, 0, 0), (240, 60, 30), (120, 120, 120)
HEIGHT, WIDTH = 60, 100
RATE = 10
REAL = "cups_handheld_720p30_audio.mp4"
Rows = list[dict[str, Any]]


def columns(*of_each: tuple[tuple[int, int, int], float]) -> NDArray[np.uint8]:
    """A picture of coloured columns, each as wide as its share."""
    colors, shares = zip(*of_each, strict=True)
    ends = np.rint(np.cumsum(shares) / sum(shares) * WIDTH).astype(int)
    row = np.repeat(np.array(colors, np.uint8), np.diff(ends, prepend=0), axis=0)
    return np.broadcast_to(row, (HEIGHT, WIDTH, 3)).copy()


def upright(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same colours in rows, which counts as another shot."""
    turned = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
    return np.asarray(
        cv2.resize(turned, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8
    )


def clip_of(path: Path, *shots: tuple[NDArray[np.uint8], float]) -> Path:
    """A clip that shows each picture for some seconds."""
    pictures = [picture for picture, seconds in shots for _ in range(round(seconds * RATE))]
    return encode(path, pictures, "-c:v", "ffv1", rate=str(RATE))


def both(clip: Path, *options: str) -> tuple[Rows, Rows, list[str]]:
    """The clusters that `palette` and `convert` report, and the stderr of each."""
    found = run("palette", clip, "--json", *options)
    out = clip.with_stem("made")
    made = run("convert", clip, "-o", out, "-y", "--json", *options)
    assert (found.code, made.code) == (0, 0), found.err + made.err
    rows = [json.loads(done.out)["palette"] for done in (found, made)]
    return rows[0], [row for row in rows[1] if row["real"]], [found.err, made.err]


def beginnings(rows: Rows) -> list[str]:
    return [row["first_hex"] for row in rows if row["first_hex"]]


def rgb(rows: Rows, field: str = "hex") -> NDArray[np.int_]:
    return np.array([list(bytes.fromhex(row[field][1:])) for row in rows], int)


def check_agree(found: Rows, made: Rows) -> None:
    """Check that the nearest colour in the other list has the same number, for every cluster."""
    ways = np.linalg.norm(rgb(found)[:, np.newaxis] - rgb(made), axis=2)
    assert ways.argmin(axis=0).tolist() == ways.argmin(axis=1).tolist() == list(range(len(made)))
    assert ways.diagonal().max() < 24


def number_of(color: tuple[int, int, int], rows: Rows) -> int:
    """The cluster that a user would point at for a colour."""
    return int(np.linalg.norm(rgb(rows) - color[::-1], axis=1).argmin())


FOUR = columns((NAVY, 0.4), (RED, 0.1), (GREEN, 0.2), (SAND, 0.3))
FOUR_OTHERWISE = upright(columns((NAVY, 0.1), (RED, 0.5), (GREEN, 0.3), (SAND, 0.1)))
OTHERS = upright(columns((BLACK, 0.3), (BLUE, 0.1), (GRAY, 0.2), (WHITE, 0.4)))
LATER = columns((NAVY, 0.5), (GREEN, 0.2), (SAND, 0.3))


def halves(dark: float) -> NDArray[np.uint8]:
    """Two shades of a dark colour and two of a light one, to be divided among three clusters."""
    shares = {20: dark / 2, 60: dark / 2, 160: (1 - dark) / 2, 200: (1 - dark) / 2}
    return columns(*(((level,) * 3, share) for level, share in shares.items()))


CLIPS: dict[str, tuple[list[tuple[NDArray[np.uint8], float]], tuple[int, int, int]]] = {
    "two shots, other shares": ([(FOUR, 1.5), (FOUR_OTHERWISE, 1.5)], RED),
    "a colour comes later": ([(LATER, 1.2), (FOUR, 1.8)], RED),
    "shades for three": ([(halves(0.54), 4.0), (halves(0.44), 5.0)], (60, 60, 60)),
    "from black": ([(columns((BLACK, 1)), 0.2), (FOUR, 1.8)], RED),
}
# Those that one run in every gate shows, and the others.
CASES = [
    *("two shots, other shares", "shades for three"),
    *(
        pytest.param(name, marks=pytest.mark.thorough)
        for name in ("a colour comes later", "from black")
    ),
]


def count_of(name: str) -> str:
    return "3" if name == "shades for three" else "4"


class TestOneNumber:
    @pytest.mark.parametrize(
        "options",
        [
            "",
            *(
                pytest.param(option, marks=pytest.mark.thorough)
                for option in ("--color-space lab", "--stability 0", "--freeze", "-k auto")
            ),
        ],
    )
    @pytest.mark.parametrize("name", CASES)
    def test_is_the_same_colour_in_both(self, tmp_path: Path, name: str, options: str) -> None:
        clip = clip_of(tmp_path / "a.mkv", *CLIPS[name][0])
        found, made, _ = both(clip, "-k", count_of(name), *options.split())
        assert beginnings(found) == beginnings(made)
        check_agree(found, made)

    @pytest.mark.thorough
    @pytest.mark.parametrize("name", CASES)
    def test_is_what_is_switched_off(self, tmp_path: Path, name: str) -> None:
        shots, color = CLIPS[name]
        clip = clip_of(tmp_path / "a.mkv", *shots)
        count = count_of(name)
        found = json.loads(run("palette", clip, "-k", count, "--json").out)["palette"]
        number = str(number_of(color, found))
        out = tmp_path / "out.mkv"
        masked = ("--view", "masked", "--disable", number, "--background", "#ff00ff")
        done = run("convert", clip, "-o", out, "-k", count, "--lossless", *masked)
        assert done.code == 0, done.err
        before, after = (np.stack(read_planes(path, "bgr24")).astype(int) for path in (clip, out))
        is_meant = (np.abs(before - color) <= 2).all(axis=-1)
        is_off = (np.abs(after - (255, 0, 255)) <= 6).all(axis=-1)
        assert (is_meant == is_off).mean() > 0.99

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        "options",
        ["--start 2.1 -k auto", "--start 1 --end 2.4 -k 3", "--start 1.7 -k 3", "--max-frames 8"],
    )
    def test_is_so_in_a_part(self, tmp_path: Path, options: str) -> None:
        clip = clip_of(tmp_path / "a.mkv", (LATER, 1.5), (FOUR, 0.5), (OTHERS, 2))
        found, made, _ = both(clip, *options.split())
        assert beginnings(found) == beginnings(made)
        check_agree(found, made)

    @pytest.mark.thorough
    @pytest.mark.parametrize("count", ["5", "8"])
    def test_is_so_in_real_footage(self, real_media: Path, tmp_path: Path, count: str) -> None:
        """Real footage has several k-means fits that are about equally good."""
        clip = tmp_path / "a.mp4"
        ffmpeg("-ss", "2", "-t", "4", "-i", real_media / REAL, "-an", "-s", "480x270", clip)
        found, made, said = both(clip, "-k", count)
        check_agree(found, made)
        assert "colours" not in "".join(said)

    def test_is_so_in_an_image(self, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "a.png"), FOUR)
        found, made, _ = both(tmp_path / "a.png", "-k", "4")
        check_agree(found, made)
        for rows in (found, made):
            assert [row["first_hex"] for row in rows] == [row["hex"] for row in rows]

    def test_has_no_meaning_for_several(self, tmp_path: Path) -> None:
        """`first_hex` is omitted, since `convert` begins each input with its own colours."""
        clips = [
            clip_of(tmp_path / name, (picture, 0.5))
            for name, picture in (("a.mkv", OTHERS), ("b.mkv", FOUR))
        ]
        done = run("palette", *clips, "-k", "4", "--json")
        rows = json.loads(done.out)["palette"]
        assert (done.err, "first_hex" in rows[0]) == ("", False)
        luma = rgb(rows) @ (0.299, 0.587, 0.114)
        assert (np.diff(luma) > 0).all()


class TestColorsOfLaterShots:
    def test_both_say_under_which_numbers_convert_begins_with_others(self, tmp_path: Path) -> None:
        clip = clip_of(tmp_path / "a.mkv", (FOUR, 1.5), (OTHERS, 1.5))
        found, made, said = both(clip, "-k", "4")
        assert beginnings(found) == beginnings(made)
        assert {number_of(color, made) for color in (NAVY, RED, GREEN, SAND)} == {0, 1, 2, 3}
        for rows, line in zip((found, made), said, strict=True):
            ways = np.linalg.norm(rgb(rows) - rgb(rows, "first_hex"), axis=1)
            others = np.flatnonzero(ways > 24)
            assert len(others)
            told = ", ".join(f"{number} as {rows[number]['first_hex']}" for number in others)
            assert told in line
        assert "; give it this palette with --palette to have them as they are here" in said[0]

    def test_one_that_comes_late_is_said_to_be_missing(self, tmp_path: Path) -> None:
        """The colour comes later than the look-ahead reaches."""
        plain = columns((NAVY, 1))
        clip = clip_of(tmp_path / "a.mkv", (plain, 4.5), (FOUR, 2))
        found, made, said = both(clip, "-k", "4")
        check_agree(found, made)
        assert [row["first_hex"] is None for row in made] == [False, True, True, True]
        for line in said:
            assert ": 1 not there, 2 not there, 3 not there" in line

    def test_a_saved_palette_s_numbers_hold_in_all_shots(self, tmp_path: Path) -> None:
        clip, saved = clip_of(tmp_path / "a.mkv", (FOUR, 1.5), (OTHERS, 1.5)), tmp_path / "p.json"
        assert run("palette", clip, "-k", "8", "-o", saved).code == 0
        done = run("convert", clip, "-o", tmp_path / "out.mkv", "--palette", saved, "--json")
        made = json.loads(done.out)["palette"]
        kept = json.loads(saved.read_text())["palette"]
        assert [row["hex"] for row in made] == [row["hex"] for row in kept]
        assert "other colours" not in done.err
