"""A small network for readers: `text` writes its `equations` in a style, `rules` writes rules."""
