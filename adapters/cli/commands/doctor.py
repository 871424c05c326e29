"""`ai-inference doctor`."""

import dataclasses
import json
import logging
from collections.abc import Iterator

import click

from adapters.cli.commands.checks import (
    Check,
    Verdict,
    check_credentials,
    check_data_dir,
    check_device,
    check_job_store,
    check_models,
    check_port,
    check_settings,
    check_versions,
)
from adapters.cli.options import models_dir_option, with_models_dirs
from adapters.cli.scan_progress import look_through
from adapters.cli.terminal import StatusLine, plain
from adapters.cli.wiring import Assembly
from application.settings.settings import Settings, SettingsError

__all__ = ["doctor"]

_COLOURS = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@models_dir_option
@click.pass_obj
def doctor(assembly: Assembly, as_json: bool, models_dirs: tuple[str, ...]) -> None:
    """Say what would stop the service, and what it would run on.

    The exit status is 1 if there is a problem. A warning is not a problem. While the service runs,
    its port is taken, which is a problem for a second service.

    \b
    Examples:
      ai-inference doctor
      ai-inference doctor --json
    """
    settings, checks = check_settings(assembly.environment)
    settings = with_models_dirs(settings, models_dirs)
    checks = [*check_versions(), *checks]
    line = StatusLine(assembly.environment)
    line.show("looking for the device")
    try:
        checks += _checks(assembly, settings, line)
    finally:
        line.clear()
    good = all(check.verdict is not Verdict.PROBLEM for check in checks)
    if as_json:
        rows = [{"name": row.name, "verdict": row.verdict, "detail": row.detail} for row in checks]
        click.echo(json.dumps({"ok": good, "checks": rows}, indent=2))
    else:
        _print(checks)
    if not good:
        raise click.exceptions.Exit(1)


def _checks(assembly: Assembly, settings: Settings, line: StatusLine) -> Iterator[Check]:
    yield check_device(assembly, settings)
    yield check_data_dir(settings)
    yield check_job_store(assembly, settings)
    try:
        registry = assembly.core(settings, None).registry
    except SettingsError as error:  # of the file that MODEL_SETTINGS names
        yield Check("MODEL_SETTINGS", Verdict.PROBLEM, "; ".join(error.problems))
        settings = dataclasses.replace(settings, model_settings=None)
        registry = assembly.core(settings, None).registry
    # What the scanner warns of, the rows say.
    scanner = logging.getLogger("adapters.filesystem")
    level = scanner.level
    scanner.setLevel(logging.ERROR)
    try:
        look_through(registry, line)
        yield from check_models(settings, registry)
    finally:
        scanner.setLevel(level)
        registry.close()
    yield from check_credentials(assembly, settings)
    yield check_port(settings)


def _print(checks: list[Check]) -> None:
    width = max(len(plain(row.name)) for row in checks)
    longest = max(map(len, Verdict))
    for row in checks:
        verdict = click.style(row.verdict.ljust(longest), fg=_COLOURS[row.verdict])
        click.echo(f"{verdict}  {plain(row.name).ljust(width)}  {plain(row.detail)}")
