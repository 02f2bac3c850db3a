"""The weights of a layer as one stream of bytes, unit by unit, in whichever form is smaller.

A weight z of b bits has the code z + 2^(b - 1), from 1 to 2^b - 1, so that 0 is free for escapes.

- "shared": for each unit the number of its entries, and the entries. Each is a byte: its low b bits
  are the code of a weight, and the others say how many inputs to skip before it. A byte whose code
  is 0 has no weight. It skips as many inputs as its value, a multiple of 2^b.
- "pairs", the same for eight bits: one byte with the number of inputs to skip, and one with the
  weight. If the weight is 0, the inputs are only skipped.
- "packed": the codes of all weights, as many in a byte as fit. Each unit begins with a new byte.

Weights of three bits are packed as those of four, two in a byte.
"""

from dataclasses import dataclass

import numpy as np

PACKED_BITS = {8: 8, 4: 4, 3: 4, 2: 2}


@dataclass(frozen=True)
class Stream:
    """The weights of one layer in bytes."""

    form: str  # "shared", "pairs" or "packed"
    bits: int  # of a code
    units: list[np.ndarray]  # uint8 for each unit, without the number of entries
    escapes: bool  # whether any entry has no weight

    @property
    def entries(self):
        """How many entries each unit has, (fan_out,)."""
        n_bytes = np.array([len(unit) for unit in self.units])
        return n_bytes // 2 if self.form == "pairs" else n_bytes

    @property
    def count_bytes(self):
        """How many bytes the number of entries of a unit takes."""
        if self.form == "packed":
            return 0
        return 1 if self.entries.max(initial=0) < 2**8 else 2

    def bytes(self):
        """The whole stream, with the number of entries (low byte first) before each unit."""
        counts = self.entries[:, None] >> 8 * np.arange(self.count_bytes) & 255
        parts = [part for pair in zip(counts, self.units, strict=True) for part in pair]
        return np.concatenate(parts).astype(np.uint8)


def stream_of(z, bits):
    """The smaller `Stream` for the weights z of shape (fan_in, fan_out), whole numbers.

    If all weights are 0, it has no bytes.
    """
    if not z.any():
        z = z[:0]
    sparse, packed = _sparse(z, bits), _packed(z, bits)
    if sparse.entries.max(initial=0) >= 2**16:  # too many to be counted in two bytes
        return packed
    return sparse if sparse.bytes().size < packed.bytes().size else packed


def _sparse(z, bits):
    unit_entries = _pairs if bits == 8 else _shared
    units = [unit_entries(column, bits) for column in z.T]
    n_weights = np.count_nonzero(z)
    per_entry = 2 if bits == 8 else 1
    escapes = sum(map(len, units)) > per_entry * n_weights
    form = "pairs" if bits == 8 else "shared"
    return Stream(form, bits, [np.array(unit, np.uint8) for unit in units], escapes)


def _skips(column):
    """(number of inputs to skip before it, weight) for each weight that is not 0."""
    (at,) = np.nonzero(column)
    return zip((np.diff(at, prepend=-1) - 1).tolist(), column[at].tolist(), strict=True)


def _shared(column, bits):
    entries, step = [], 2**bits
    most, longest = 2 ** (8 - bits) - 1, 2**8 - step
    for skip, weight in _skips(column):
        while skip > most:
            entries.append(min(skip // step * step, longest))
            skip -= entries[-1]
        entries.append(skip << bits | weight + step // 2)
    return entries


def _pairs(column, bits):
    entries = []
    for skip, weight in _skips(column):
        while skip > 255:
            entries += [255, 0]
            skip -= 255
        entries += [skip, weight & 255]
    return entries


def _packed(z, bits):
    bits = PACKED_BITS[bits]
    per_byte = 8 // bits
    codes = z.T & 255 if bits == 8 else z.T + 2 ** (bits - 1)
    missing = -len(z) % per_byte
    codes = np.pad(codes, ((0, 0), (0, missing))).reshape(len(codes), -1, per_byte)
    units = (codes << bits * np.arange(per_byte)).sum(axis=2).astype(np.uint8)
    return Stream("packed", bits, list(units), False)
