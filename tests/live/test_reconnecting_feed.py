from __future__ import annotations

import time

import pytest

from kseg_video import SourceError
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from tests.helpers.live_doubles import Clock, ScriptedCapture, picture
from tests.helpers.waiting import wait_until


class Openings:
    """Opens scripted captures in turn, or raises an exception in place of one."""

    def __init__(self, *captures: ScriptedCapture | Exception) -> None:
        self.waiting = list(captures)
        self.count = 0

    def __call__(self) -> ScriptedCapture:
        self.count += 1
        capture = self.waiting.pop(0)
        if isinstance(capture, Exception):
            raise capture
        return capture


def test_the_newest_frame_is_taken_and_the_others_are_counted() -> None:
    capture, clock = ScriptedCapture(), Clock()
    with ReconnectingFeed(Openings(capture), reconnect=False, clock=clock) as feed:
        capture.put(picture(0))
        wait_until(lambda: feed.received == 1)
        first = feed.take(1)
        frames = [picture(seed) for seed in range(1, 5)]
        capture.put(*frames)
        wait_until(lambda: feed.received == 5)
        clock.now += 1  # the consumer is late
        newest = feed.take(1)
        assert first is not None
        assert newest is not None
        assert newest.frame is frames[-1]
        assert (newest.number, feed.dropped) == (5, 3)
        assert feed.take(0) is None
    assert capture.closed


def test_nothing_is_counted_as_dropped_before_the_first_is_taken_or_while_paused() -> None:
    capture = ScriptedCapture()
    with ReconnectingFeed(Openings(capture), reconnect=False) as feed:
        capture.put(picture(), picture())
        wait_until(lambda: feed.received == 2)
        feed.take(1)
        feed.pause(True)
        capture.put(picture(), picture())
        wait_until(lambda: feed.received == 4)
        feed.take(1)
        assert feed.dropped == 0


def test_a_source_that_never_opens_is_an_end() -> None:
    with ReconnectingFeed(
        Openings(SourceError("no such thing; look again")), reconnect=True
    ) as feed:
        wait_until(lambda: feed.condition == "ended")
        assert feed.message == "no such thing; look again"


def test_a_source_that_ends_is_opened_again_after_a_while() -> None:
    clock = Clock()
    first, second = ScriptedCapture(), ScriptedCapture()
    openings = Openings(first, SourceError("still away"), second)
    with ReconnectingFeed(openings, reconnect=True, clock=clock) as feed:
        first.put(picture(), None)
        wait_until(lambda: feed.condition == "lost")
        assert feed.take(0) is not None
        assert feed.take(0) is None
        assert openings.count == 1
        clock.now += 0.6
        feed.take(0)
        wait_until(lambda: feed.message == "still away")
        clock.now += 0.6
        feed.take(0)
        assert openings.count == 2, "the second wait is longer"
        clock.now += 0.6
        feed.take(0)
        second.put(picture(1))
        wait_until(lambda: feed.condition == "live")
        assert feed.losses == 2


def test_without_reconnect_the_end_is_the_end() -> None:
    capture = ScriptedCapture()
    with ReconnectingFeed(Openings(capture), reconnect=False) as feed:
        capture.put(picture(), None)
        wait_until(lambda: feed.condition == "ended")


def test_a_read_that_blocks_is_noticed_within_five_seconds() -> None:
    clock = Clock()
    stuck, fresh = ScriptedCapture(), ScriptedCapture()
    with ReconnectingFeed(Openings(stuck, fresh), reconnect=True, clock=clock) as feed:
        stuck.put(picture())
        wait_until(lambda: feed.received == 1)
        feed.take(0)
        for _ in range(3):
            clock.now += 1.3
            feed.take(0)
        assert feed.condition == "live"
        clock.now += 0.2
        feed.take(0)
        assert (feed.condition, feed.message) == ("lost", "no frames come")
        clock.now += 1
        feed.take(0)
        fresh.put(picture(1))
        wait_until(lambda: feed.condition == "live")


def test_a_stop_of_the_whole_process_is_no_fault_of_the_source() -> None:
    """As by Ctrl-Z in a shell: nobody read, neither we nor our capture thread."""
    clock, capture = Clock(), ScriptedCapture()
    with ReconnectingFeed(Openings(capture), reconnect=True, may_repeat=False, clock=clock) as feed:
        capture.put(picture())
        wait_until(lambda: feed.received == 1)
        feed.take(0)
        clock.now += 3600
        feed.take(0)
        capture.put(picture())
        wait_until(lambda: feed.received == 2)
        feed.take(0)
        assert feed.condition == "live"


