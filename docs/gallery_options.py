"""In which order sphinx-gallery shows the examples.

The groups are those of `examples/GALLERY_HEADER.rst`.
"""

import os

GROUPS = {
    "First steps": (
        "digits_pipeline",
        "choose_sparsity",
        "grid_search",
        "digits_sparsity",
        "digits_pixels",
    ),
    "A table of your own": (
        "mixed_table",
        "tabular",
        "variables",
        "formula",
        "imbalance",
        "without_labels",
    ),
    "A small device": ("csv_to_c", "few_bits", "teacher"),
    "Teaching and studying pruning": (
        "one_weight",
        "xor",
        "lesson",
        "compensation",
        "damping",
        "monks",
        "stopping",
        "lottery",
    ),
    "Large and distributed": ("memory", "dask"),
}
ORDER = tuple(name for names in GROUPS.values() for name in names)


def order(file):
    """An example's place in the gallery; an example without a group is an error of the build."""
    return ORDER.index(os.path.basename(file).removeprefix("plot_").removesuffix(".py"))
