"""From labels to a picture: clusters kept, views, outlines, mattes, backgrounds composited."""
