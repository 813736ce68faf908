"""An ffmpeg with a fault: a script that replaces it and spoils one of its jobs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.process import executable

if TYPE_CHECKING:
    from pathlib import Path

# The arguments by which the program's ffmpeg jobs are told apart.
JOBS = {
    "probe": "*showinfo*",
    "times": '*"-frames:v 3000 -f framecrc -"',
    "sound": '*"-t 0 -f null -"',
    "decode": '*"rawvideo -"',
    "look_ahead": "*skip_loop_filter*",
    "background": "*crop=*",
    "encode": "*pipe:0*",
    "check": '*"framecrc -"',
}


def faulty_ffmpeg(folder: Path, job: str, fault: str) -> dict[str, str]:
    """Environment in which a line of shell replaces one of ffmpeg's jobs.

    In it, `ffmpeg "$@"` does the job properly, and `$last` is its last argument: an output's name.
    """
    script = folder / "ffmpeg"
    script.write_text(
        "#!/bin/bash\n"
        f'ffmpeg() {{ {executable()} "$@"; }}\n'
        "last=${!#}\nlast=${last#file:}\n"
        f'case "$*" in {JOBS[job]}) {fault};; *) exec {executable()} "$@";; esac\n'
    )
    script.chmod(0o755)
    return {**os.environ, "IMAGEIO_FFMPEG_EXE": str(script)}
