"""A placeholder for importances that are not available: any use of it raises an error.

The property `feature_importances_` does not raise the error itself, because the feature selectors
of scikit-learn use `hasattr`, which would hide the error and its reason.
"""


class NoImportances:
    """An object that raises an error with the reason whenever it is used as an array."""

    def __init__(self, reason):
        self._reason = reason

    def __repr__(self):
        return f"<no importances: {self._reason}>"

    def __getattr__(self, name):  # `ndim`, `argmax` and all other attributes of an array
        if name == "_reason":  # not set yet while this object is being copied
            raise AttributeError(name)
        raise AttributeError(self._reason)

    def __getitem__(self, index):
        raise ValueError(self._reason)

    def __array__(self, dtype=None, copy=None):
        raise ValueError(self._reason)
