"""Draw the sample clip and the sample image: an evening on a lake.

Run ``python samples/make_samples.py [FOLDER]`` to write ``lake.mp4`` and ``lake.jpg``. Every
pixel and every sound is computed from a fixed seed, so the samples carry nobody else's rights.

The picture works like a small ray tracer: a painted view, its mirror image, and ripples whose
slopes decide which part of the mirror image each point of water shows. Colours are linear light
until the last step of a frame. Lengths are metres in the scene and canvas pixels in the picture.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

Image = NDArray[Any]  # of float32, which OpenCV's type stubs cannot promise
Sound = NDArray[np.float64]
Frame = NDArray[np.uint8]
Point = tuple[float, float]

SEED = 20
WIDTH, HEIGHT, FPS = 960, 540, 25
SECONDS, CUT_AT = 8.0, 5.0
STILL_AT = 2.4
GRAIN, STILL_GRAIN = 0.0105, 0.004  # standard deviation, 1 being white
CRF = 29
RATE = 48_000

MARGIN = 24  # spare pixels on each side, used up by the hand shake
CANVAS_W, CANVAS_H = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
OVERSAMPLE = 2  # layers and water are drawn this much larger, then averaged down
LAYER_W, LAYER_H = CANVAS_W * OVERSAMPLE, CANVAS_H * OVERSAMPLE
FRACTION_BITS = 4  # of the coordinates given to OpenCV, to keep shapes off the pixel grid
FOCAL = 1100.0  # about 50 degrees across
SKY_ROWS = 1000  # the water also mirrors sky from above the frame


def linear(code: str) -> Image:
    """Turn an ``rrggbb`` code into linear light."""
    return ((np.frombuffer(bytes.fromhex(code), np.uint8) / 255) ** 2.2).astype(np.float32)


def gradient(codes: str) -> Image:
    """Turn several ``rrggbb`` codes into rows of linear light."""
    return np.stack([linear(code) for code in codes.split()])


SKY_STOPS = (0, 45, 120, 230, 330, 480, 700, 1000)  # pixels above the horizon
SKY = gradient("ee7a2a f6953e fbc07c f8e6d2 e3e6ea a9c4de 6f9fcb 4a7fb5")
SUNLIGHT, CLOUD = gradient("ffd9a0 b58f8c")
LEAF_STOPS = (0.0, 0.35, 0.7, 1.0)  # from deep shade to full sun
LEAVES = gradient("0f2210 2a4e20 537a30 b9b054")
REEDS = gradient("0a120a 22331a 566330 b39a5a")
BARK, WOOD = gradient("2a211b 8d7a68")
SAIL, JIB, HULL, GUNWALE, JACKET, HAIR = gradient("f4dfc2 fdeacb 5d2318 e0bd92 5a2a26 3a2a22")
WATER = linear("114c85")
WATER_TINT = np.array([0.52, 0.77, 1.04], np.float32)  # what the surface does to a reflection

BOAT_SPEED = 3.2
BOAT_SCALE = 90  # sprite pixels per metre
BOAT_SIZE = 7.0  # side of the sprite; the boat floats 1 m above its lower edge
JETTY_START, JETTY_END = np.array([-4.6, 7.0]), np.array([1.6, 21.0])  # (side, distance)
JETTY_LENGTH = float(np.linalg.norm(JETTY_END - JETTY_START))
JETTY_HALF_WIDTH, JETTY_HEIGHT = 0.85, 0.55

# Bands of ripples: side of the repeating tile, shortest and longest wave, typical slope.
BANDS = ((7.0, 0.12, 0.6, 0.03), (23.0, 0.6, 2.4, 0.026), (71.0, 2.4, 9.0, 0.016))
TILE_CELLS = 256

# Notes of birds: start in seconds, lowest and highest pitch in Hz, place from left to right.
BIRDS = (
    *((0.9, 3100, 4300, 0.25), (1.12, 3000, 4500, 0.25), (1.3, 3300, 4200, 0.25)),
    *((3.2, 2400, 3600, 0.8), (3.45, 2500, 3400, 0.8)),
    *((6.3, 3200, 4600, 0.35), (6.5, 3000, 4400, 0.35), (7.1, 2500, 3500, 0.7)),
)
BELL = ((660, 1.0, 1.1), (1325, 0.5, 0.7), (1990, 0.3, 0.4), (3570, 0.15, 0.2))  # Hz, level, s


@dataclass(frozen=True)
class Bank:
    """A wooded bank: where it is, how hazy, and how tall its trees are."""

    distance: float
    span: Point
    haze: float
    heights: Point


@dataclass(frozen=True)
class View:
    """Where the camera stands and what it has in front of it."""

    horizon: int
    eye: float
    sun: Point
    far_shore: Bank
    headland: Bank
    boat_distance: float
    boat_start: float
    reeds: Point
    jetty: bool

    def row(self, distance: float, height: float = 0.0) -> float:
        """Return the canvas row of a point `height` above the water."""
        return self.horizon + FOCAL * (self.eye - height) / distance

    def column(self, distance: float, side: float) -> float:
        """Return the canvas column of a point `side` right of the camera's axis."""
        return CANVAS_W / 2 + FOCAL * side / distance

    def boat_side(self, seconds: float) -> float:
        """Return how far right of the camera's axis the boat is."""
        return self.boat_start + BOAT_SPEED * seconds


