"""Limits that the kernels have and the settings promise."""

MAX_LABELS = 32
