"""What a diagram of the remaining network shows, and where: nodes in columns, few crossings."""

from dataclasses import dataclass

import numpy as np

N_SWEEPS = 6


@dataclass(frozen=True)
class Diagram:
    """Columns from the inputs to the outputs. Heights are in (0, 1), the first node on top."""

    nodes: list[np.ndarray]  # per column: indices of the inputs, units or outputs in it
    heights: list[np.ndarray]  # per column: of its nodes, as many
    edges: np.ndarray  # (n_edges, 3): column, place in it, place in the next
    weights: np.ndarray  # (n_edges,)

    @property
    def segments(self):
        """Ends of the edges: (n_edges, 2, 2), a column and a height each."""
        columns = self.edges[:, :1] + np.array([0, 1])
        heights = [
            [self.heights[column][start], self.heights[column + 1][end]]
            for column, start, end in self.edges
        ]
        return np.stack([columns, np.reshape(heights, columns.shape)], axis=-1).astype(float)


def diagram_of(coefs, masks, nodes, order=None):
    """The diagram of the weights in `masks` between the nodes given, column by column.

    Nodes stand where they stand in `order`, which has at least these in each column; by default,
    where the fewest lines cross.
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
    """Where each node is in the order of its column."""
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
    """Per layer of units, inputs and outputs included, those from which a path leads to an output.

    Returns
    -------
    list of ndarray of int
    """
    touching = [np.ones(masks[-1].shape[1], bool)]
    for mask in masks[::-1]:
        touching.append((mask & touching[-1]).any(axis=1))
    return [np.flatnonzero(column) for column in touching[::-1]]


def _heights(n_nodes):
    return 1 - (np.arange(n_nodes) + 0.5) / max(n_nodes, 1)


def _orders(links):
    """Orders of the columns: each node at the barycentre of its neighbours, outputs as they are.

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
    """Order a column by the mean heights of its nodes' neighbours; link is (n_own, n_others)."""
    n_neighbours = link.sum(axis=1)
    mean = np.where(n_neighbours, link @ neighbours / np.maximum(n_neighbours, 1), heights[column])
    order = np.argsort(-mean, kind="stable")
    heights[column] = heights[column].copy()
    heights[column][order] = _heights(order.size)
