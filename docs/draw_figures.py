"""Draw again the figures of the docs that come from examples.

Run it from anywhere, after an example or something that it shows has changed. It runs each example
and saves its figures in docs/figures; with names, only those of these examples::

    python docs/draw_figures.py
    python docs/draw_figures.py plot_damping plot_stopping

What the examples print goes to the terminal; the stored outputs in docs/results are not changed.
plot_monks needs its data (see examples/datasets.py). The other figures in docs/figures are drawn by
the scripts in examples/benchmarks.
"""

import runpy
import sys
from pathlib import Path

import matplotlib

ROOT = Path(__file__).resolve().parents[1]

# the names of an example's figures, in the order in which it draws them; None is not saved
FIGURES = {
    "plot_choose_sparsity": ["choose_sparsity.png", "pruning_path.png"],
    "plot_csv_to_c": ["csv_to_c.png"],
    "plot_damping": ["damping.png"],
    "plot_digits_pixels": ["digits_pixels.png"],
    "plot_digits_sparsity": ["digits_sparsity.png"],
    "plot_lottery": ["lottery.png"],
    "plot_monks": ["network_monks.png"],
    "plot_one_weight": ["one_weight.png", "saliency.png"],
    "plot_stopping": ["stopping.png"],
    "plot_tabular": [None, "network_breast_cancer.png"],
}
DPI = {"plot_one_weight": 100}  # of the others 150


def draw(example, folder):
    """Run one example, and save its figures in the folder."""
    import matplotlib.pyplot as plt

    plt.close("all")
    runpy.run_path(str(ROOT / "examples" / f"{example}.py"), run_name="__main__")
    for number, name in zip(plt.get_fignums(), FIGURES[example], strict=True):
        if name:
            plt.figure(number).savefig(folder / name, dpi=DPI.get(example, 150))


if __name__ == "__main__":
    matplotlib.use("Agg")
    sys.path.insert(0, str(ROOT / "examples"))  # datasets, which examples import
    for example in sys.argv[1:] or FIGURES:
        draw(example, ROOT / "docs" / "figures")
