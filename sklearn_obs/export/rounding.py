"""A network in the number type of a device: float64, float32, or weights of eight bits.

With eight bits, each layer has one scale r; intercepts, scales and sums are float32::

    q_ij = round(w_ij / r)        r = max |w| / 127        z_j = b_j + r sum_i q_ij h_i

The weights of the first layer are rounded before a scaler is folded in. Otherwise their sizes would
depend on the units of the columns, and one scale would not suit all of them. So the columns are
multiplied by their scales on the device, and only the shift of the scaler, times the rounded
weights, is added to the intercepts.

References
----------
Jacob, B. et al. (2018). Quantization and training of neural networks for efficient
integer-arithmetic-only inference. IEEE Conference on Computer Vision and Pattern Recognition.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_array

from sklearn_obs.export.storage import constant_bytes
from sklearn_obs.network import Network

DTYPES = {"float32": np.float32, "float64": np.float64, "int8": np.float32}
LARGEST = 127  # the grid is symmetric about 0, so -128 is not used


@dataclass(frozen=True)
class Layer:
    """A layer as it is stored on the device."""

    weights: np.ndarray  # (fan_in, fan_out), int8, float32 or float64
    scale: float | None  # r, or None if the weights are not scaled
    intercepts: np.ndarray  # (fan_out,), float32 or float64


@dataclass(frozen=True)
class Device:
    """A network as it is stored on a device."""

    layers: list[Layer]
    input_scale: np.ndarray | None  # (n_features,) by which columns of X are multiplied, or None
    network: Network  # the equivalent network on the columns of X, for evaluation in Python

    @property
    def n_weights(self):
        """Number of weights that are not 0."""
        return sum(int(np.count_nonzero(layer.weights)) for layer in self.layers)

    @property
    def columns_read(self):
        """Ascending indices of the columns of X that the network reads."""
        return np.flatnonzero(self.network.coefs[0].any(axis=1))

    @property
    def layer_bytes(self):
        """Bytes of the constants of each layer in C; the first includes the scales of columns."""
        return constant_bytes(self)

    def samples(self, net, X):
        """X as an array in the type of the device, (n_samples, n_features), for the model `net`."""
        X = check_array(net.in_order(X), accept_sparse="csr", dtype=self.network.dtype)
        return X.toarray() if issparse(X) else X

    def predict(self, net, X):
        """The predictions of the folded model `net` with the numbers of the device."""
        return net.predict(self.network, X)

    def values(self, net, X):
        """The results of the C functions for a regression, in their type in C."""
        return np.asarray(self.predict(net, X)).astype(self.network.dtype)


def rounded(folded, dtype):
    """Convert a folded model to the number type `dtype`, one of `DTYPES`.

    Raises
    ------
    ValueError
        If a number is too large for this type, or `dtype` is 'int8' and a column is used twice.
    """
    layers, input_scale = (_eight_bits if dtype == "int8" else _floats)(folded, DTYPES[dtype])
    parts = [part for layer in layers for part in (layer.weights, layer.intercepts)]
    if input_scale is not None:
        parts.append(input_scale)
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError(
            f"Got a network with numbers that are too large for {DTYPES[dtype].__name__} once its "
            "scalers are folded in. Columns with almost no variance cause this: drop them, or use "
            "dtype='float64'."
        )
    coefs = [_real(layer) for layer in layers]
    if input_scale is not None:
        coefs[0] = coefs[0] * input_scale[:, None]
    network = replace(
        folded.network, coefs=tuple(coefs), intercepts=tuple(layer.intercepts for layer in layers)
    )
    return Device(layers, input_scale, network)


def _floats(folded, dtype):
    with np.errstate(over="ignore", under="ignore"):  # `rounded` raises
        coefs, intercepts = (
            [a.astype(dtype) for a in arrays]
            for arrays in (folded.network.coefs, folded.network.intercepts)
        )
    return [Layer(W, None, b) for W, b in zip(coefs, intercepts, strict=True)], None


def _eight_bits(folded, dtype):
    columns, net = folded.columns, folded.bare
    if len(np.unique(columns.source)) < len(columns.source):
        raise ValueError(
            "Got dtype='int8' and a model that uses a column of X twice, but expected to find each "
            "column only once. Use dtype='float32'."
        )
    q = [_quantised(W) for W in net.coefs]
    first, r = q[0]
    b = net.intercepts[0] + r * (columns.shift @ first)
    spread = np.zeros((folded.n_features, first.shape[1]), np.int8)
    spread[columns.source] = first
    input_scale = np.zeros(folded.n_features, dtype)
    with np.errstate(over="ignore", under="ignore"):
        input_scale[columns.source] = columns.scale
        layers = [
            Layer(W, dtype(r), b.astype(dtype))
            for (W, r), b in zip([(spread, r), *q[1:]], (b, *net.intercepts[1:]), strict=True)
        ]
    return layers, None if (columns.scale == 1).all() else input_scale


def _quantised(W):
    """(q, r) for the weights W of a layer."""
    largest = np.abs(W).max()
    r = largest / LARGEST if largest else 1.0
    return np.rint(W / r).astype(np.int8), r


def _real(layer):
    return layer.weights if layer.scale is None else layer.weights * layer.scale
