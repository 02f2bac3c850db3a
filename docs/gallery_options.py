"""How sphinx-gallery runs the examples: in which order, and with which arguments."""

import os
import tempfile

ORDER = (
    "digits_pipeline",
    "digits_sparsity",
    "one_weight",
    "lesson",
    "compensation",
    "digits_pixels",
    "tabular",
    "xor",
    "monks",
    "damping",
    "choose_sparsity",
    "grid_search",
    "stopping",
    "lottery",
    "formula",
    "variables",
    "csv_to_c",
    "teacher",
    "dask",
)
_files = tempfile.TemporaryDirectory()  # that examples write beside their figures


def order(file):
    """An example's place, from first steps to special questions; one without fails the build."""
    return ORDER.index(os.path.basename(file).removeprefix("plot_").removesuffix(".py"))


def arguments(gallery_conf, script_vars):
    """The command line of an example."""
    with open(script_vars["src_file"], encoding="utf-8") as file:
        text = file.read()
    # ten seeds would take a minute
    few = ["--seeds", "3"] if script_vars["src_file"].endswith("digits_sparsity.py") else []
    return few + (["--out", _files.name] if '"--out"' in text else [])
