"""Text for the user: numbers in words, and what comes from outside made harmless.

Names, tags and what servers and libraries say are shown with `shown`: they can neither steer the
terminal nor end a line or turn it round.
"""

from __future__ import annotations

import re

# Control characters, those that break or turn lines, and what never was text in a name.
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def shown(text: object) -> str:
    """Text from outside as it may be shown: control characters and such in Python's escapes."""
    return UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))


def frames_in_words(count: int) -> str:
    """A number of frames for the user."""
    return "1 frame" if count == 1 else f"{count} frames"
