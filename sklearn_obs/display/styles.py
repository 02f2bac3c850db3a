"""Colours and markers, told apart by the colour-blind and in grey, and the sizes of things."""

import numpy as np

# Okabe and Ito's colours
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
    """Colour, marker and dashes: the first of `CURVES` whose colour and marker are free."""
    from matplotlib.colors import to_hex

    lines = [line for ax in axes for line in ax.get_lines()]
    used = {to_hex(line.get_color()) for line in lines} | {line.get_marker() for line in lines}
    free = [style for style in CURVES if used.isdisjoint(style[:2])]
    return free[0] if free else CURVES[len(lines) % len(CURVES)]


def signed_colours(largest):
    """A norm and a map for weights of both signs: pale where small, but never white."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    steps = ((0, "#7f2704"), (0.25, "#d55e00"), (0.5, "#fdc38d"))
    steps += ((0.5, "#a6cee3"), (0.75, "#0072b2"), (1, "#08306b"))
    colours = LinearSegmentedColormap.from_list("signed", steps)
    return Normalize(-largest, largest), colours


def is_dark(colours):
    """Where white strokes are seen better than black ones: RGBA colours of shape (n, 4)."""
    return np.asarray(colours)[..., :3] @ (0.299, 0.587, 0.114) < 0.5


def size_in_points(artist):
    """Width and height of an artist as laid out so far."""
    return artist.get_window_extent().size * 72 / artist.figure.dpi
