"""From file to file: the frame loop, its threads and report, statistics, palettes of recordings."""
