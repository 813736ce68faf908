"""What the command's exit code tells a script; 0 is success.

Signals have 128 and their number (see `kseg_video.cli.signals.Stopped`).
"""

from __future__ import annotations

EXIT_FAILED = 1

EXIT_USAGE = 2
