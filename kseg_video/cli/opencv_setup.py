"""One-time process setup: import OpenCV, limit its threads, tune the memory allocator."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import re
import sys
import warnings
from pathlib import Path

from kseg_video.core.errors import KsegError, shortage

# Names and numbers from glibc's malloc.h (see mallopt(3)).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# Above the BGR array of an 8K frame (100 MB). More: the process keeps more memory after a peak;
# less: the arrays of large frames are mapped anew each time.
_KEPT_BYTES = 1 << 28


def import_opencv() -> None:
    """Import OpenCV and limit it to one thread.

    Raises
    ------
    KsegError
        If OpenCV cannot be imported; the message names the system library that is missing.
    """
    # One thread each for OpenBLAS and OpenCV: their idle threads spin and slow the encoder down.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # OpenCV's warnings are for programmers; the user gets our own error messages.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    try:
        import cv2
    except ImportError as error:
        raise KsegError(cure_for(error)) from error
    cv2.setNumThreads(1)
    keep_freed_memory()


def cure_for(error: ImportError) -> str:
    """What OpenCV lacks and how to install it, given the error of its import."""
    if lacking := shortage(error):
        return lacking
    missing = re.search(r"(\S+\.so[.\d]*): cannot open shared object", str(error))
    if missing is None:
        return f"OpenCV cannot be imported ({error}); reinstall it with: pip install opencv-python"
    return (
        f"OpenCV lacks the system library {missing[1]}; on Debian or Ubuntu install it with: "
        "apt install libgl1 libglib2.0-0"
    )


def silence_libraries() -> None:
    """Silence warnings that libraries print, so that an error stays one line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.getLogger().addHandler(logging.NullHandler())  # else Python prints what none handles
    import PIL.Image  # noqa: F401 - loads libtiff

    with contextlib.suppress(OSError, AttributeError):  # not on Linux, or no such library
        loaded = set(re.findall(r"/\S*libtiff\S*", Path("/proc/self/maps").read_text("utf-8")))
        for path in loaded:
            library = ctypes.CDLL(path)
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)


def keep_freed_memory() -> None:
    """Make glibc keep the freed memory of frames for the next ones.

    A frame's arrays exceed glibc's default thresholds, so each would be mapped anew, and getting
    fresh pages takes longer than segmenting the frame.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        set_option = ctypes.CDLL(None).mallopt
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            set_option(option, _KEPT_BYTES)
