"""Every internal link of the built site leads to a page, a file or an anchor that is there.

python docs/check_links.py build/site
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors of a page, and what it points at."""

    def __init__(self, file):
        super().__init__()
        self.anchors, self.targets = set(), set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Collect anchors and targets."""
        values = dict(attributes)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        self.targets |= {values[name] for name in ("href", "src") if values.get(name)}


def broken(site):
    """Lines that name a page and a link of it that leads nowhere."""
    files = (file.resolve() for file in sorted(site.rglob("*.html")) if "_static" not in file.parts)
    pages = {file: Page(file) for file in files}
    for file, page in pages.items():
        for target in sorted(page.targets):
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue  # of another site
            there = (file.parent / unquote(url.path)).resolve() if url.path else file
            anchor = unquote(url.fragment).partition(":~:")[0]  # what follows is a text to mark
            if not there.exists():
                yield f"{file.name}: {target} is not there"
            elif anchor and there in pages and anchor not in pages[there].anchors:
                yield f"{file.name}: {target} has no such anchor"


if __name__ == "__main__":
    found = list(broken(Path(sys.argv[1])))
    print("\n".join(found) or "all internal links resolve")
    sys.exit(bool(found))
