"""README.md and docs/ are linked, their links work, and the names in them exist."""

import re
from pathlib import Path

import pytest

from tests.paths import DOCS, ROOT

README = ROOT / "README.md"
INDEX = DOCS / "README.md"
PAGES = sorted(path for path in DOCS.glob("*.md") if path != INDEX)
OTHERS = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "ai-models" / "README.md"]
_MOST_LINES = 130

_CODE = re.compile(r"^ *```.*?^ *```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> list[str]:
    """Return the targets of a page's links into the repository."""
    found = _LINK.findall(_CODE.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", [README, INDEX, *PAGES, *OTHERS], ids=lambda page: page.name)
def test_every_link_has_a_target(page: Path) -> None:
    lost = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("index", [README, INDEX], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_is_one_click_away(index: Path) -> None:
    reached = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert [page.name for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_links_back_to_the_index(page: Path) -> None:
    assert page.read_text().split("\n")[2].startswith("[Documentation](README.md) · ")


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= _MOST_LINES


@pytest.mark.parametrize("page", [README, INDEX, *PAGES, *OTHERS], ids=lambda page: page.name)
def test_no_placeholder_is_left(page: Path) -> None:
    assert re.search(r"@[A-Z]+@|\b(TODO|TBD|FIXME)\b", page.read_text()) is None
