"""Numbers that the kernels in C and their reference share.

`hatch_build.py` hands every one of them to the C compiler as a macro of the same name.
"""

# A label takes so many bits where others are beside it: in a squared distance, and in ties.
LABEL_BITS = 5
MAX_LABELS = 1 << LABEL_BITS
LABEL_MASK = MAX_LABELS - 1

# Levels of excess for which a tie of 16 bits has room beside two labels.
MAX_EXCESS = (1 << 16 - 2 * LABEL_BITS) - 1

# Votes on labels, in levels of excess (see `kseg_video.segmentation.label_hysteresis`): of the
# neighbours, of a pixel that only noise has changed, and of one whose colour is what it was.
NEIGHBOR_VOTES = 18
QUIET_VOTES = 12
STILL_VOTES = 30

STILL_LEVELS = 2  # by which B, G and R of the same colour may differ
PASSES = 2  # in which neighbours vote; each sees a row above and one below
