"""The source of an exported model: functions over constants that lie in the order of their use.

Numbers are in one array of each type, through which a pointer runs. All arrays are in one struct,
the widest numbers first, so that nothing is padded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from string import Template

import numpy as np

from sklearn_obs.export.c.templates import SOURCE
from sklearn_obs.export.c.text import c_type, numbers


@dataclass
class Streams:
    """Arrays by name, in the order in which numbers are used."""

    parts: dict = field(default_factory=dict)

    def add(self, name, values):
        """Put values at the end of the array of that name; returns the name."""
        self.parts.setdefault(name, []).append(values)
        return name

    def arrays(self):
        """The whole arrays by name, widest numbers first, so that nothing is padded."""
        joined = {name: np.concatenate(parts) for name, parts in self.parts.items()}
        return dict(sorted(joined.items(), key=lambda item: -item[1].itemsize))


@dataclass(frozen=True)
class Code:
    """What one model is in C."""

    words: dict[str, object]  # what templates ask for
    arrays: dict[str, np.ndarray]  # of constants
    preamble: str  # includes, and what a compiler has to be like
    functions: str
    prototypes: list[str]  # with a comment each
    facts: list[str]  # of what its outputs are, for the header
    macros: str = ""  # of the header
    includes: str = ""  # likewise


def words_of(net, name):
    """What templates ask for of a model that is called so, whatever its numbers."""
    upper, outputs, features = name.upper(), net.n_outputs, net.n_features
    return {"name": name, "upper": upper, "n_outputs": outputs, "n_features": features}


def public_functions(functions: Iterable[tuple[str, str, str]], words: dict):
    """(code, prototypes with their comments) of functions (what it does, prototype, body)."""
    code, prototypes = "", []
    for what, prototype, body in functions:
        prototype, body = (Template(text).substitute(words) for text in (prototype, body))
        prototypes.append(f"/* {what} */\n{prototype};\n")
        code += f"\n{prototype}\n{{\n{body}}}\n"
    return code, prototypes


def pointers(arrays, name):
    """Declarations of a pointer to each array, through which it is read."""
    return [
        f"const {c_type(array.dtype)} *{array_name} = {name}_model.{array_name};"
        for array_name, array in arrays.items()
    ]


def source_text(code: Code, header: str) -> str:
    """The .c file; `header` is the name of the other."""
    constants = _constants(code.words["name"], code.arrays)
    return SOURCE.substitute(
        header=header, preamble=code.preamble, constants=constants, code=code.functions
    )


def _constants(name, arrays):
    """One struct of all arrays."""
    if not arrays:
        return ""
    fields = "".join(f"    {c_type(a.dtype)} {name}[{a.size}];\n" for name, a in arrays.items())
    values = ",\n".join("{\n" + numbers(a) + "}" for a in arrays.values())
    return f"static const struct {{\n{fields}}} {name}_model SKLEARN_OBS_ROM = {{\n{values}\n}};\n"
