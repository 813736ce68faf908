"""The compiled kernels and their one binding."""
