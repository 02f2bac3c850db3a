"""A folded model in the numbers of a device.

Whatever these are, it knows its `n_weights`, `columns_read` and `layer_bytes`, and `predict`.
"""

from sklearn_obs.export.folding import Folded
from sklearn_obs.export.integer.conversion import in_integers
from sklearn_obs.export.integer.network import IntegerNetwork
from sklearn_obs.export.rounding import DTYPES, Device, rounded


def device_of(net: Folded, dtype: str, input_dtype: str = "float32") -> Device | IntegerNetwork:
    """The model in the numbers of `dtype`, for columns of `input_dtype` where it is 'integer'.

    Raises
    ------
    ValueError
        If one of them is unknown, or cannot hold the network.
    """
    if dtype == "integer":
        return in_integers(net, input_dtype)
    if dtype not in list(DTYPES):  # of anything, a list too
        raise ValueError(f"Got dtype={dtype!r}, but expected one of {', '.join(DTYPES)}, integer.")
    if input_dtype != "float32":
        raise ValueError(
            f"Got input_dtype={input_dtype!r} with dtype={dtype!r}, but it needs dtype='integer'. "
            "Set it, or leave input_dtype out."
        )
    return rounded(net, dtype)
