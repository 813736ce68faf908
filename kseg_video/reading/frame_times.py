"""The frame rate of a video, from the times of its frames.

ffmpeg takes the rate that a file's header claims, or guesses one from the first frames. Where that
is in doubt, the times of the packets tell the rate without decoding.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.ffmpeg.packets import read_packets
from kseg_video.reading.raw_pictures import failures_told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.ffmpeg.packets import Packet
    from kseg_video.ffmpeg.probe import ProbedVideo

# Packets read for their times: more judge long files better, fewer read less of them.
_PACKETS = 3000
_MOST_LEADING = 16  # pictures, as many as a decoder keeps
# Most frames per second of a variable rate: as many as displays show, or twice the mean rate, up to
# the second number. More would hold more frames that come close together, and repeat all others.
_SHOWN, _MOST = 60, 1000
# Share of the gap to a neighbour by which a frame may move: half for the rounding to a grid, the
# rest for clocks that jitter.
_SHARE_MOVED = 2 / 3
# The same where frames are to become one frame apart: a fourth for film in fields of television,
# the rest for jitter. A frame that lacks in a short clip would move others by half.
_SHARE_EVENED = 1 / 3
# Seconds by which the end may move: sound that is early by less goes unnoticed (ITU-R BT.1359).
_END_MOVED = 0.045
# Share of the gaps that are a claimed rate's: less takes a part of another rate for a few odd gaps.
_USUAL_SHARE = 0.9
_SLOW = 10  # frames per second below which the duration of each frame counts, as of slides
_JITTER = Fraction(1, 8)  # of the least gap, by which frames may be off a grid
_COARSEST = Fraction(1, 100)  # seconds, to which containers round (GIF)
_TELEVISION = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))
_DENOMINATORS = range(2, 1002)  # of rates that are neither whole nor television's
_EXACT = 1 << 53  # up to which floating point holds all numbers
_NOISE = 1e-6  # share of a unit; of floating point


def with_rate_of_frames(path: Path, video: ProbedVideo) -> ProbedVideo:
    """Properties of a video, with the rate of its frames' own times where ffmpeg's is in doubt.

    Parameters
    ----------
    path : Path
    video : ProbedVideo

    Raises
    ------
    SourceError
        If ffmpeg stalls, is killed or runs out of resources while it reads the times.
    """
    if not video.doubtful_rate:
        return video
    with failures_told(path):
        packets = list(read_packets(path, _PACKETS, video.stream))
    if not packets:
        return video
    if video.duration is None and np.median([each.shown or 0 for each in packets]) < len(packets):
        # A raw stream, without times or with numbers for them, whose header alone tells a rate.
        return replace(video, variable_rate=False)
    end = None
    if len(packets) < _PACKETS:
        end = max(packet.end for packet in packets)
    else:  # of the frames after these, some were not read
        packets = [packet for packet in packets if packet.begin <= packets[-1].decoded]
    leading = _leading(packets)
    shown = sorted({packet.begin for packet in (packets[0], *packets[1 + leading :])})
    if max(shown[-1], end or 0) - shown[0] >= _EXACT:  # the times of a damaged file
        return video
    times = FrameTimes(shown, end, packets[0].unit)
    are_delays = video.animation or packets[0].unit >= _COARSEST
    rate, is_constant = times.frame_rate(video.frame_rate, keeps_rhythm=are_delays)
    if leading:  # the demuxer mistakes the times of the next frames, too
        is_constant |= rate == video.frame_rate and not video.variable_rate
    return replace(
        video,
        frame_rate=rate,
        variable_rate=not is_constant,
        leading=leading,
        first_time=video.first_time - float(leading / rate),
    )


def _leading(packets: Sequence[Packet]) -> int:
    """Number of pictures shown before the first key frame, whose times Matroska cannot hold.

    They follow it in order of decoding, and ffmpeg's demuxer discards times before 0.
    """
    without = itertools.takewhile(lambda packet: packet.shown is None, packets[1:])
    count = sum(1 for _ in without)
    others = (packets[0], *packets[1 + count :])
    have_times = len(others) > 1 and all(packet.shown is not None for packet in others)
    return count if have_times and count <= _MOST_LEADING else 0


class FrameTimes:
    """Times of a video's frames.

    Parameters
    ----------
    shown : sequence of int
        Different time stamps, in units, ascending.
    end : int or None
        When the last frame ends, in units; None, or no later than it begins, if unknown.
    unit : Fraction
        Seconds.
    """

    def __init__(self, shown: Sequence[int], end: int | None, unit: Fraction) -> None:
        self._ticks = np.array(shown, np.int64) - shown[0]
        self._end = end - shown[0] if end is not None and end > shown[-1] else None
        self._unit = unit
        self._seconds = self._ticks * float(unit)
        self._count = len(shown)

    def frame_rate(self, claimed: Fraction, *, keeps_rhythm: bool = False) -> tuple[Fraction, bool]:
        """Rate at which to read the frames, and whether it is their own, constant one.

        A constant rate that the container has rounded is that rate, and so is one that jitters
        evenly, alternates as in film for television, or has a few odd gaps. Otherwise it is the
        rate of the grid on
        which all frames lie; or else the least rate at which no frame is lost and none moves by
        more than a part of the gaps beside it.

        Parameters
        ----------
        claimed : Fraction
            The rate that ffmpeg takes it for.
        keeps_rhythm : bool
            Whether even small differences of durations are meant, as in an animation.
        """
        if self._count == 1:
            rate = 1 / (self._end * self._unit) if self._end else claimed
            return min(rate, Fraction(_SHOWN)), True
        rate = (
            self._constant_rate(claimed)
            or (None if keeps_rhythm else self._even_rate(claimed) or self._usual_rate(claimed))
            or self._variable_rate(claimed)
        )
        return rate, self._is_even(self._cells(rate)) and self._keeps_end(rate)

    def _constant_rate(self, claimed: Fraction) -> Fraction | None:
        """The simplest rate at which all frames are one frame apart, but for rounding."""
        mean = self._mean
        for unit in self._units:
            if self._is_constant(mean, 2 * unit):  # otherwise no other rate can be
                simple = (mean.limit_denominator(most) for most in _DENOMINATORS)
                for rate in filter(None, itertools.chain(self._likely_rates(claimed), simple)):
                    if self._is_constant(rate, unit) and self._keeps_end(rate):
                        return rate
        return None

    def _even_rate(self, claimed: Fraction) -> Fraction | None:
        """The most likely rate at which all frames may be made one frame apart."""
        mean = self._mean.limit_denominator(_DENOMINATORS[-1])
        for rate in filter(None, (*self._likely_rates(claimed), mean)):
            cells = self._cells(rate)
            if self._is_even(cells) and self._moves_little(cells, rate, _SHARE_EVENED):
                return rate if self._keeps_end(rate) else None
        return None

    def _usual_rate(self, claimed: Fraction) -> Fraction | None:
        """The claimed rate, if nearly all frames are one frame apart and the others move little."""
        if claimed < _SLOW:
            return None
        apart = np.abs(np.diff(self._seconds) - 1 / float(claimed))
        are_usual = np.mean(apart <= float(self._unit) * (1 + _NOISE)) >= _USUAL_SHARE
        return claimed if are_usual and self._is_faithful(claimed) else None

    def _variable_rate(self, claimed: Fraction) -> Fraction:
        mean = self._mean
        rates = _usual_rates(claimed, min(max(2 * mean, Fraction(_SHOWN)), Fraction(_MOST)))
        grid = self._grid(self._ticks, rates)
        if self._end is not None and not (grid and self._keeps_end(grid)):
            grid = self._grid(np.append(self._ticks, self._end), rates) or grid
        if grid:
            return grid
        return next(filter(self._is_faithful, rates), rates[-1])

    @property
    def _mean(self) -> Fraction:
        return (self._count - 1) / (int(self._ticks[-1]) * self._unit)

    @property
    def _units(self) -> tuple[Fraction, Fraction]:
        """Seconds to which the times may be rounded: the unit, or a coarser one before a remux."""
        return self._unit, min(int(np.gcd.reduce(self._ticks)) * self._unit, _COARSEST)

    def _likely_rates(self, claimed: Fraction) -> list[Fraction]:
        whole = Fraction(round(self._mean))
        television = [rate for rate in _TELEVISION if round(rate) == whole]
        return [rate for rate in (claimed, whole, *television) if rate]

    def _is_constant(self, rate: Fraction, unit: Fraction) -> bool:
        """Whether all frames are one frame apart, but for rounding."""
        return _within(self._seconds - np.arange(self._count) / float(rate), unit)

    def _keeps_end(self, rate: Fraction) -> bool:
        """Whether the last frame ends in time after a whole number of frames."""
        if self._end is None:
            return True
        last, end = (float(tick * self._unit * rate) for tick in (int(self._ticks[-1]), self._end))
        return abs(max(round(end), round(last) + 1) - end) <= _END_MOVED * rate

    def _grid(self, ticks: NDArray[np.int64], rates: list[Fraction]) -> Fraction | None:
        """Rate of the grid on which frames lie: exactly, or but for rounding."""
        exact = 1 / (int(np.gcd.reduce(ticks)) * self._unit)
        if exact <= rates[-1]:
            return exact
        seconds = ticks * float(self._unit)
        jitter = int(np.diff(self._ticks).min()) * self._unit * _JITTER
        for unit in (*self._units, jitter):
            for rate in rates:
                cells = _nearest(seconds, rate)
                if np.diff(cells).min() > 0 and _within(seconds - cells / float(rate), unit):
                    return rate
        return None

    def _is_faithful(self, rate: Fraction) -> bool:
        """Whether no frame is lost at this rate, and none moves far."""
        cells = self._cells(rate)
        are_kept = np.all(cells <= _nearest(self._seconds, rate) + 1)
        return bool(are_kept) and self._moves_little(cells, rate, _SHARE_MOVED)

    def _moves_little(self, cells: NDArray[np.floating], rate: Fraction, share: float) -> bool:
        """Whether no frame moves by more than a share of the gaps beside it."""
        gaps = np.diff(self._seconds)
        beside = np.minimum(np.append(gaps, np.inf), np.append(np.inf, gaps))
        return bool(np.all(np.abs(cells / float(rate) - self._seconds) <= share * beside))

    def _is_even(self, cells: NDArray[np.floating]) -> bool:
        """Whether all frames are one frame apart."""
        return bool(cells[-1] == self._count - 1)

    def _cells(self, rate: Fraction) -> NDArray[np.floating]:
        """Places of the frames on the grid of a rate, each after the one before."""
        order = np.arange(self._count)
        return np.maximum.accumulate(_nearest(self._seconds, rate) - order) + order


def _usual_rates(claimed: Fraction, most: Fraction) -> list[Fraction]:
    """Rates at which videos are shown, ascending, and the one that this video claims."""
    rates = {Fraction(whole) for whole in range(1, math.floor(most) + 1)}
    return sorted(rate for rate in {*rates, *_TELEVISION, claimed} if 0 < rate <= most)


def _nearest(seconds: NDArray[np.floating], rate: Fraction) -> NDArray[np.float64]:
    return np.floor(np.float64(rate) * seconds + 0.5)


def _within(apart: NDArray[np.floating], unit: Fraction) -> bool:
    """Whether rounding to a unit explains these differences of times."""
    return bool(np.ptp(apart) <= float(unit) * (1 + _NOISE))
