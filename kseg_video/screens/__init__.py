"""Screens of a live run: a window, a terminal, and the figures drawn over their pictures."""