WIDE = View(
    horizon=290,
    eye=4.0,
    sun=(262, 98),
    far_shore=Bank(260, (-131, 131), 0.2, (8, 15)),
    headland=Bank(85, (12, 45), 0.04, (6, 12)),
    boat_distance=48,
    boat_start=-15,
    reeds=(-40, 330),
    jetty=False,
)
CLOSE = View(
    horizon=236,
    eye=2.3,
    sun=(905, 112),
    far_shore=Bank(190, (-96, 96), 0.2, (8, 15)),
    headland=Bank(42, (-26, -5), 0.04, (6, 12)),
    boat_distance=75,
    boat_start=2,
    reeds=(-30, 420),
    jetty=True,
)


def mix(a: Image, b: Image, share: Image | float) -> Image:
    """Blend from `a` to `b`."""
    return a + (b - a) * share


def smoothstep(low: float, high: float, x: Image) -> Image:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ramp(x: Image, stops: tuple[float, ...], colours: Image) -> Image:
    """Look `x` up in a gradient."""
    return np.stack([np.interp(x, stops, c) for c in colours.T], -1).astype(np.float32)


def fractal_noise(rng: Generator, size: tuple[int, int], cell: Point, octaves: int) -> Image:
    """Sum octaves of value noise to about 0..1; `size` and first `cell` are (rows, columns)."""
    total = np.zeros(size, np.float32)
    for scale in 2.0 ** np.arange(octaves):
        knots = [int(n * scale / c) + 3 for n, c in zip(size, cell, strict=True)]
        grid = rng.random(knots, np.float32) - 0.5
        total += cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC) / np.float32(scale)
    return total * 0.8 + 0.5


def over(top: Image, under: Image) -> Image:
    """Lay a layer with premultiplied alpha over an image or another layer."""
    covered: Image = top[..., : under.shape[-1]] + under * (1 - top[..., 3:])
    return covered


def blank_layer() -> Image:
    """Return an empty layer at drawing size."""
    return np.zeros((LAYER_H, LAYER_W, 4), np.float32)


def averaged(layer: Image) -> Image:
    """Bring a layer from drawing size to canvas size."""
    return cv2.resize(layer, (CANVAS_W, CANVAS_H), interpolation=cv2.INTER_AREA)


def dab(layer: Image, start: Image, end: Image, width: Image, colour: Image) -> None:
    """Draw short brush strokes in the given order."""
    fixed = OVERSAMPLE << FRACTION_BITS
    first, last = (start * fixed).astype(int), (end * fixed).astype(int)
    thickness = np.maximum(1, np.rint(width * OVERSAMPLE)).astype(int)
    opaque = np.insert(colour.astype(float), 3, 1.0, axis=1)
    strokes = zip(first.tolist(), last.tolist(), opaque.tolist(), thickness.tolist(), strict=True)
    for here, there, paint, thick in strokes:
        cv2.line(layer, here, there, paint, thick, cv2.LINE_8, FRACTION_BITS)


def fill(layer: Image, corners: Image, colour: Image) -> None:
    """Fill a polygon given in pixels of the layer."""
    fixed = np.rint(corners * (1 << FRACTION_BITS)).astype(np.int32)
    cv2.fillPoly(layer, [fixed], (*colour.tolist(), 1.0), cv2.LINE_8, FRACTION_BITS)


def paint_sky(view: View, rng: Generator) -> Image:
    """Paint gradient, glow, sun and clouds; the last row is the horizon."""
    row, across = np.mgrid[:SKY_ROWS, :CANVAS_W].astype(np.float32)
    elevation = SKY_ROWS - row
    base = ramp(elevation, SKY_STOPS, SKY)
    distance = np.hypot(across - view.sun[0], (elevation - view.sun[1]) * 1.3)[..., None]
    glow = SUNLIGHT * (0.55 * np.exp(-distance / 170) + 1.1 * np.exp(-distance / 42))
    disc = SUNLIGHT * 14 * smoothstep(17, 14, distance)
    # Seen from below, a flat sheet of cloud is squeezed towards the horizon.
    sheet = fractal_noise(rng, (900, 1400), (90, 300), 7)
    depth = 26_000 / (elevation + 60)
    place = (across - CANVAS_W / 2) * depth / 110 + 700, depth * 2.1
    density = cv2.remap(sheet, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)[..., None]
    cover = 0.9 * smoothstep(0.46, 0.72, density) * smoothstep(5, 70, elevation)[..., None]
    lit = base * 1.12 + SUNLIGHT * 0.5 * np.exp(-distance / 260)
    clouds = mix(lit, CLOUD + 0.25 * base, 0.75 * smoothstep(0.52, 0.85, density))
    sky: Image = mix(base, clouds, cover) + glow + disc * (1 - cover)
    return sky