@pytest.mark.parametrize("may_repeat", [False, True])
def test_a_camera_that_repeats_one_frame_is_stuck(may_repeat: bool) -> None:
    clock = Clock()
    capture, fresh = ScriptedCapture(), ScriptedCapture()
    openings = Openings(capture, fresh)
    with ReconnectingFeed(openings, reconnect=True, may_repeat=may_repeat, clock=clock) as feed:
        for second in range(6):
            capture.put(picture())
            wait_until(lambda: feed.received > second or capture.closed)  # noqa: B023 - run at once
            feed.take(0)
            clock.now += 1
        assert (feed.condition == "lost") is not may_repeat
        if not may_repeat:
            assert feed.message == "the camera repeats one frame"


def test_a_camera_that_has_moved_again_can_be_stuck_again() -> None:
    clock = Clock()
    captures = ScriptedCapture(), ScriptedCapture(), ScriptedCapture()
    with ReconnectingFeed(
        Openings(*captures), reconnect=True, may_repeat=False, clock=clock
    ) as feed:

        def play(capture: ScriptedCapture, *seeds: int) -> None:
            for seed in seeds:
                received = feed.received
                capture.put(picture(seed))
                wait_until(lambda: feed.received > received or capture.closed)  # noqa: B023
                feed.take(0)
                clock.now += 1

        play(captures[0], *[0] * 6)
        assert feed.losses == 1
        feed.take(0)
        play(captures[1], *[0] * 6)
        assert feed.losses == 1, "a camera at which nothing moves"
        play(captures[1], 1, *[2] * 6)
        assert feed.losses == 2


def test_what_is_taken_is_no_older_than_a_frame_lasts_whatever_is_announced() -> None:
    clock = Clock()
    capture = ScriptedCapture(frame_rate=1)
    with ReconnectingFeed(Openings(capture), reconnect=False, clock=clock) as feed:
        for seed in range(8):
            clock.now += 0.04
            capture.put(picture(seed))
            wait_until(lambda: feed.received > seed)  # noqa: B023 - run at once
        clock.now += 0.03
        received = feed.take(0)
        assert received is not None
        assert received.number == 8


def test_a_file_plays_at_its_own_rate_and_ends() -> None:
    capture = ScriptedCapture(frame_rate=50)
    capture.put(*(picture(seed) for seed in range(10)), None)
    begin = time.monotonic()
    with ReconnectingFeed(Openings(capture), reconnect=False, paced=True) as feed:
        wait_until(lambda: feed.condition == "ended")
        assert time.monotonic() - begin >= 9 / 50
        assert (feed.received, feed.message) == (10, "the source ended")


def test_a_paused_file_waits_and_steps() -> None:
    capture = ScriptedCapture(frame_rate=100)
    with ReconnectingFeed(Openings(capture), reconnect=False, paced=True) as feed:
        capture.put(picture(0))
        wait_until(lambda: feed.received == 1)
        feed.pause(True)
        capture.put(*(picture(seed) for seed in range(1, 4)))
        time.sleep(0.1)
        assert feed.received == 1
        feed.step()
        wait_until(lambda: feed.received == 2)
        time.sleep(0.05)
        assert feed.received == 2
        feed.pause(False)
        wait_until(lambda: feed.received == 4)


def test_steps_that_found_no_frame_are_not_owed_at_the_next_pause() -> None:
    capture = ScriptedCapture(frame_rate=100)
    with ReconnectingFeed(Openings(capture), reconnect=False, paced=True) as feed:
        capture.put(picture(0))
        wait_until(lambda: feed.received == 1)
        feed.pause(True)
        feed.step()
        feed.pause(False)
        feed.pause(True)
        capture.put(picture(1))
        time.sleep(0.1)
        assert feed.received == 1


def test_pausing_to_and_fro_leaves_no_file_standing() -> None:
    capture = ScriptedCapture(frame_rate=1000)
    with ReconnectingFeed(Openings(capture), reconnect=False, paced=True) as feed:
        for count in range(1, 400):
            feed.pause(True)
            capture.put(picture(0))
            feed.pause(False)
            wait_until(lambda: feed.received == count)  # noqa: B023 - run at once
