"""Warnings of columns that float32 represents too coarsely: large numbers that vary by little.

A number x is rounded to float32 with an error of up to |x| / 2**24. If the values of a column are
around m, and a scaler divides by its spread s, the error of the network's input is |m / s| / 2**24.
"""

import numpy as np

from sklearn_obs.pruning.warned import warn

ROUNDED = 2.0**-24  # relative rounding error: half a unit of the last of 24 bits
MOST = 0.01  # largest error, as a share of the spread: few measurements are more precise


def of_scalers(columns):
    """(m, s) of each input of the network, according to the scalers that were folded in."""
    s = np.abs(1 / np.where(columns.scale == 0, np.inf, columns.scale))
    return np.abs(columns.shift) * s, s


def of_rows(values):
    """(m, s) of a column, computed from the values in some rows."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    return (abs(values.mean()), values.std()) if values.size > 1 else (0.0, 0.0)


def warn_of_folded(net, remedy=""):
    """Warn of coarse columns that a folded network reads, according to its folded scalers."""
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
