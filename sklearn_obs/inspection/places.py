"""Conversion of flat indices to and from places (layer, from, to): `coefs_[layer][from, to]`."""

import numpy as np

INTERCEPT = -1  # "from" of an intercept, which does not come from a unit


def places_of(layout, flat) -> np.ndarray:
    """Places of the parameters with these flat indices: rows (layer, from, to)."""
    places = np.empty((layout.n_parameters, 3), np.intp)
    for layer, index in enumerate(layout.index):  # intercepts last
        n = index.shape[0] - 1
        origins = np.append(np.arange(n), INTERCEPT)
        places[index, 0] = layer
        places[index, 1] = origins[:, None]
        places[index, 2] = np.arange(index.shape[1])
    return places[flat]


def flat_of(layout, place) -> int:
    """The flat index of a place.

    Raises
    ------
    ValueError
        If there is no such place.
    """
    try:
        layer, origin, to = (int(number) for number in place)
    except (TypeError, ValueError):
        raise ValueError(
            f"Got index={place!r}, but expected three integers: layer, from, to."
        ) from None
    if 0 <= layer < layout.n_layers:
        index = layout.index[layer]
        n, fan_out = index.shape[0] - 1, index.shape[1]
        if INTERCEPT <= origin < n and 0 <= to < fan_out:
            return int(index[n if origin == INTERCEPT else origin, to])
    raise ValueError(
        f"Got index={tuple(place)}, but there is no such weight: the layers are 0 to "
        f"{layout.n_layers - 1}, between {', '.join(map(str, layout.units))} units."
    )
