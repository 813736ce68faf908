"""``python -m kseg_video``."""

from kseg_video.cli import entry

if __name__ == "__main__":
    entry()
