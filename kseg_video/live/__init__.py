"""A camera, stream or playing file on a screen: captured, segmented, steered by keys, recorded."""
