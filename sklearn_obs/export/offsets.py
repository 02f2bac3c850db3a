"""Columns that float32 cannot tell apart: large numbers that vary by little.

A number x of float32 is rounded by up to |x| / 2**24. With x around m, and s the spread that a
scaler divides by, the network's input is wrong by |m / s| / 2**24 of it.
"""

import numpy as np

from sklearn_obs.pruning.warned import warn

ROUNDED = 2.0**-24  # half a unit of the last of 24 bits, of the number itself
MOST = 0.01  # of the spread: what measurements rarely hold better


def of_scalers(columns):
    """(m, s) of each net input, by the scalers that were folded in."""
    s = np.abs(1 / np.where(columns.scale == 0, np.inf, columns.scale))
    return np.abs(columns.shift) * s, s


def of_rows(values):
    """(m, s) of a column of some rows."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    return (abs(values.mean()), values.std()) if values.size > 1 else (0.0, 0.0)


def warn_of_folded(net, remedy=""):
    """Warn of the columns that a folded network reads, by the scalers that were folded in."""
    m, s = of_scalers(net.columns)
    read = np.flatnonzero((net.bare.coefs[0] != 0).any(axis=1))
    names = net.feature_names or [f"x{j}" for j in range(net.n_features)]
    warn_of_offsets([names[net.columns.source[k]] for k in read], m[read], s[read], remedy)


def warn_of_offsets(names, m, s, remedy=""):
    """Warn of the columns for which float32 is too coarse."""
    m, s = np.asarray(m, float), np.asarray(s, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = np.where(s > 0, m * ROUNDED / s, 0.0)
    coarse = [(names[j], m[j], wrong[j]) for j in np.flatnonzero(wrong > MOST)]
    if coarse:
        said = ", ".join(
            f"{name!r} (around {at:.4g}, by {100 * share:.0f}%)" for name, at, share in coarse
        )
        warn(
            f"float32 rounds these columns by more than {100 * MOST:g}% of their spread: {said}. "
            f"Subtract a constant from them before fit and before predict{remedy}."
        )
