"""What stands in for importances that are not there, and says so to whoever uses them.

scikit-learn's feature selectors ask for an attribute by `hasattr`, which would swallow an error of
`feature_importances_` itself and the reason with it.
"""


class NoImportances:
    """Raises an error with the reason at any use as an array."""

    def __init__(self, reason):
        self._reason = reason

    def __repr__(self):
        return f"<no importances: {self._reason}>"

    def __getattr__(self, name):  # `ndim`, `argmax` and whatever else an array has
        if name == "_reason":  # asked for while a copy of this is being made
            raise AttributeError(name)
        raise AttributeError(self._reason)

    def __getitem__(self, index):
        raise ValueError(self._reason)

    def __array__(self, dtype=None, copy=None):
        raise ValueError(self._reason)
