"""Drawing of a diagram: edges, nodes, names and numbers, as far as there is room for them."""

import numpy as np

from sklearn_obs.display.styles import NEGATIVE, POSITIVE, size_in_points

NODE, UNIT = 7, 17  # points; diameters of inputs and outputs (NODE) and of hidden units (UNIT)
GAP = 5  # points between a node and its name
FONT = 9  # points; names are smaller in a crowded column
SMALL = 8  # points; size of the numbers on lines
SMALLEST_FONT = 5  # points; smaller names are left out
ALONG = (0.5, 0.38, 0.62, 0.26, 0.74, 0.16, 0.84)  # positions along a line for its weight


def _side(column, n_columns):
    """Side on which a node's name is written: left of inputs (-1), right of outputs (1), or 0."""
    return int(column == n_columns - 1) - int(column == 0)


def _write(ax, text, place, side, offset, **style):
    return ax.annotate(
        text,
        place,
        offset,
        textcoords="offset points",
        ha=("center", "left", "right")[side],
        parse_math=False,
        **style,
    )


def draw_headers(ax, headers):
    """Write a header above each column: how many inputs, units or outputs there are."""
    texts, style = [], {"va": "bottom", "fontsize": FONT, "color": "0.35"}
    for column, header in enumerate(headers):
        side = _side(column, len(headers))
        offset = (side * (NODE / 2 + GAP), GAP)
        texts.append(_write(ax, header, (column, 1), side, offset, **style))
    return texts


def draw_edges(ax, diagram):
    """Draw the weights and a legend for their signs; returns the legend."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    largest = np.abs(diagram.weights).max(initial=0)
    crowd = min(1, np.sqrt(60 / max(diagram.weights.size, 1)))
    widths = crowd * (0.7 + 3.3 * np.abs(diagram.weights) / (largest or 1))
    handles = []
    for sign, colour, style in (("positive", POSITIVE, "-"), ("negative", NEGATIVE, "--")):
        chosen = (diagram.weights < 0) == (sign == "negative")
        edges = LineCollection(
            diagram.segments[chosen],
            linewidths=widths[chosen],
            colors=colour,
            linestyles=style,
            alpha=max(crowd, 0.4),
            zorder=1,
        )
        ax.add_collection(edges, autolim=False)
        handles.append(Line2D([], [], color=colour, linestyle=style, label=f"{sign} weight"))
    if largest:
        label = f"|weight| = {largest:.2g}"
        handles.append(Line2D([], [], color="0.4", linewidth=4 * crowd, label=label))
    style = {"handles": handles, "loc": "lower center", "frameon": False, "fontsize": FONT - 1}
    legend = ax.legend(**style, ncols=len(handles))
    if size_in_points(legend)[0] > size_in_points(ax)[0]:
        legend = ax.legend(**style)
    return legend


def draw_nodes(ax, diagram, names, height, n_places):
    """Draw the nodes, and their names if a column of `height` points has room for them.

    Each column has `n_places` places, some of which may be empty.
    """
    labels = []
    for column, (nodes, heights) in enumerate(zip(diagram.nodes, diagram.heights, strict=True)):
        side, spacing = _side(column, len(names)), height / max(n_places[column], 1)
        diameter = min(0.85 * spacing, NODE if side else UNIT)
        size = min(FONT, 0.8 * spacing if side else 0.55 * diameter)
        ax.scatter(
            np.full(len(nodes), column),
            heights,
            s=diameter**2,
            color="0.25" if side else "white",
            edgecolor="0.25",
            zorder=2,
        )
        if size < SMALLEST_FONT:
            continue
        if not side:  # two characters fit into a unit
            size *= min(1, 2 / max((len(names[column][node]) for node in nodes), default=1))
        offset, style = (side * (diameter / 2 + GAP), 0), {"va": "center_baseline", "zorder": 3}
        style["fontsize"] = max(size, SMALLEST_FONT)
        for node, y in zip(nodes, heights, strict=True):
            name = names[column][node]
            labels.append(_write(ax, name, (column, y), side, offset, **style))
    return labels


def draw_intercepts(ax, diagram, intercepts, height, n_places):
    """Write non-zero intercepts below units and outputs, or none if there is not enough room."""
    texts, last = [], len(diagram.nodes) - 1
    style = {"va": "top", "fontsize": SMALL, "color": "0.35", "zorder": 4}
    for column in range(1, last + 1):
        inside = column < last
        below = UNIT / 2 + 2 if inside else FONT / 2 + 3
        if height / max(n_places[column], 1) < 2 * below + 1.5 * SMALL:
            return []
        side, offset = _side(column, last + 1), (0 if inside else NODE / 2 + GAP, -below)
        nodes = zip(diagram.nodes[column], diagram.heights[column], strict=True)
        for node, y in nodes:
            if value := intercepts[column - 1][node]:
                texts.append(((column, y), f"b = {value:.2g}", side, offset))
    return [_write(ax, text, place, *where, **style) for place, text, *where in texts]


def draw_weights(ax, diagram, others=()):
    """Write weights on their lines, as far from others as possible; none if one has no room."""
    size = size_in_points(ax) / (np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim()))  # points per unit
    needed = np.array([2.6, 1.1]) * SMALL
    taken = [text.xy + np.array([0, text.xyann[1] - SMALL / 2]) / size for text in others]
    for start, end in diagram.segments:
        places = start + np.outer(ALONG, end - start)
        apart = np.abs(places[:, None] - np.reshape(taken, (-1, 2))) * size / needed
        room = apart.max(axis=2).min(axis=1, initial=1)  # 1 is enough
        if room.max() < 1:
            return []
        taken.append(places[room.argmax()])
    texts = []
    box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    for place, weight in zip(taken[len(others) :], diagram.weights, strict=True):
        style = {"ha": "center", "va": "center", "fontsize": SMALL, "zorder": 4, "bbox": box}
        colour = NEGATIVE if weight < 0 else POSITIVE
        texts.append(ax.text(*place, f"{weight:.2g}", color=colour, **style))
    return texts


def set_width(ax, headers, labels):
    """Set limits that leave room for names beside the diagram, and the size of the headers."""
    rooms = []
    for side in ("right", "left"):
        texts = [text for text in (*headers, *labels) if text.get_ha() == side]
        rooms.append(max(size_in_points(text)[0] for text in texts) + 4 * GAP)
    width, n_gaps = size_in_points(ax)[0], len(headers) - 1
    gap = max(width - sum(rooms), 0.25 * width) / n_gaps
    ax.set_xlim(-rooms[0] / gap, n_gaps + rooms[1] / gap)
    widest = max(size_in_points(header)[0] for header in headers[1:-1] or headers)
    size = min(FONT, 0.9 * FONT * gap / widest)
    for header in headers:
        header.set(fontsize=size, visible=size >= SMALLEST_FONT)
