"""Exit codes of the command; 0 is success.

A command stopped by signal N exits with 128 + N (see `kseg_video.cli.signals.Stopped`).
"""

from __future__ import annotations

EXIT_FAILED = 1

EXIT_USAGE = 2
