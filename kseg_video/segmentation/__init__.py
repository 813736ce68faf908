"""From frames to labels, through time: sample, remember, fit, map, hold."""
