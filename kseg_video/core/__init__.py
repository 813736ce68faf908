"""What all rooms share: errors, settings, frames, palettes, colour spaces."""
