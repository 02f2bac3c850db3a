"""Layout of a diagram of the remaining network: nodes in columns, with few crossings of lines."""

from dataclasses import dataclass

import numpy as np

N_SWEEPS = 6


@dataclass(frozen=True)
class Diagram:
    """A diagram in columns, from the inputs to the outputs, and from top to bottom."""

    nodes: list[np.ndarray]  # for each column: indices of its inputs, units or outputs
    heights: list[np.ndarray]  # for each column: heights of its nodes, in (0, 1)
    edges: np.ndarray  # (n_edges, 3): column, position in it, position in the next column
    weights: np.ndarray  # (n_edges,) weights of the edges

    @property
    def segments(self):
        """Ends of the edges: (n_edges, 2, 2), with a column and a height for each end."""
        columns = self.edges[:, :1] + np.array([0, 1])
        heights = [
            [self.heights[column][start], self.heights[column + 1][end]]
            for column, start, end in self.edges
        ]
        return np.stack([columns, np.reshape(heights, columns.shape)], axis=-1).astype(float)


def diagram_of(coefs, masks, nodes, order=None):
    """Make the diagram of the weights in `masks` between the given nodes of each column.

    `order` lists the nodes of each column, and may list more than are drawn; the places of the
    others stay empty. By default the nodes are ordered so that few lines cross.
    """
    layers = range(len(coefs))
    if order is None:
        links = [masks[i][np.ix_(nodes[i], nodes[i + 1])] for i in layers]
        nodes = [column[some] for column, some in zip(nodes, _orders(links), strict=True)]
        heights = [_heights(column.size) for column in nodes]
    else:
        places = _places(nodes, order)
        nodes = [column[np.argsort(at)] for column, at in zip(nodes, places, strict=True)]
        heights = [
            _heights(len(column))[np.sort(at)] for column, at in zip(order, places, strict=True)
        ]
    edges, weights = [], []
    for i in layers:
        between = np.ix_(nodes[i], nodes[i + 1])
        start, end = np.nonzero(masks[i][between])
        edges.append(np.column_stack([np.full_like(start, i), start, end]))
        weights.append(coefs[i][between][start, end])
    return Diagram(nodes, heights, np.concatenate(edges), np.concatenate(weights))


def _places(nodes, order):
    """For each column, the positions of its nodes in `order`."""
    if len(order) != len(nodes):
        raise ValueError(
            f"Got an order of {len(order)} columns, but expected {len(nodes)}: the inputs, the "
            "units of each hidden layer, and the outputs."
        )
    places = []
    for number, (column, given) in enumerate(zip(nodes, order, strict=True)):
        place = {node: at for at, node in enumerate(np.asarray(given).tolist())}
        missing = [node for node in column.tolist() if node not in place]
        if missing:
            raise ValueError(
                f"Got an order without {missing} in column {number}, but they have to be drawn. "
                "Draw the densest network of a series first, and pass its `order_`."
            )
        places.append(np.array([place[node] for node in column.tolist()], int))
    return places


def touching_output(masks):
    """Find the inputs, units and outputs from which a path of weights leads to an output.

    Returns
    -------
    list of ndarray of int
        The indices in each layer of units, from the inputs to the outputs.
    """
    touching = [np.ones(masks[-1].shape[1], bool)]
    for mask in masks[::-1]:
        touching.append((mask & touching[-1]).any(axis=1))
    return [np.flatnonzero(column) for column in touching[::-1]]


def _heights(n_nodes):
    return 1 - (np.arange(n_nodes) + 0.5) / max(n_nodes, 1)


def _orders(links):
    """Order the nodes of each column by the barycentres of their neighbours; outputs do not move.

    Sugiyama, K., Tagawa, S. and Toda, M. (1981). Methods for visual understanding of hierarchical
    system structures. IEEE Transactions on Systems, Man, and Cybernetics 11(2).
    """
    heights = [_heights(len(link)) for link in links] + [_heights(links[-1].shape[1])]
    last = len(links)
    for _ in range(N_SWEEPS):
        for column in range(1, last):
            _settle(heights, column, links[column - 1].T, heights[column - 1])
        for column in range(last - 1, -1, -1):
            _settle(heights, column, links[column], heights[column + 1])
    return [np.argsort(-height, kind="stable") for height in heights]


def _settle(heights, column, link, neighbours):
    """Order a column by the mean height of each node's neighbours; link is (n_own, n_others)."""
    n_neighbours = link.sum(axis=1)
    mean = np.where(n_neighbours, link @ neighbours / np.maximum(n_neighbours, 1), heights[column])
    order = np.argsort(-mean, kind="stable")
    heights[column] = heights[column].copy()
    heights[column][order] = _heights(order.size)
