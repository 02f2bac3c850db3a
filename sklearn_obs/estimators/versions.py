"""The version of the library, which is stored in pickles of its estimators."""

import warnings

from sklearn.exceptions import InconsistentVersionWarning

__version__ = "0.1.0"

_KEY = "_sklearn_obs_version"  # key of the version in the pickled state


class Versioned:
    """A mixin, to be listed before `BaseEstimator`, that adds the version to pickles."""

    def __getstate__(self):
        return {**super().__getstate__(), _KEY: __version__}

    def __setstate__(self, state):
        state = dict(state)
        written_by = state.pop(_KEY, "before 0.1.0")
        if written_by != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=f"{type(self).__name__} of sklearn_obs",
                    current_sklearn_version=__version__,
                    original_sklearn_version=written_by,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)
