import dataclasses
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.filesystem.classification.files import Classification
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.filesystem.scanning.identity import Identity
from adapters.filesystem.scanning.identity_cache import IdentityCache
from domain.models.card import ModelCard
from domain.models.defaults import ModelDefaults
from domain.models.record import FileStamp, ModelFamily, ModelKind
from domain.samplers import Scheduler
from domain.services.model_registry import ModelRegistry
from tests.paths import ROOT


@pytest.mark.parametrize("before", [None, 0o644])
def test_only_its_owner_can_read_the_cache(tmp_path: Path, before: int | None) -> None:
    file = tmp_path / "data" / "models.sqlite"
    if before is not None:
        file.parent.mkdir()
        file.touch()
        file.chmod(before)
    mask = os.umask(0o022)
    try:
        cache = IdentityCache(file)
        cache.put(PATH, STAMP, CHECKPOINT)
        modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
        cache.close()
    finally:
        os.umask(mask)
    assert modes.pop("models.sqlite") == 0o600
    assert set(modes.values()) <= {0o600}
    if before is None:
        assert file.parent.stat().st_mode & 0o777 == 0o700


PATH = "models/a.safetensors"
STAMP = FileStamp(device=2**64 - 1, inode=2**63, size=10, modified_ns=-5, changed_ns=7)
CHECKPOINT = Identity(
    "ab" * 32,
    Classification(
        ModelKind.CHECKPOINT,
        ModelFamily.SDXL,
        "float16",
        loadable=True,
        reason=None,
        card=ModelCard("Cats.", ("a cat", "two cats"), ("cat", "cats")),
        defaults=ModelDefaults(4, 1.0, Scheduler.EULER_A, 2),
        lacks_vae=True,
    ),
)
UNKNOWN = Identity(
    "cd" * 32,
    Classification(
        ModelKind.UNKNOWN, None, None, loadable=False, reason="no model", fault="it is cut"
    ),
)

UPSCALER = Identity(
    "ef" * 32,
    Classification(
        ModelKind.UPSCALER, None, "float16", loadable=False, reason="an upscaler", scale=4
    ),
)
LORA = Identity(
    "12" * 32,
    Classification(
        ModelKind.LORA,
        ModelFamily.SD_1,
        "float16",
        loadable=False,
        reason="a LoRA",
        is_companion=True,
        base=ModelFamily.SD_1,
        trigger_words=("paper cut", "ünïcode, with a comma"),
        rank=8,
    ),
)


@pytest.mark.parametrize("identity", [CHECKPOINT, UNKNOWN, UPSCALER, LORA])
def test_cached_identities_are_found_by_a_later_run(tmp_path: Path, identity: Identity) -> None:
    path = tmp_path / "data" / "models.sqlite"
    for _ in range(2):
        with closing(IdentityCache(path)) as cache:
            cache.put(PATH, STAMP, identity)
    with closing(IdentityCache(path)) as cache:
        assert cache.get(PATH, STAMP) == identity


@pytest.mark.parametrize("field", ["inode", "size", "modified_ns", "changed_ns"])
def test_every_file_system_attribute_counts(tmp_path: Path, field: str) -> None:
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, dataclasses.replace(STAMP, **{field: 1})) is None


def test_the_device_does_not_count(tmp_path: Path) -> None:
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, dataclasses.replace(STAMP, device=1)) == CHECKPOINT


def test_files_on_two_devices_with_equal_attributes_are_distinct(tmp_path: Path) -> None:
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        cache.put("clone/a.safetensors", dataclasses.replace(STAMP, device=1), UNKNOWN)
        assert cache.get(PATH, STAMP) == CHECKPOINT


@pytest.mark.parametrize("path", [f"./{PATH}", str(ROOT / PATH)])
def test_a_path_is_the_same_in_every_notation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(ROOT)
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(path, STAMP) == CHECKPOINT


def test_a_path_need_not_be_utf_8(tmp_path: Path) -> None:
    path = os.fsdecode(b"models/mine/bad\xff.txt")
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(path, STAMP, UNKNOWN)
        assert cache.get(path, STAMP) == UNKNOWN


def test_a_lookup_creates_no_file(tmp_path: Path) -> None:
    with closing(IdentityCache(tmp_path / "data" / "models.sqlite")) as cache:
        assert cache.get(PATH, STAMP) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_recreated(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models.sqlite"
    path.write_bytes(content)
    with closing(IdentityCache(path)) as cache:
        assert cache.get(PATH, STAMP) is None
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, STAMP) == CHECKPOINT


