"""Warnings that point at the user's line, however many library calls are in between."""

import sys
import warnings

LIBRARIES = {"sklearn_obs", "sklearn", "joblib", "contextlib"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the first caller outside this library, scikit-learn, joblib and contextlib."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
