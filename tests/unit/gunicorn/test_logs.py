import json
import logging
import logging.config

import pytest

from adapters.gunicorn.logs import OneLineFormatter, logging_config


def written(log_format: str, capsys: pytest.CaptureFixture[str]) -> str:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(logging_config(level="INFO", log_format=log_format))
        logging.getLogger("some.module").info("drawn: id=%s", "r1")
        logging.getLogger("some.module").debug("unseen")
    finally:
        root.handlers[:], root.level = handlers, level
    return capsys.readouterr().err


def test_text_is_one_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    text = written("text", capsys)
    assert text.count("\n") == 1
    assert "INFO some.module drawn: id=r1" in text


def test_json_is_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(written("json", capsys))
    assert row["message"] == "drawn: id=r1"
    assert row["levelname"] == "INFO"
    assert row["name"] == "some.module"


def formatted(message: str, error: Exception | None = None) -> list[str]:
    record = logging.LogRecord("some.module", logging.INFO, "", 1, message, None, None)
    if error is not None:
        record.exc_info = (type(error), error, None)
    return OneLineFormatter("%(levelname)s %(message)s").format(record).split("\n")


@pytest.mark.parametrize("sign", ["\n", "\r", "\x85", "\u2028", "\v", "\x1b", "\u202e", "\0"])
def test_a_message_is_one_line_of_printable_characters(sign: str) -> None:
    (line,) = formatted(f"a{sign}2026-01-01 INFO forged")
    assert line.isprintable()
    assert line.endswith("2026-01-01 INFO forged")
    assert line.startswith("INFO a\\")


def test_names_of_any_script_are_unchanged() -> None:
    assert formatted("loaded 模型 é 😀.pt") == ["INFO loaded 模型 é 😀.pt"]


def test_a_traceback_is_indented_so_that_no_line_of_it_looks_like_an_event() -> None:
    first, *rest = formatted("failed", ValueError("bad\n2026-01-01 INFO forged"))
    assert first == "INFO failed"
    assert rest == ["    ValueError: bad", "    2026-01-01 INFO forged"]
