"""Every measured figure in the README and the docs stands in the stored output of a script.

A section names the scripts that its figures are of; what these printed is in `docs/results`.
Checked are numbers with a decimal point or a comma, and numbers of times, seconds and bytes, in
prose and in tables; a figure may be rounded. What is not measured is listed here, with the reason.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# numbers that are not measured, on any page
CHOSEN = {
    "3.11": "the oldest Python",
    "1.9": "scikit-learn that has callbacks",
    "2,500": "weights of a layer up to which structure='auto' was 'layer'",
    "2,000": "rows of benchmarks",
    "5,000": "rows up to which retrain_solver='auto' is not 'adam'; n_curvature_samples, as it was",
    "0.02": "damping",
}
# and on one
OF_PAGES = {
    "README.md": {".9": "a level that curves fall below"},
    "benchmarks.md": {
        "2.4": "NumPy",
        "0.23": "emlearn",
        "1,000": "rows for testing",
        "1.17": "SciPy",
        "32,360": "weights of 784-40-20-10",
        "266,200": "weights of 784-300-100-10",
        "3,000": "rows",
        "4.2": "a ratio of two losses in the table, as the next three",
        "7.1": "",
        "1.8": "",
        "1.4": "",
    },
    "changelog.md": {"0.1": "a version"},
    "comparison.md": {"3,000": "rows"},
    "defaults.md": {
        "3,000": "rows",
        "2,250": "rows",
        "0.001": "the default of weight_decay",
        "0.75": "of distillation",
        "0.0005": "a weight_decay",
        "1e-3": "",
        "5e-4": "a weight_decay",
    },
    "curvature.md": {
        "2,260": "parameters of 64-30-10",
        "1.2": "in the leading terms at the head of scaling.py, as the rest",
        "2.2": "",
        "1.1": "",
        "1.25": "",
        "0.2": "",
        "1.5": "",
    },
    "design.md": {"0.01": "the bound on rounding in float32"},
    "devices.md": {
        "0.002": "how near to the best is as good",
        "10,000": "rows of a test",
        "4.9": "rules of MISRA C, as the rest",
        "10.1": "",
        "13.3": "",
        "15.5": "",
        "15.6": "",
        "18.4": "",
    },
    "persistence.md": {"1.2": "a bound that a test checks"},
    "pitfalls.md": {"0.1": "a damping to try"},
    "published.md": {"266,200": "weights of 784-300-100-10", "1.6": "a published error"},
    "releasing.md": {"1.0": "a version"},
    "scale.md": {"40": "MB, about: a floor", "16,384": "units of a layer"},
    "stopping.md": {"1,000": "rows"},
}

UNITS = "times|s|seconds|hours|MB|MiB|GB|TB|bytes"
FIGURE = re.compile(
    rf"(?<![\w.,-])(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d*\.\d+|\d+(?= (?:{UNITS})\b))"
    r"(?:e[+-]?\d+)?(?![\w-])"
)


def plain(text):
    """The text without code, formulas, links' targets, pictures and networks' sizes."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    text = re.sub(r"`[^`]*`|\$\$?[^$]*\$\$?|!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)", " ", text)
    return re.sub(r"\b\d+(?:-\d+){2,}\b", " ", text)


def sections(page):
    """Pairs of a section's text and the scripts that it, or the head of its page, names."""
    head, *rest = re.split(r"^(?=#{2,} )", page.read_text(encoding="utf-8"), flags=re.M)
    common = scripts(head)
    return [(text, common | scripts(text)) for text in (head, *rest)]


def scripts(text):
    return set(re.findall(r"examples/(?:benchmarks/)?(\w+)\.py", text)) - {"datasets"}


def output(name):
    """What the script printed."""
    file = RESULTS / f"{name}.txt"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def printed(names):
    text = "\n".join(map(output, names))
    found = re.findall(r"\d[\d,]*\.?\d*(?:e[+-]?\d+)?|\.\d+", text)
    return [float(number.replace(",", "").rstrip(".")) for number in found]


def is_rounded(figure, numbers):
    """Whether the figure is one of the numbers, or a share of 1 as per cent, rounded as it is."""
    digits = figure.replace(",", "").split("e")[0]
    value = float(figure.replace(",", ""))
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2]) * value / (float(digits) or 1.0)
    return any(abs(value - n) <= half * 1.0001 for n in numbers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_figures_were_printed(page):
    allowed = CHOSEN | OF_PAGES.get(page.name, {})
    unknown = []
    for text, names in sections(page):
        numbers = printed(names)
        for figure in FIGURE.findall(plain(text)):
            if figure not in allowed and not is_rounded(figure, numbers):
                title = text.splitlines()[0].strip("# ")
                unknown.append(f"{figure} in {title!r}, of {', '.join(sorted(names)) or 'nothing'}")
    assert not unknown, "not in the stored output: " + "; ".join(unknown)


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.txt")), ids=lambda file: file.stem)
def test_tables_are_shown_whole(file):
    command, *lines = file.read_text(encoding="utf-8").splitlines()
    assert re.match(rf"\$ python examples/(benchmarks/)?{file.stem}\.py", command)
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for line in lines:
        assert not line.startswith("| ") or line in pages, f"not in the docs: {line}"


@pytest.mark.parametrize(
    "figure, number, same",
    [
        (".81", 0.8140, True),
        ("0.82", 0.8140, False),
        ("1,241", 1241, True),
        ("1,241", 1242, False),
        ("17 times", 17.4, True),
        ("2.15 GB", 2.16, False),
        ("3.6e+17", 3.62e17, True),
        ("3.6e+17", 3.7e17, False),
    ],
)
def test_a_figure_is_a_number_or_it_rounded(figure, number, same):
    (found,) = FIGURE.findall(figure)
    assert is_rounded(found, [1e-9, number]) == same
