import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from adapters.filesystem.classification import Classification
from adapters.filesystem.identity import Identity
from adapters.filesystem.identity_cache import IdentityCache
from domain.models import FileStamp, ModelFamily, ModelKind

STAMP = FileStamp(device=2**64 - 1, inode=2**63, size=10, modified_ns=-5, changed_ns=7)
CHECKPOINT = Identity(
    "ab" * 32,
    Classification(ModelKind.CHECKPOINT, ModelFamily.SDXL, "float16", loadable=True, reason=None),
)
UNKNOWN = Identity(
    "cd" * 32,
    Classification(ModelKind.UNKNOWN, None, None, loadable=False, reason="no model"),
)


@pytest.mark.parametrize("identity", [CHECKPOINT, UNKNOWN])
def test_what_is_kept_is_found_again_by_a_later_run(tmp_path: Path, identity: Identity) -> None:
    path = tmp_path / "data" / "models.sqlite"
    for _ in range(2):
        with closing(IdentityCache(path)) as cache:
            cache.put(STAMP, identity)
    with closing(IdentityCache(path)) as cache:
        assert cache.get(STAMP) == identity


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(FileStamp)])
def test_every_part_of_the_stamp_counts(tmp_path: Path, field: str) -> None:
    with closing(IdentityCache(tmp_path / "models.sqlite")) as cache:
        cache.put(STAMP, CHECKPOINT)
        assert cache.get(dataclasses.replace(STAMP, **{field: 1})) is None


def test_looking_makes_no_file(tmp_path: Path) -> None:
    with closing(IdentityCache(tmp_path / "data" / "models.sqlite")) as cache:
        assert cache.get(STAMP) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_torn_file_is_made_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models.sqlite"
    path.write_bytes(content)
    with closing(IdentityCache(path)) as cache:
        assert cache.get(STAMP) is None
        cache.put(STAMP, CHECKPOINT)
        assert cache.get(STAMP) == CHECKPOINT


def test_another_version_of_the_table_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "models.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.execute("create table identities (something text)")
        old.execute("pragma user_version = 99")
    with closing(IdentityCache(path)) as cache:
        cache.put(STAMP, CHECKPOINT)
        assert cache.get(STAMP) == CHECKPOINT


def test_where_nothing_can_be_kept_it_says_so_once_and_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with closing(IdentityCache(tmp_path / "file" / "models.sqlite")) as cache:
        for _ in range(3):
            cache.put(STAMP, CHECKPOINT)
            assert cache.get(STAMP) is None
    assert caplog.text.count("no hashes are kept") == 1
