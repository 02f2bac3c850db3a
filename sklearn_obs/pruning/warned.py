"""Warnings that point at the line of the user, however many calls of libraries lie between."""

import sys
import warnings

LIBRARIES = {"sklearn_obs", "sklearn", "joblib", "contextlib"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the first caller outside of this library, of scikit-learn and of joblib."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
