"""Screens of a live run: a window, a terminal and a page in a browser."""
