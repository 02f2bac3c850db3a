"""A pruned network as C99: `source` puts the files together from `templates` and `text`."""