def paint_hills(view: View, rng: Generator, air: Image) -> Image:
    """Paint two hazy ridges that end at the far shore."""
    layer = blank_layer()
    level = np.arange(LAYER_H, dtype=np.float32)[:, None] / OVERSAMPLE
    foot = view.row(view.far_shore.distance)
    wide_air = cv2.resize(air[None], (LAYER_W, 1))
    for height, haze, cell in ((66, 0.86, 1040), (40, 0.68, 600)):
        crest = foot - height * (0.35 + 1.1 * fractal_noise(rng, (1, LAYER_W), (1, cell), 9))
        woods = fractal_noise(rng, (LAYER_H, LAYER_W), (14, 22), 4)[..., None]
        inside = (smoothstep(-0.5, 0.5, level - crest) * (level < foot))[..., None]
        veiled = mix(mix(LEAVES[0], LEAVES[2], woods), wide_air * 0.6 + CLOUD * 0.22, haze)
        layer = over(np.concatenate([veiled * inside, inside], -1), layer)
    return layer


def conifer_leaves(rng: Generator, count: int) -> tuple[Image, Image]:
    """Scatter needles on a fir of height 1: places and outward normals as (right, up, near)."""
    angle = rng.uniform(0, 2 * np.pi, count)
    normal = np.stack([np.cos(angle), rng.normal(0, 0.5, count), np.sin(angle)], 1)
    up = 1 - np.sqrt(rng.random(count)) * 0.93
    tier = 0.72 + 0.28 * np.abs(np.sin(up * 34 + rng.random() * 6))
    reach = (1 - up) * 0.2 * tier * np.sqrt(rng.random(count))
    place = normal * reach[:, None]
    place[:, 1] = up - reach * 0.35
    return place, normal * 0.8


