"""The arrays that hold a network in whole numbers, in the order in which they are read.

- "bytes": of the weights (see `stream`), and which columns are read;
- "words", of sixteen bits: for each unit its factor and its intercept, for each column its offset
  and its factor;
- "longs": intercepts of layers in which one does not fit into sixteen bits;
- "floats": an offset and a factor for each floating-point column;
- "tables": of tanh and logistic, one after the other.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_obs.export.integer.stream import Stream, stream_of

INT16 = np.iinfo(np.int16)


@dataclass(frozen=True)
class StoredInputs:
    """The inputs as they are stored."""

    arrays: dict[str, np.ndarray]
    source_bits: int  # of the index of a column; 0 if all columns are read in order
    alike: bool  # whether all have the same offset and factor, which are not stored


@dataclass(frozen=True)
class StoredLayer:
    """A layer as it is stored."""

    arrays: dict[str, np.ndarray]
    stream: Stream
    wide: bool  # whether its intercepts have 32 bits


def stored_inputs(inputs):
    """The `StoredInputs` of `Inputs`."""
    if inputs.way == "as they come":
        return StoredInputs({}, 0, True)
    arrays, n = {}, len(inputs.source)
    source_bits = 0 if np.array_equal(inputs.source, np.arange(n)) else 8
    if source_bits and inputs.source.max() >= 2**8:
        source_bits = 16
        if inputs.source.max() >= 2**16:
            raise ValueError(
                f"Got a network that reads column {inputs.source.max()}, but C in whole numbers "
                "has indices of 16 bits. Put a feature selector before the network."
            )
    alike = inputs.way == "rounded" and _one(inputs.offsets) and _one(inputs.factors)
    columns = [inputs.source] if source_bits == 16 else []
    if inputs.way == "scaled":
        columns += [inputs.offsets & 2**16 - 1, inputs.factors]
    elif not alike:
        arrays["floats"] = np.column_stack([inputs.offsets, inputs.factors]).ravel()
    if columns:
        arrays["words"] = np.column_stack(columns).ravel().astype(np.uint16)
    if source_bits == 8:
        arrays["bytes"] = inputs.source.astype(np.uint8)
    return StoredInputs(arrays, source_bits, alike)


def stored_layer(layer, n_bits):
    """The `StoredLayer` of an `IntegerLayer`."""
    stream = stream_of(layer.weights, n_bits)
    B = layer.intercepts
    wide = not ((INT16.min <= B) & (INT16.max >= B)).all()
    arrays = {"bytes": stream.bytes()}
    words = [layer.factors] if layer.weights.any() else []
    if wide:
        arrays["longs"] = B.astype(np.int32)
    else:
        words.append(B & 2**16 - 1)
    if words:
        arrays["words"] = np.column_stack(words).ravel().astype(np.uint16)
    if layer.table is not None:
        arrays["tables"] = (layer.table & 255).astype(np.uint8)
    return StoredLayer(arrays, stream, wide)


def _one(values):
    return np.unique(values).size == 1
