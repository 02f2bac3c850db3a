"""Every measured figure in the README and the docs stands in the stored output of a script.

A section names the scripts that its figures are of; what these printed is in `docs/results`. Checked
are numbers with a decimal point or a comma, and numbers of times, seconds and bytes, in prose and in
tables; a figure may be rounded. What is not measured is listed here, with the reason.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# numbers that are chosen, or published, or follow from others: page -> figures
NOT_MEASURED = {}

FIGURE = re.compile(
    r"(?<![\w.,-])(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+(?= (?:times|s|seconds|hours|MB|MiB|GB|TB|bytes)\b))"
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


def printed(names):
    numbers = []
    for name in names:
        file = RESULTS / f"{name}.txt"
        if file.exists():
            found = re.findall(r"\d[\d,]*\.?\d*(?:e[+-]?\d+)?|\.\d+", file.read_text("utf-8"))
            numbers += [float(n.replace(",", "").rstrip(".")) for n in found]
    return numbers


def is_rounded(figure, numbers):
    """Whether the figure is one of the numbers, or a share of 1 as per cent, rounded as it is."""
    digits = figure.replace(",", "").split("e")[0]
    value = float(figure.replace(",", ""))
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2]) * value / (float(digits) or 1.0)
    return any(abs(value - n) <= half * 1.0001 for n in numbers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_figures_were_printed(page):
    allowed = NOT_MEASURED.get(page.name, set())
    unknown = []
    for text, names in sections(page):
        numbers = printed(names)
        for figure in FIGURE.findall(plain(text)):
            if figure not in allowed and not is_rounded(figure, numbers):
                title = text.splitlines()[0].strip("# ")
                unknown.append(f"{figure} in {title!r}, of {', '.join(sorted(names)) or 'nothing'}")
    assert not unknown, "not in the stored output: " + "; ".join(unknown)
