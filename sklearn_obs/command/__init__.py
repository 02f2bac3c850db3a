"""What ``python -m sklearn_obs`` does: with bundled data, or with a CSV file."""
