"""Colours and markers that can be told apart in colour blindness and in grey; sizes of artists."""

import numpy as np

# (colour, marker, dashes) with the colours of Okabe and Ito
CURVES = (
    ("#0072b2", "o", "-"),
    ("#d55e00", "s", "--"),
    ("#009e73", "^", "-."),
    ("#cc79a7", "D", (0, (5, 1, 1, 1, 1, 1))),
    ("#e69f00", "v", (0, (3, 2))),
    ("#56b4e9", "P", (0, (8, 2))),
    ("#000000", "*", (0, (8, 2, 2, 2))),
)
POSITIVE, NEGATIVE = "#0072b2", "#d55e00"


def free_style(axes):
    """The first of `CURVES` whose colour and marker are not used in these axes."""
    from matplotlib.colors import to_hex

    lines = [line for ax in axes for line in ax.get_lines()]
    used = {to_hex(line.get_color()) for line in lines} | {line.get_marker() for line in lines}
    free = [style for style in CURVES if used.isdisjoint(style[:2])]
    return free[0] if free else CURVES[len(lines) % len(CURVES)]


def signed_colours(largest):
    """A norm and a colour map for signed weights: small ones are pale, but never white."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    steps = ((0, "#7f2704"), (0.25, "#d55e00"), (0.5, "#fdc38d"))
    steps += ((0.5, "#a6cee3"), (0.75, "#0072b2"), (1, "#08306b"))
    colours = LinearSegmentedColormap.from_list("signed", steps)
    return Normalize(-largest, largest), colours


def is_dark(colours):
    """Mask of those RGBA colours, of shape (n, 4), on which white is seen better than black."""
    return np.asarray(colours)[..., :3] @ (0.299, 0.587, 0.114) < 0.5


def size_in_points(artist):
    """Width and height of an artist, in points, in the current layout."""
    return artist.get_window_extent().size * 72 / artist.figure.dpi
