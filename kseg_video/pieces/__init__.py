"""Long videos in pieces: planned, rendered anywhere, kept for the next run, joined."""
