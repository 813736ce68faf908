"""Constants shared by the kernels in C and their reference.

`hatch_build.py` passes each of them to the C compiler as a macro of the same name.
"""

# Bits of a label where it is packed into a squared distance or a tie.
LABEL_BITS = 5
MAX_LABELS = 1 << LABEL_BITS
LABEL_MASK = MAX_LABELS - 1

# Largest excess, in levels, that fits into a 16-bit tie beside two labels.
MAX_EXCESS = (1 << 16 - 2 * LABEL_BITS) - 1

# Votes on labels, in levels of excess (see `kseg_video.segmentation.label_hysteresis`): of the
# neighbours, of a pixel that only noise has changed, and of a pixel whose colour is unchanged. More
# votes of neighbours smooth more; more of a pixel's own keep it stiller. Both cost distortion.
NEIGHBOR_VOTES = 18
QUIET_VOTES = 12
STILL_VOTES = 30

STILL_LEVELS = 2  # largest change of B, G and R of a pixel whose colour counts as unchanged
PASSES = 2  # passes in which neighbours vote; each needs one row above and one below
