"""The fenced blocks of the documentation, and a shell that runs those of one page in order."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import DOCS, ROOT

__all__ = ["PAGES", "SHOWN", "Block", "blocks_of", "script_of"]

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
SHOWN = frozenset({"json", "mermaid", "nginx", "text", "toml"})
"""Languages of blocks that are only read."""

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SERVES = re.compile(r"(^|\s)(make run|ai-inference serve\b.*)$")
_ADDRESSES = re.compile(r"(?<=127\.0\.0\.1:)8000|(?<=port=)8000|(?<=PORT=)\d+|(?<=--port )\d+")

_PRELUDE = """
service=
serve() {  # runs a line that serves as a second terminal does, in place of the service before
  stop
  eval "exec env $1" &
  service=$!
  until command curl -fs --retry 1 --retry-delay 1 --retry-all-errors --output /dev/null \\
    "http://127.0.0.1:$PORT/health/ready"
  do kill -0 "$service"; done
}
stop() {
  [ -z "$service" ] || { kill "$service"; wait "$service" || true; service=; }
}
trap stop EXIT  # a service that stays would keep the pipe open
curl() {  # an error of the service is an error of the command
  case " $* " in
    *" -f"*) command curl "$@" ;;
    *) command curl --fail-with-body "$@" ;;
  esac
}
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """Return its first line, which identifies it on its page."""
        return self.text.partition("\n")[0]


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    name = str(page.relative_to(ROOT))
    return [
        Block(name, language.strip(), textwrap.dedent(text))
        for _, language, text in _FENCE.findall(page.read_text())
    ]


def script_of(blocks: list[Block], *, port: int) -> str:
    """Return what a reader of a page types, for bash with `-e` and Python's path in `$PYTHON`.

    Args:
        blocks: The blocks to run, in order.
        port: The service's port, replacing the one that the page names.
    """
    typed = (line for block in blocks for line in _lines(block, port))
    return "\n".join([_PRELUDE, *typed, "stop\n"])


def _lines(block: Block, port: int) -> Iterator[str]:
    yield f"echo {shlex.quote(f'--- {block.page}: {block.name}')}"
    text = _ADDRESSES.sub(str(port), block.text)
    if block.language == "python":
        is_test = re.search(r"^def test_", text, re.MULTILINE) is not None
        yield f"cat > test_example.py <<'END_OF_EXAMPLE'\n{text}END_OF_EXAMPLE"
        how = "-m pytest -q -p no:cacheprovider" if is_test else ""
        yield f'"$PYTHON" {how} test_example.py'
        return
    *lines, last = text.rstrip("\n").split("\n")
    yield from lines
    yield f"serve {shlex.quote(last)}" if _SERVES.search(last) else last
