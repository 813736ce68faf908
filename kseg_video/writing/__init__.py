"""Where pictures go: video, animations, images and label archives, each whole or absent."""
