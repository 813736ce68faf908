"""Text for the user: counts in words, and escaping of text from outside.

File names, tags and messages of servers and libraries are shown through `shown`, so that they can
neither control the terminal nor break a line or reverse its direction, and tell no passwords.
"""

from __future__ import annotations

import re

# Control characters, line separators, bidirectional controls, and undecodable bytes of file names.
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

# User and password of a URL, and values of its query whose names say that they are secret. What
# follows a colon is a password if it is no port, even with a slash in it. A path has one slash.
_USER = re.compile(r"(?:(?<=://)|(?<=\w\w:/))(?:[^/?#\s]*|[^/?#\s:]+:(?!\d*(?:[/?#\s]|$))\S*)@")
_SECRET = re.compile(
    r"([?&;][\w-]*(?:pass|pwd|token|key|secret|auth|sig)[\w-]*=)[^&;#\s]*", re.IGNORECASE
)


def shown(text: object) -> str:
    """Escape control characters, line breaks and bidirectional controls in text from outside.

    Passwords in URLs are replaced, too (see `without_secrets`).
    """
    escaped = UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
    return without_secrets(escaped)


def without_secrets(address: str) -> str:
    """Replace passwords in a URL by ``***``: user and password, and query values such as token."""
    return _SECRET.sub(r"\1***", _USER.sub("***@", address))


def minutes(seconds: float) -> str:
    """Seconds as minutes and seconds, such as ``1:05``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def frames_in_words(count: int) -> str:
    """A number of frames in words, such as ``3 frames``."""
    return "1 frame" if count == 1 else f"{count} frames"


def bytes_in_words(count: int) -> str:
    """A size in words, such as ``870 kB`` or ``1.5 MB``, in powers of a thousand."""
    size, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.1f} {unit}" if unit != "bytes" and size < 9.95 else f"{size:.0f} {unit}"
