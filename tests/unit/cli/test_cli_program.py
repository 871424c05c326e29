import re
import shlex
import subprocess
import sys

import click
import pytest

from adapters.cli.program import program
from application.version import VERSION
from tests.paths import DOCS, ROOT
from tests.unit.cli.cli_runs import Terminal

_PAGE = (DOCS / "command-line.md").read_text(encoding="utf-8")
COMMANDS = {
    "demo": program.commands["demo"],
    "doctor": program.commands["doctor"],
    "generate": program.commands["generate"],
    "keys new": program.commands["keys"].commands["new"],  # type: ignore[attr-defined]
    "models": program.commands["models"],
    "serve": program.commands["serve"],
    "token": program.commands["token"],
    "upscale": program.commands["upscale"],
}


def examples(text: str) -> list[list[str]]:
    """Return the arguments of each call of `ai-inference`, up to the shell's redirections."""
    calls = re.findall(r"^(?!Usage:)[^#\n`]*?\bai-inference +([a-z].*)$", text, re.MULTILINE)
    # A bracket outside of quotes ends `$(ai-inference …)`.
    whole = [re.match(r'(?:"[^"]*"|[^")])*', call) for call in calls]
    return [shlex.split(call[0], comments=True) for call in whole if call]


def assert_understood(arguments: list[str]) -> None:
    """Raise click's error for arguments that no command has."""
    command: click.Command = program
    while isinstance(command, click.Group):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    command.make_context("x", list(arguments))


def test_this_list_has_every_command() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(program.commands)


def test_version() -> None:
    assert Terminal().run("--version").output == f"ai-inference {VERSION}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_parse(name: str) -> None:
    done = Terminal().run(*name.split(), "--help")
    found = examples(done.output)
    assert (done.exit_code, bool(found)) == (0, True)
    for arguments in found:
        assert_understood(arguments)
    assert Terminal().run(*name.split(), "-h").output == done.output


def test_every_option_has_a_help_text() -> None:
    options = [
        option
        for command in COMMANDS.values()
        for option in command.params
        if isinstance(option, click.Option)
    ]
    assert [option.name for option in options if not option.help] == []


def test_the_documentation_shows_every_command_as_it_is() -> None:
    found = examples(_PAGE)
    for arguments in found:
        assert_understood(arguments)
    calls = [" ".join(arguments) for arguments in found]
    assert [name for name in COMMANDS if not any(call.startswith(name) for call in calls)] == []


@pytest.mark.parametrize("command", ["serve", "models", "generate x", "token --subject a"])
def test_all_invalid_settings_are_named_and_nothing_starts(command: str) -> None:
    terminal = Terminal({"PORT": "x", "MAX_QUEUE": "0"})
    done = terminal.run(*command.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert "PORT is 'x'; it must be an integer" in done.stderr
    assert "MAX_QUEUE is 0; it must lie between 1 and 10000" in done.stderr
    assert (terminal.served, terminal.settings) == ([], [])


def test_serve_passes_on_only_the_given_options() -> None:
    terminal = Terminal({"PORT": "9000"})
    assert terminal.run("serve", "--host", "0.0.0.0").exit_code == 0
    assert terminal.run("serve", "--port", "8080").exit_code == 0
    assert terminal.served == [{"HOST": "0.0.0.0"}, {"PORT": "8080"}]


def test_serve_checks_host_and_port_as_the_settings_do() -> None:
    terminal = Terminal()
    done = terminal.run("serve", "--host", "no address", "--port", "99999")
    assert done.exit_code == 2
    assert "HOST is 'no address'; it must be an address" in done.stderr
    assert "PORT is 99999; it must lie between 1 and 65535" in done.stderr
    assert terminal.served == []


def test_no_color_is_honoured() -> None:
    command, colours = click.Command("probe"), []
    command.callback = lambda: colours.append(click.get_current_context().color)
    program.add_command(command)
    try:
        Terminal({"NO_COLOR": "1"}).run("probe")
        Terminal({"NO_COLOR": ""}).run("probe")
    finally:
        del program.commands["probe"]
    assert colours == [False, None]


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["keys", "new"]])
def test_commands_without_a_model_import_no_library(arguments: list[str]) -> None:
    script = (
        "import sys, cli\n"
        "try:\n    cli.main()\n"
        "finally:\n    print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(done.stderr.split())
    assert "adapters.cli.program" in loaded
    assert not loaded & {"torch", "numpy", "flask", "gunicorn", "sqlalchemy", "container", "jwt"}
