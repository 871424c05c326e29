from pathlib import Path

import pytest

from adapters.filesystem import demo as adapter
from tests.paths import DEMO_BESIDE, DEMO_CHECKPOINT
from tests.unit.cli.cli_runs import Terminal


def test_the_demo_goes_into_the_first_model_folder() -> None:
    terminal = Terminal({"MODEL_DIRS": "first,second"})
    done = terminal.run("demo")
    assert (done.exit_code, done.stdout) == (0, "models/demo.safetensors\n")
    assert terminal.demos == ["first"]


def test_another_folder_can_be_named() -> None:
    terminal = Terminal()
    assert terminal.run("demo", "--models-dir", "mine").exit_code == 0
    assert terminal.demos == ["mine"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError("this installation has none"), "this installation has none"),
        (PermissionError(13, "Permission denied"), "'ai-models/': Permission denied"),
    ],
)
def test_a_folder_that_is_not_writable_is_reported(error: OSError, said: str) -> None:
    done = Terminal(demo=error).run("demo")
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_the_file_appears_complete_and_is_copied_once(tmp_path: Path) -> None:
    path = Path(adapter.put_demo(tmp_path / "new" / "models"))
    assert path == tmp_path / "new" / "models" / DEMO_CHECKPOINT.name
    assert path.read_bytes() == DEMO_CHECKPOINT.read_bytes()
    card = path.with_suffix(".json")
    assert card.read_bytes() == DEMO_CHECKPOINT.with_suffix(".json").read_bytes()
    beside = [path.with_name(each.name) for each in DEMO_BESIDE]
    for copy, original in zip(beside, DEMO_BESIDE, strict=True):
        assert copy.read_bytes() == original.read_bytes()
    for each in (path, card, *beside):
        each.write_bytes(b"mine")
    adapter.put_demo(path.parent)
    assert path.read_bytes() == b"mine"
    path.unlink()
    adapter.put_demo(path.parent)
    assert {each.read_bytes() for each in (card, *beside)} == {b"mine"}
    assert path.read_bytes() == DEMO_CHECKPOINT.read_bytes()
    assert set(path.parent.iterdir()) == {path, card, *beside}


def test_an_installation_without_the_demo_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_installed", lambda: None)
    monkeypatch.setattr(adapter, "_CHECKOUT", tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"has no demo\.safetensors"):
        adapter.put_demo(tmp_path / "models")
    assert not (tmp_path / "models").exists()
