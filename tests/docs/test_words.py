"""Words that are not to come back: private ones, for which the field has its own.

They are looked for in the README, the pages, public docstrings and messages. Tables are left out,
because their words are those of stored output.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILES = sorted((ROOT / "sklearn_obs").rglob("*.py"))

INSTEAD = {
    r"surgery|surgical": "pruning",
    r"survivors?|surviving": "remaining weights",
    r"dense stage": "initial training",
    r"rows set aside": "held-out samples",
    r"ghosts?": "dead weights",
    r"repairs?": "weight update, adjust",
    r"passes over the data": "epochs",
    r"the family": "other pruning methods",
}
ALLOWED = {  # page or file -> words with a reason
    "published.md": {"surgery"},  # the title of a paper: Dynamic network surgery
    "benchmarks.md": {"surgery", "survivors"},  # quoted, for the words of tables
    "changelog.md": {"survivors"},  # the old name of a column
}
OLD = re.compile("|".join(rf"\b(?:{words})\b" for words in INSTEAD), re.I)


def prose(page):
    """A page without code and tables."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"\[[^\]]*\]\(http[^)]*\)|`[^`]*`", "", text)
    return "\n".join(line for line in text.splitlines() if not line.startswith("|"))


def said(path):
    """Public docstrings, and strings in `raise`, `warn` and `print` of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield ast.get_docstring(node) or ""
        spoken = isinstance(node, ast.Raise)
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).split(".")[-1]
            spoken = name in {"warn", "print", "say", "add_argument", "error"}
        if spoken:
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_use_the_words_of_the_field(page):
    found = {word.lower() for word in OLD.findall(prose(page))} - ALLOWED.get(page.name, set())
    assert not found, f"{found}: see INSTEAD"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_and_messages_use_the_words_of_the_field(path):
    found = {word.lower() for text in said(path) for word in OLD.findall(text)}
    assert not found, f"{found}: see INSTEAD"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_numbers_are_written_in_one_way(page):
    text = re.sub(r"\$[^$]*\$", "", prose(page))
    assert not re.findall(r"\d %", text), "write 90%"
    assert not re.findall(r"(?<![\w.])\.\d", text), "write 0.936"
