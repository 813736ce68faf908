"""Long videos in pieces, rendered by any number of workers."""
