"""The files under runs/ and datasets/. Knows how they are written, not what they mean."""
