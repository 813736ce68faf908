"""Kernels on whole arrays of pixels: in C or, bit for bit the same, with OpenCV and NumPy."""