@pytest.mark.parametrize("version", [2, 99])
def test_another_version_of_the_table_is_recreated(tmp_path: Path, version: int) -> None:
    path = tmp_path / "models.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute("create table identities (device integer, inode integer)")
        old.execute("insert into identities values (1, 2)")
        old.execute(f"pragma user_version = {version}")
        old.commit()
    with closing(IdentityCache(path)) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, STAMP) == CHECKPOINT


def test_without_a_writable_folder_it_warns_once_and_continues(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with closing(IdentityCache(tmp_path / "file" / "models.sqlite")) as cache:
        for _ in range(3):
            cache.put(PATH, STAMP, CHECKPOINT)
            assert cache.get(PATH, STAMP) is None
    assert caplog.text.count("no hashes are kept") == 1


def test_a_damaged_file_takes_its_log_with_it(tmp_path: Path) -> None:
    path = tmp_path / "models.sqlite"
    path.write_bytes(b"no database at all")
    beside = [tmp_path / "models.sqlite-wal", tmp_path / "models.sqlite-shm"]
    for other in beside:
        other.write_bytes(b"of the old one" * 1000)
    with closing(IdentityCache(path)) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, STAMP) == CHECKPOINT
    assert [other for other in beside if other.exists()] == []


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A cache that contains `CHECKPOINT`."""
    path = tmp_path / "models.sqlite"
    with closing(IdentityCache(path)) as cache:
        cache.put(PATH, STAMP, CHECKPOINT)
    return path


def test_a_valid_file_that_is_locked_is_left_unchanged(
    kept: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.filesystem.scanning.identity_cache._PATIENCE", 0.05)
    with closing(sqlite3.connect(kept, isolation_level=None)) as other:
        other.execute("pragma locking_mode = exclusive")
        other.execute("begin exclusive")
        inode = kept.stat().st_ino
        with closing(IdentityCache(kept)) as cache:
            for _ in range(2):
                assert cache.get(PATH, STAMP) is None
                cache.put(PATH, STAMP, UNKNOWN)
        other.execute("rollback")
        assert kept.stat().st_ino == inode
    assert caplog.text.count("no hashes are kept") == 1
    with closing(IdentityCache(kept)) as cache:
        assert cache.get(PATH, STAMP) == CHECKPOINT


def test_a_writer_is_waited_for(kept: Path) -> None:
    script = (
        "import sqlite3, sys, time\n"
        "other = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "other.execute('begin immediate')\n"
        "print('locked', flush=True)\n"
        "time.sleep(0.3)\n"
        "other.execute('commit')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(kept)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with closing(IdentityCache(kept)) as cache:
            cache.put(PATH, STAMP, UNKNOWN)
            assert cache.get(PATH, STAMP) == UNKNOWN
    assert other.returncode == 0


@pytest.mark.parametrize("column", ["kind", "family"])
def test_a_row_with_an_unknown_kind_or_family_is_ignored(kept: Path, column: str) -> None:
    with closing(sqlite3.connect(kept, isolation_level=None)) as other:
        other.execute(
            "update identities set classification = "
            f"json_set(classification, '$.{column}', 'of tomorrow')"
        )
    with closing(IdentityCache(kept)) as cache:
        assert cache.get(PATH, STAMP) is None
        cache.put(PATH, STAMP, CHECKPOINT)
        assert cache.get(PATH, STAMP) == CHECKPOINT


def test_two_services_share_one_file(tmp_path: Path) -> None:
    path = tmp_path / "models.sqlite"
    with closing(IdentityCache(path)) as one, closing(IdentityCache(path)) as other:
        one.put(PATH, STAMP, CHECKPOINT)
        assert other.get(PATH, STAMP) == CHECKPOINT
        other.put(PATH, STAMP, UNKNOWN)
        assert one.get(PATH, STAMP) == UNKNOWN


def test_a_remounted_folder_is_not_read_again(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    caplog.set_level("INFO")
    (tmp_path / "a.pt").write_bytes(b"one")
    cache = IdentityCache(tmp_path / "models.sqlite")
    request.addfinalizer(cache.close)
    registry = ModelRegistry(FilesystemModelSource([str(tmp_path)], cache, settle_seconds=0))
    registry.refresh()
    (before,) = registry.models()
    stamp_of = FileStamp.of

    def of_another_device(status: os.stat_result) -> FileStamp:
        return dataclasses.replace(stamp_of(status), device=7)

    monkeypatch.setattr(FileStamp, "of", of_another_device)
    registry.refresh()
    (after,) = registry.models()
    assert after.id == before.id
    assert after.stamp != before.stamp
    assert caplog.text.count("hashing") == 1
