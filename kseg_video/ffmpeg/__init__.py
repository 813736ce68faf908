"""The ffmpeg process, what it reports on a file, and what must not outlive the program."""
