import json
import logging
import logging.config

import pytest

from application.logs import logging_config


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


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(written("json", capsys))
    assert row["message"] == "drawn: id=r1"
    assert row["levelname"] == "INFO"
    assert row["name"] == "some.module"
