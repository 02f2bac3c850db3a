"""Predictions of a quantized model in the whole numbers of a device: the reference for C."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_obs.export.folding import folded
from sklearn_obs.export.integer.conversion import in_integers


def integer_predict(model: Any, X: ArrayLike, *, input_dtype: str = "float32") -> np.ndarray:
    """Predict as the C code of ``export_c(model, ..., dtype="integer")`` does, bit for bit.

    Parameters
    ----------
    model : object
        As in `export_c`, with a network that `quantize` has put on a grid.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Samples, with the columns as they are before the scalers of `model`.
    input_dtype : {'float32', 'int16', 'int8', 'uint8'}, default='float32'
        The numbers in which the device has X.

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Labels or values, as the model's own ``predict`` returns them.

    Raises
    ------
    TypeError
        If `model` is not supported or one of its steps cannot be folded; the message lists what is.
    ValueError
        If the network is not quantized, `input_dtype` is unknown, X has a number that is not finite
        or not one of `input_dtype`, or a sum of 32 bits might overflow.
    sklearn.exceptions.NotFittedError
        If `model` is not fitted.

    See Also
    --------
    export_c : Write the same as C.

    Notes
    -----
    Each weight is a whole number times a scale. The inputs (as they come, or rounded to at most 16
    bits) and the hidden units (8 bits) are multiplied by these whole numbers. Sums have 32 bits,
    which is proved to be enough. Inputs that are scaled or floating-point numbers are clipped to
    the largest magnitude that `quantize` saw, in units of the network's inputs. Hidden units are
    clipped to the largest magnitude in their layer (tanh, identity), or to 1.25 times that (relu,
    logistic).

    References
    ----------
    Jacob, B. et al. (2018). Quantization and training of neural networks for efficient
    integer-arithmetic-only inference. IEEE Conference on Computer Vision and Pattern Recognition.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_obs import OBSPrunedMLPClassifier
    >>> from sklearn_obs.export import integer_predict
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = OBSPrunedMLPClassifier((10,), max_iter=1000, random_state=0)
    >>> model = make_pipeline(StandardScaler(), clf).fit(X, y)
    >>> _ = model[-1].quantize(model[:-1].transform(X), y, bits=4)
    >>> bool((integer_predict(model, X) == model.predict(X)).mean() > 0.98)
    True
    """
    net = folded(model)
    return in_integers(net, input_dtype).predict(net, X)
