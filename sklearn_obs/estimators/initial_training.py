"""The initial training, from the cache where there is one and it has been done before."""

import os
from numbers import Integral
from tempfile import TemporaryFile

from sklearn.utils.validation import check_memory


def cache(memory, random_state):
    """The object of joblib's kind whose `cache` remembers functions, writable or refused.

    Without an integer `random_state` two dense networks are to differ, so that nothing is cached.

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
    """scikit-learn's estimator `mlp`, fitted."""
    return mlp.fit(X, y, sample_weight=sample_weight)
