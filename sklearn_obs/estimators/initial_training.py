"""The initial training, or its cached result if `memory` is set and holds it."""

import os
from numbers import Integral
from tempfile import TemporaryFile

from sklearn.utils.validation import check_memory


def cache(memory, random_state):
    """A `joblib.Memory`, or an object like it, after a check that its folder can be written to.

    Without an integer `random_state`, two fits should give different networks, so the returned
    object caches nothing.

    Raises
    ------
    ValueError
        If `memory` is neither None, a path nor a `joblib.Memory`, or cannot be written to.
    """
    location = os.fspath(memory) if isinstance(memory, os.PathLike) else memory
    try:
        found = check_memory(location)
        folder = getattr(found, "location", None)
        if isinstance(folder, str):
            with TemporaryFile(dir=folder):
                pass
    except OSError as error:
        raise ValueError(
            f"Got memory={memory!r}, but nothing can be written there ({error}). Pass a folder "
            "that can be written to, or set memory=None."
        ) from error
    integer = isinstance(random_state, Integral) and not isinstance(random_state, bool)
    return found if integer else check_memory(None)


def trained(mlp, X, y, sample_weight):
    """Fit scikit-learn's estimator `mlp` and return it; this is the function that is cached."""
    return mlp.fit(X, y, sample_weight=sample_weight)
