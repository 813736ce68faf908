"""Screens of a live run: a window, a terminal, and the figures drawn over their pictures."""

import os
import sys

# SDL and pygame read these when pygame is imported.
for _name, _value in {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    # Pictures are copied, not drawn: OpenGL takes longer to start, and without a GPU nine times as
    # long for each picture.
    "SDL_FRAMEBUFFER_ACCELERATION": "0",
    "SDL_NO_SIGNAL_HANDLERS": "1",  # signals are the command's
    "SDL_VIDEO_X11_WMCLASS": "kseg-video",
    "SDL_VIDEO_WAYLAND_WMCLASS": "kseg-video",
}.items():
    os.environ.setdefault(_name, _value)
if sys.platform.startswith("linux"):  # no others: they show nothing, or take the whole console
    os.environ.setdefault("SDL_VIDEODRIVER", "x11,wayland")
