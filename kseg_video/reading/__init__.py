"""Where pictures come from: videos, images, sequences, backgrounds and palettes."""
