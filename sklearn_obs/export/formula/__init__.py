"""A small network to read: `text` asks for its `equations` and puts them into a style; `rules`."""
