"""What is done once, before any work: OpenCV, its threads, the memory allocator."""

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
_KEPT_BYTES = 1 << 28


def import_opencv() -> None:
    """Import OpenCV, or say which system library it lacks.

    Raises
    ------
    KsegError
        If it cannot be imported.
    """
    # One thread each for OpenBLAS and OpenCV: their idle threads spin against the encoder's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Its warnings are for programmers; what fails, we say ourselves.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    try:
        import cv2
    except ImportError as error:
        if lacking := shortage(error):
            raise KsegError(lacking) from error
        missing = re.search(r"(\S+\.so[.\d]*): cannot open shared object", str(error))
        if missing is None:
            raise KsegError(
                f"OpenCV cannot be imported ({error}); reinstall it with: pip install opencv-python"
            ) from error
        raise KsegError(
            f"OpenCV lacks the system library {missing[1]}; on Debian or Ubuntu install it with: "
            "apt install libgl1 libglib2.0-0"
        ) from error
    cv2.setNumThreads(1)
    keep_freed_memory()


def silence_libraries() -> None:
    """Keep libraries that print whatever they dislike from tearing our one line of error."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    import PIL.Image  # noqa: F401 - brings libtiff

    with contextlib.suppress(OSError, AttributeError):  # no Linux, or no such library
        loaded = set(re.findall(r"/\S*libtiff\S*", Path("/proc/self/maps").read_text("utf-8")))
        for path in loaded:
            library = ctypes.CDLL(path)
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)


def keep_freed_memory() -> None:
    """Let glibc reuse the memory of frames instead of returning it to the system each time.

    A frame's arrays are above its limits for that, and getting fresh pages takes longer than
    segmenting does.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        set_option = ctypes.CDLL(None).mallopt
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            set_option(option, _KEPT_BYTES)