def broad_leaves(rng: Generator, count: int) -> tuple[Image, Image]:
    """Scatter leaves on the lobes of a round crown, in the manner of `conifer_leaves`."""
    normal, lobes = rng.normal(size=(count, 3)), rng.normal(size=(26, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    lobes *= rng.random((26, 1)) ** 0.4 / np.linalg.norm(lobes, axis=1, keepdims=True)
    which = rng.integers(26, size=count)
    size = rng.uniform(0.07, 0.15, 26)[which, None] * rng.uniform(0.6, 1.12, (count, 1))
    place = lobes[which] * (0.27, 0.33, 0.27) + (0, 0.6, 0) + normal * size
    return place, 0.6 * normal + 0.5 * lobes[which]


def paint_tree(
    layer: Image, rng: Generator, foot: Image, tall: float, sun: Image, veil: Image
) -> None:
    """Paint one tree, lit from the direction `sun` and hazed by `veil` (colour, share)."""
    leaf = float(np.clip(tall / 60, 0.9, 1.9))
    leaves = conifer_leaves if rng.random() < 0.35 else broad_leaves
    place, normal = leaves(rng, int((tall / leaf) ** 2) + 60)
    shade = 0.12 + 0.12 * normal[:, 1] + 0.65 * np.maximum(normal @ sun, 0)
    shade += 0.25 * (place[:, 1] - 0.5) + rng.normal(0, 0.09, len(shade)) + rng.normal(0, 0.05)
    shade *= 0.75 + 1.2 * place[:, 2]  # little light gets deep into the crown
    colour = mix(ramp(shade, LEAF_STOPS, LEAVES), veil[:3], veil[3])
    spot = foot + place[:, :2] * (tall, -tall)
    tip = spot + rng.normal(0, 0.9, spot.shape) * leaf
    width = leaf * rng.uniform(0.4, 1.1, len(spot))
    order = np.argsort(place[:, 2])
    trunk = foot[None], foot[None] - (0, 0.6 * tall), np.array([tall * 0.022])
    dab(layer, *trunk, mix(BARK, veil[:3], veil[3])[None])
    dab(layer, spot[order], tip[order], width[order], colour[order])


def paint_undergrowth(layer: Image, view: View, bank: Bank, rng: Generator, air: Image) -> None:
    """Paint the dark strip of grass and bushes along the water."""
    scale = FOCAL / bank.distance
    left, right = (view.column(bank.distance, side) for side in bank.span)
    x = rng.uniform(left, right, int((right - left) * max(4.0, scale * 1.2)))
    column = np.clip(x, 0, CANVAS_W - 1).astype(int)
    # The strip thins out towards its ends, and the water line is never quite straight.
    full = np.clip(np.minimum(x - left, right - x) / (5 * scale), 0.04, 1) ** 0.7
    inlets = fractal_noise(rng, (1, CANVAS_W), (1, 4 * scale), 4)[0, column]
    water_line = view.row(bank.distance) - scale * (0.3 * inlets + 0.25 * (1 - full))
    height = rng.random(len(x)) ** 1.5
    start = np.stack([x, water_line - height * scale * 1.1 * full], 1)
    end = start + rng.normal(0, 0.12, start.shape) * scale
    end[:, 1] = np.minimum(end[:, 1], water_line)
    shade = 0.05 + 0.3 * height + rng.normal(0, 0.08, len(x))
    colour = mix(ramp(shade, LEAF_STOPS, LEAVES), air[column], bank.haze * 0.7)
    dab(layer, start, end, np.ones(len(x)), colour)


def paint_bank(layer: Image, view: View, bank: Bank, rng: Generator, air: Image) -> None:
    """Paint a wooded bank: rows of trees from back to front, the last of them bushes."""
    scale = FOCAL / bank.distance
    left, right = (view.column(bank.distance, side) for side in bank.span)
    sun = np.array([0.75 * np.sign(view.sun[0] - CANVAS_W / 2), 0.45, 0.2])
    lowest, highest = bank.heights
    for rank in (0, 0.25, 0.5, 0.75, 1):
        top = highest if rank < 1 else lowest * 0.45
        spacing = scale * top * 0.26
        for spot in np.arange(left, right, spacing):
            x = float(np.clip(spot + rng.normal(0, spacing * 0.4), left, right))
            # Trees get lower towards the ends of the bank, as on any headland.
            ends = np.clip(min(x - left, right - x) / (scale * highest) + 0.35, 0, 1)
            tall = float(scale * ends * rng.uniform(min(lowest, top * 0.6), top))
            foot = np.array([x, view.row(bank.distance) - (1 - rank) * scale * 1.2])
            tint = air[int(np.clip(x, 0, CANVAS_W - 1))] * 0.7
            paint_tree(
                layer, rng, foot, tall, sun, np.append(tint, bank.haze * (1.25 - 0.35 * rank))
            )
    paint_undergrowth(layer, view, bank, rng, air)


def paint_reeds(view: View, rng: Generator) -> Image:
    """Paint a clump of reeds in the foreground, with a few bulrushes."""
    layer = blank_layer()
    t = np.linspace(0, 1, 12)[:, None]
    for _ in range(900):
        along = rng.beta(1.1, 2.0)
        bulrush = rng.random() < 0.03
        tall = (215 - 140 * along) * rng.uniform(0.4, 1.2)
        lean = rng.normal(0.06, 0.05 if bulrush else 0.19) * tall
        path = np.hstack(
            [np.interp(along, (0, 1), view.reeds) + lean * t**2, CANVAS_H + 12 - tall * t]
        )
        shade = rng.uniform(-0.1, 0.4) + 0.45 * t[:-1, 0]
        width = rng.uniform(0.9, 2.6) * (1.05 - t[:-1, 0])
        dab(layer, path[:-1], path[1:], width, ramp(shade, LEAF_STOPS, REEDS))
        if bulrush:
            dab(layer, path[-3:-2], path[-2:-1], np.array([3.5]), BARK[None] * rng.uniform(1, 2.5))
    return averaged(layer)


def jetty_corner(view: View, along: float, side: float, height: float) -> Point:
    """Return the layer pixel of a point of the jetty; `side` is -1 to 1 across the deck."""
    forward = (JETTY_END - JETTY_START) / JETTY_LENGTH
    sideways = np.array([forward[1], -forward[0]]) * JETTY_HALF_WIDTH
    x, z = (float(c) for c in JETTY_START + along * forward + side * sideways)
    return view.column(z, x) * OVERSAMPLE, view.row(z, height) * OVERSAMPLE


def paint_jetty(view: View, rng: Generator, *, mirrored: bool) -> Image:
    """Paint a plank jetty running out from the left bank, or its mirror image."""
    layer = blank_layer()
    flip, tone = (-1, 0.4) if mirrored else (1, 1.0)

    def board(points: list[tuple[float, float, float]], colour: Image) -> None:
        corners = [jetty_corner(view, s, side, flip * height) for s, side, height in points]
        fill(layer, np.array(corners), colour * tone)

    def posts(side: float) -> None:
        for s in np.arange(0.4, JETTY_LENGTH, 2.6)[::-1]:
            for edge, light in ((side - 0.1, 0.35), (side, 0.75)):
                foot, top = [(s, edge, -0.02), (s, edge + 0.1, -0.02)], [(s, edge + 0.1, 0.95)]
                board([*foot, *top, (s, edge, 0.95)], WOOD * light)

    posts(-1)
    for s in np.arange(0, JETTY_LENGTH, 0.16)[::-1]:
        reach = rng.uniform(1.0, 1.05)
        plank = [(s, -reach), (s, reach), (s + 0.14, reach), (s + 0.14, -reach)]
        board([(*end, JETTY_HEIGHT) for end in plank], WOOD * rng.uniform(0.55, 1.3))
    beam = [(0.0, JETTY_HEIGHT), (JETTY_LENGTH, JETTY_HEIGHT), (JETTY_LENGTH, 0.36), (0.0, 0.36)]
    board([(s, 1.0, height) for s, height in beam], WOOD * 0.3)
    posts(1)
    layer[..., :3] *= 0.75 + 0.5 * fractal_noise(rng, (LAYER_H, LAYER_W), (8, 30), 5)[..., None]
    return averaged(layer)


def boat_shapes() -> Iterator[tuple[list[Point], Image]]:
    """Yield the outlines of a sailing dinghy and its helmsman, bow to the right, in metres."""
    bend = np.linspace(0, 1, 20)
    leech = [(-1.75 + 2.05 * b - 0.3 * np.sin(np.pi * b), 0.95 + 4.45 * b) for b in bend]
    yield [(0.33, 0.9), *leech, (0.36, 5.4)], SAIL
    stay = [(2.05 - 1.6 * b - 0.16 * np.sin(np.pi * b), 0.62 + 3.6 * b) for b in bend]
    yield [(0.55, 0.8), *stay], JIB
    yield [(0.3, 0.3), (0.38, 0.3), (0.36, 5.5), (0.31, 5.5)], BARK
    yield [(-1.8, 0.86), (0.34, 0.86), (0.34, 0.95), (-1.8, 0.95)], BARK
    back = [(-1.5, 0.4), (-1.52, 0.8), (-1.4, 1.0), (-1.22, 1.02)]
    yield [*back, (-1.08, 0.86), (-0.72, 0.7), (-0.7, 0.62), (-1.05, 0.7), (-0.95, 0.4)], JACKET
    turn = 2 * np.pi * bend
    yield [(-1.27 + 0.1 * np.cos(a), 1.14 + 0.13 * np.sin(a)) for a in turn], HAIR
    sheer = [(-2.1 + 4.5 * b, 0.45 - 0.2 * b + 0.42 * b**3) for b in bend]
    keel = [(2.4 - 4.4 * b - 0.25 * b * (1 - b), 0.3 * (1 - b) ** 6 - 0.2) for b in bend]
    yield [*sheer, *keel], HULL
    yield [*sheer, *((x, y - 0.07) for x, y in sheer[::-1])], GUNWALE


def paint_boat(rng: Generator) -> Image:
    """Paint the boat as a sprite."""
    side = int(BOAT_SIZE * BOAT_SCALE)
    sprite = np.zeros((side, side, 4), np.float32)
    for outline, colour in boat_shapes():
        upright = np.array(outline) * (1, -1) + (BOAT_SIZE / 2, BOAT_SIZE - 1)
        fill(sprite, upright * BOAT_SCALE, colour)
    height = BOAT_SIZE - 1 - np.arange(side, dtype=np.float32)[:, None, None] / BOAT_SCALE
    # Cloth is never evenly lit: folds and the sun shining through give it form.
    folds = fractal_noise(rng, (side, side), (side / 2, side / 5), 5)[..., None]
    sprite[..., :3] *= (0.45 + 0.55 * smoothstep(-0.1, 0.9, height)) * (0.75 + 0.6 * folds)
    return cv2.GaussianBlur(sprite, (0, 0), 1.4)


def place_boat(view: View, sprite: Image, seconds: float, *, mirrored: bool) -> Image:
    """Put the boat, or its mirror image, on the canvas."""
    flip = -1 if mirrored else 1
    scale = FOCAL / view.boat_distance / BOAT_SCALE
    roll = 0.05 + 0.025 * np.sin(2.1 * seconds)
    bob = 0.04 * np.sin(1.7 * seconds)
    cos, sin = np.cos(roll) * scale, np.sin(roll) * scale
    turn = np.array([[cos, -sin], [sin * flip, cos * flip]])
    anchor = np.array([BOAT_SIZE / 2, BOAT_SIZE - 1]) * BOAT_SCALE
    column = view.column(view.boat_distance, view.boat_side(seconds))
    target = np.array([column, view.row(view.boat_distance, flip * bob)])
    matrix = np.hstack([turn, (target - turn @ anchor)[:, None]])
    return cv2.warpAffine(sprite, matrix, (CANVAS_W, CANVAS_H), flags=cv2.INTER_AREA)


class Ripples:
    """Waves of one band of lengths on a square tile that repeats."""

    def __init__(
        self, rng: Generator, tile: float, short: float, long: float, steep: float
    ) -> None:
        self.density, self.mean_length = TILE_CELLS / tile, (short * long) ** 0.5
        wave_number = 2 * np.pi * np.fft.fftfreq(TILE_CELLS, 1 / self.density)
        self.kx, self.kz = np.meshgrid(wave_number, wave_number)
        k = np.hypot(self.kx, self.kz)
        inside = (k > 2 * np.pi / long) & (k < 2 * np.pi / short)
        # The breeze comes at an angle, so crests run mostly across the view.
        toward = 0.25 + np.cos(np.arctan2(self.kz, self.kx) - 1.15) ** 2
        phase = np.exp(2j * np.pi * rng.random(k.shape))
        self.height = np.where(inside, toward * phase / np.maximum(k, 1e-6) ** 2, 0)
        # Gravity drives the long waves and surface tension the short ones.
        self.omega = np.sqrt(9.81 * k * (1 + (k / 370) ** 2))
        self.height *= steep / self.slopes(0.0).std()

    def slopes(self, seconds: float) -> Image:
        """Return the tile's slopes (to the right, away from the camera)."""
        now = 1j * self.height * np.exp(1j * self.omega * seconds)
        both = [np.fft.ifft2(k * now).real for k in (self.kx, self.kz)]
        return np.stack(both, -1).astype(np.float32)


class Lake:
    """The water of one view, from the far shore to the lower edge of the canvas."""

    def __init__(self, view: View, rng: Generator, mirror: Image) -> None:
        self.view, self.mirror = view, mirror
        self.smeared = cv2.GaussianBlur(mirror, (0, 0), 2, sigmaY=42)
        self.top = int(view.row(view.far_shore.distance)) - 1
        rows, cols = np.mgrid[: (CANVAS_H - self.top) * OVERSAMPLE, :LAYER_W].astype(np.float32)
        self.row, self.column = self.top + rows / OVERSAMPLE, cols / OVERSAMPLE
        self.distance = FOCAL * view.eye / (self.row - view.horizon)
        self.side = (self.column - CANVAS_W / 2) * self.distance / FOCAL
        wind = fractal_noise(rng, (600, 600), (60, 110), 5)
        place = self.side * 2 + 300, self.distance * 2
        gusts = cv2.remap(wind, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        breeze = 0.35 + 1.1 * smoothstep(0.3, 0.75, gusts)
        self.bands = [Ripples(rng, *band) for band in BANDS]
        # Far off, a pixel covers whole waves: they are no longer seen, but smear what they mirror.
        depth = self.distance**2 / (FOCAL * view.eye * OVERSAMPLE)
        seen = [np.exp(-((1.6 * depth / band.mean_length) ** 2)) for band in self.bands]
        self.strengths = [(share * breeze)[..., None] for share in seen]
        self.smear = ((1 - np.mean(seen, 0)) * np.minimum(1, breeze))[..., None]

    def wake(self, seconds: float) -> Image:
        """Return the slopes of the two arms of waves behind the boat."""
        behind = np.maximum(self.view.boat_side(seconds) + 1.6 - self.side, 0)
        apart = np.abs(self.distance - self.view.boat_distance)
        arm = np.exp(-(((apart - 0.32 * behind) / (0.5 + 0.05 * behind)) ** 2) - behind / 14)
        crest = 0.11 * np.sin(5.2 * (apart - 0.2 * behind) + 2.0) * arm * (behind > 0)
        return np.stack([crest * 0.4, crest], -1)

    def slopes(self, seconds: float) -> Image:
        """Return the slopes of all ripples and of the wake."""
        total = self.wake(seconds)
        for band, strength in zip(self.bands, self.strengths, strict=True):
            place = self.side * band.density, self.distance * band.density
            tile = band.slopes(seconds)
            waves = cv2.remap(tile, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
            total += waves * strength
        return total

    def render(self, seconds: float, objects: Image) -> Image:
        """Return the water's rows of the canvas; `objects` is the mirror image of near things."""
        sway, lift = np.moveaxis(self.slopes(seconds), -1, 0)
        shift = 2 * FOCAL * lift  # a mirror that tilts turns the ray by twice the angle
        # A ray thrown below the far bank would meet the next wave and go up again.
        row = self.top + np.abs(self.row + shift - self.top) - self.view.horizon
        place = self.column + 0.35 * FOCAL * sway, row
        sharp, soft = (
            cv2.remap(image, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            for image in (self.mirror, self.smeared)
        )
        # Near things stand close to their reflection, so that ripples move it less.
        place = self.column + 60 * sway, self.row + 0.16 * shift
        near = cv2.remap(objects, *place, cv2.INTER_LINEAR)
        reflected = over(near, mix(sharp, soft, self.smear)) * WATER_TINT
        grazing = np.clip((self.row - self.view.horizon) / FOCAL + lift, 0.01, 1)
        fresnel = 0.02 + 0.98 * (1 - grazing) ** 5
        water = mix(WATER, reflected, 0.8 * fresnel[..., None])
        return cv2.resize(water, (CANVAS_W, CANVAS_H - self.top), interpolation=cv2.INTER_AREA)


def with_bank(mirror: Image, bank: Image, horizon: int, water_line: float) -> Image:
    """Lay a bank and its reflection into the mirror image, whose first row is the horizon."""
    flip = np.array([[1, 0, 0], [0, -1, 2 * water_line - horizon]])
    upright = np.array([[1.0, 0, 0], [0, 1, -horizon]])
    for matrix in (flip, upright):
        mirror = over(cv2.warpAffine(bank, matrix, (CANVAS_W, SKY_ROWS)), mirror)
    return mirror


class Scene:
    """A view with everything in it painted, ready to be filmed."""

    def __init__(self, view: View, rng: Generator) -> None:
        self.view = view
        sky = paint_sky(view, rng)
        air = cv2.GaussianBlur(sky[-30:], (0, 0), 20)[-1]
        far, near = paint_hills(view, rng, air), blank_layer()
        mirror = np.ascontiguousarray(sky[::-1])
        self.land = np.zeros((CANVAS_H, CANVAS_W, 4), np.float32)
        for layer, bank in ((far, view.far_shore), (near, view.headland)):
            paint_bank(layer, view, bank, rng, air)
            small = averaged(layer)
            self.land = over(small, self.land)
            mirror = with_bank(mirror, small, view.horizon, view.row(bank.distance))
        self.backdrop = np.repeat(sky[-1:], CANVAS_H, axis=0)
        self.backdrop[: view.horizon] = sky[-view.horizon :]
        self.boat = paint_boat(rng)
        self.lake = Lake(view, rng, mirror)
        self.reeds = paint_reeds(view, rng)
        self.gusts = fractal_noise(rng, (CANVAS_H, CANVAS_W), (160, 90), 3) * 6
        self.jetty, self.jetty_mirror = (
            paint_jetty(view, rng, mirrored=mirrored) if view.jetty else np.zeros_like(self.reeds)
            for mirrored in (False, True)
        )

    def bent_reeds(self, seconds: float) -> Image:
        """Return the reeds as the breeze bends them now."""
        row, column = np.mgrid[:CANVAS_H, :CANVAS_W].astype(np.float32)
        bend = 5 * ((CANVAS_H - row) / 190) ** 2 * np.sin(1.9 * seconds + self.gusts)
        return cv2.remap(self.reeds, column + bend, row, cv2.INTER_LINEAR)

    def film(self, seconds: float) -> Image:
        """Return the canvas as a perfectly still camera would see it."""
        boat, boat_mirror = (
            place_boat(self.view, self.boat, seconds, mirrored=mirrored)
            for mirrored in (False, True)
        )
        picture = self.backdrop.copy()
        picture[self.lake.top :] = self.lake.render(seconds, over(self.jetty_mirror, boat_mirror))
        for layer in (self.land, boat, self.jetty, self.bent_reeds(seconds)):
            picture = over(layer, picture)
        return picture


class Camera:
    """A hand-held camera: shake, lens, exposure and grain."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.rates = rng.uniform(0.25, 2.4, (3, 5))
        self.phases = rng.uniform(0, 2 * np.pi, (3, 5))
        y, x = np.meshgrid(np.linspace(-1, 1, HEIGHT), np.linspace(-1, 1, WIDTH), indexing="ij")
        self.vignette = (1 - 0.2 * (x**2 + y**2)).astype(np.float32)[..., None]

    def framed(self, canvas: Image, seconds: float) -> Image:
        """Cut the frame out of the canvas where the hand points now."""
        waves = np.sin(2 * np.pi * self.rates * seconds + self.phases) / (1 + 2 * self.rates)
        right, down, degrees = waves.sum(1) * (4.5, 3.5, 0.13)
        matrix = cv2.getRotationMatrix2D((CANVAS_W / 2, CANVAS_H / 2), degrees, 1)
        matrix[:, 2] += (right - MARGIN, down - MARGIN)
        return cv2.warpAffine(canvas, matrix, (WIDTH, HEIGHT))

    def expose(self, canvas: Image, seconds: float, grain: float) -> Frame:
        """Return the finished RGB frame."""
        light = cv2.GaussianBlur(self.framed(canvas, seconds), (0, 0), 0.6)
        glare = cv2.resize(np.maximum(light - 0.9, 0), None, fx=0.25, fy=0.25)
        bloom = cv2.resize(cv2.GaussianBlur(glare, (0, 0), 7), (WIDTH, HEIGHT))
        light = (light + 0.25 * bloom) * self.vignette
        knee = 0.6  # brighter light rolls off softly towards white, as on film
        rolled = 1 - (1 - knee) * np.exp(-np.maximum(light - knee, 0) / (1 - knee))
        encoded = np.where(light < knee, light, rolled) ** np.float32(1 / 2.2)
        noise = self.rng.standard_normal((HEIGHT, WIDTH), np.float32)
        speckle = cv2.GaussianBlur(noise, (0, 0), 0.8)[..., None]
        levels = (encoded + speckle * (grain / speckle.std())) * 255
        frame: Frame = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
        return frame


def frames(scenes: tuple[Scene, Scene], camera: Camera) -> Iterator[Frame]:
    """Yield the frames of the clip: the first scene, a hard cut, the second scene."""
    for number in range(round(SECONDS * FPS)):
        seconds = number / FPS
        yield camera.expose(scenes[seconds >= CUT_AT].film(seconds), seconds, GRAIN)


def shore_waves(rng: Generator, time: Sound) -> Sound:
    """Return soft stereo waves: coloured noise under slow swells."""
    spectrum = np.fft.rfft(rng.standard_normal((2, time.size)))
    pitch = np.fft.rfftfreq(time.size, 1 / RATE)
    noise = np.fft.irfft(spectrum * pitch / (pitch**2 + 350**2) / (1 + (pitch / 2500) ** 2))
    swell = [0.4 + 0.6 * np.sin(np.pi * (time / 2.9 + lag)) ** 4 for lag in (0.0, 0.12)]
    waves: Sound = 0.33 * noise / np.abs(noise).max() * np.stack(swell)
    return waves


def chirp(time: Sound, start: float, low: float, high: float) -> Sound:
    """Return one bird's note, a trill that falls from `high` to `low`."""
    age = np.clip((time - start) / 0.16, 0, 1)
    pitch = high + (low - high) * age + 180 * np.sin(10 * np.pi * age)
    return 0.07 * np.sin(np.pi * age) ** 2 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)


def bell(time: Sound, start: float) -> Sound:
    """Return a gentle bell stroke."""
    age = np.maximum(time - start, 0)
    partials = [a * np.sin(2 * np.pi * f * age) * np.exp(-age / decay) for f, a, decay in BELL]
    stroke: Sound = 0.12 * np.sum(partials, 0)
    return stroke


def write_sound(rng: Generator, target: Path) -> None:
    """Write waves, birds and the bell that marks the cut as a 16-bit stereo WAV."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    sound = shore_waves(rng, time) + bell(time, CUT_AT)
    for start, low, high, right in BIRDS:
        sound += chirp(time, start, low, high) * np.array([[1 - right], [right]])
    samples = (np.clip(sound, -1, 1).T * 32767).astype("<i2")
    with wave.open(str(target), "wb") as file:
        file.setparams((2, 2, RATE, len(samples), "NONE", ""))
        file.writeframes(samples.tobytes())


def write_image(scene: Scene, camera: Camera, target: Path) -> None:
    """Write one frame of a scene as a JPEG, with little grain."""
    picture = camera.expose(scene.film(STILL_AT), STILL_AT, STILL_GRAIN)
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(target), bgr, [cv2.IMWRITE_JPEG_QUALITY, 90]):
        raise OSError(f"cannot write {target}")


def write_clip(pictures: Iterator[Frame], sound: Path, target: Path) -> None:
    """Encode frames and sound as H.264 and AAC, in BT.709 and tagged so."""
    convert = "in_range=pc:out_range=tv:out_color_matrix=bt709"
    tags = "range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    filters = (
        f"scale={convert}:sws_flags=accurate_rnd+full_chroma_int,format=yuv420p,setparams={tags}"
    )
    source = f"-f rawvideo -pix_fmt rgb24 -s {WIDTH}x{HEIGHT} -r {FPS} -i pipe:0"
    picture_options = f"-vf {filters} -c:v libx264 -preset slow -tune grain -crf {CRF}"
    # One thread and no version strings: the same machine writes the same bytes every time.
    file_options = "-threads 1 -c:a aac -b:a 96k -fflags +bitexact -movflags +faststart"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source.split(), "-i", str(sound)]
    command += [*picture_options.split(), *file_options.split(), str(target)]
    # OpenCV points LD_LIBRARY_PATH at its own libraries, which are not meant for ffmpeg.
    environment = {name: v for name, v in os.environ.items() if name != "LD_LIBRARY_PATH"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        pipe = cast("IO[bytes]", process.stdin)
        for picture in pictures:
            pipe.write(picture.tobytes())
        pipe.close()
    if process.returncode != 0:
        raise RuntimeError(f"ffmpeg failed with exit status {process.returncode}")


def main() -> None:
    """Write both samples into the folder given, or beside this script."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    folder.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(SEED)
    scenes = Scene(WIDE, rng), Scene(CLOSE, rng)
    # Inside the target folder, so that the final renames stay on one file system.
    with tempfile.TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        write_image(scenes[0], Camera(rng), work / "lake.jpg")
        write_sound(rng, work / "lake.wav")
        write_clip(frames(scenes, Camera(rng)), work / "lake.wav", work / "lake.mp4")
        for output in ("lake.jpg", "lake.mp4"):
            (work / output).replace(folder / output)


if __name__ == "__main__":
    main()
