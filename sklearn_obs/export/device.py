"""A folded model converted to the number type of a device.

For each type, the result has `n_weights`, `columns_read`, `layer_bytes` and `predict`.
"""

from sklearn_obs.export.folding import Folded
from sklearn_obs.export.integer.conversion import in_integers
from sklearn_obs.export.integer.network import IntegerNetwork
from sklearn_obs.export.rounding import DTYPES, Device, rounded


def device_of(net: Folded, dtype: str, input_dtype: str = "float32") -> Device | IntegerNetwork:
    """Convert a model to the number type `dtype`; for 'integer', columns are of `input_dtype`.

    Raises
    ------
    ValueError
        If one of the types is unknown, or cannot represent the network.
    """
    if dtype == "integer":
        return in_integers(net, input_dtype)
    if dtype not in list(DTYPES):  # a list, for dtype of any kind
        raise ValueError(f"Got dtype={dtype!r}, but expected one of {', '.join(DTYPES)}, integer.")
    if input_dtype != "float32":
        raise ValueError(
            f"Got input_dtype={input_dtype!r} with dtype={dtype!r}, but it needs dtype='integer'. "
            "Set it, or leave input_dtype out."
        )
    return rounded(net, dtype)
