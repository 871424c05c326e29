import os
import stat
import threading
from pathlib import Path

import pytest

from adapters.security.key_file import ApiKeyFile
from application.settings.settings import SettingsError

KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
as_root = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


def put(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "api-key"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_the_first_start_makes_a_key_and_later_starts_use_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert ApiKeyFile(folder).read() is None
    made = ApiKeyFile(folder).read_or_make()
    assert len(made.key) >= 32
    assert made.kept_in == str(folder / "api-key")
    assert ApiKeyFile(folder).read_or_make() == made
    assert ApiKeyFile(folder).read() == made
    assert [each.name for each in folder.iterdir()] == ["api-key"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_its_owner_may_read_the_file(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        ApiKeyFile(tmp_path / "data").read_or_make()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data" / "api-key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) & 0o077 == 0


def test_concurrent_starts_get_the_same_key(tmp_path: Path) -> None:
    start, keys = threading.Barrier(8), []

    def ask() -> None:
        start.wait(10)
        keys.append(ApiKeyFile(tmp_path).read_or_make().key)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(keys) == 8
    assert len(set(keys)) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["api-key"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o602])
def test_a_file_that_others_may_read_is_closed_to_them_with_a_warning(
    mode: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path, KEY.encode() + b"\n", mode)
    assert ApiKeyFile(tmp_path).read_or_make().key == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "other users could read" in caplog.text
    assert KEY not in caplog.text


def test_reading_changes_nothing(tmp_path: Path) -> None:
    path = put(tmp_path, KEY.encode(), 0o644)
    found = ApiKeyFile(tmp_path).read()
    assert found is not None
    assert found.key == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_system_without_permissions_stores_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    monkeypatch.setattr(
        os, "open", lambda path, flags, mode=0o777: real(path, flags, 0o644 if mode else mode)
    )
    made = ApiKeyFile(tmp_path).read_or_make()
    assert made.kept_in is None
    assert len(made.key) >= 32
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"short", b"two words " * 9, b"\xff" * 40, b"\x00" * 40, b"a" * 20 + b"\n" * 20],
)
def test_a_file_without_a_key_is_refused_and_unchanged(content: bytes, tmp_path: Path) -> None:
    path = put(tmp_path, content)
    with pytest.raises(SettingsError) as refused:
        ApiKeyFile(tmp_path).read_or_make()
    assert str(path) in str(refused.value)
    assert "Delete it to get a new key, or set API_KEYS" in str(refused.value)
    assert path.read_bytes() == content


def test_a_path_that_is_not_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "api-key").mkdir()
    with pytest.raises(SettingsError, match="api-key"):
        ApiKeyFile(tmp_path).read_or_make()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(KEY)
    (tmp_path / "api-key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SettingsError, match="cannot be read"):
        ApiKeyFile(tmp_path).read_or_make()


def test_a_pipe_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "api-key")
    with pytest.raises(SettingsError, match="is not a file"):
        ApiKeyFile(tmp_path).read_or_make()


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError) as refused:
        ApiKeyFile(tmp_path / "file" / "data").read_or_make()
    assert "DATA_DIR is" in str(refused.value)


@as_root
def test_a_folder_that_is_not_writable_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SettingsError, match="DATA_DIR is"):
            ApiKeyFile(tmp_path).read_or_make()
    finally:
        tmp_path.chmod(0o700)
