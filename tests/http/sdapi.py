"""How the tests speak AUTOMATIC1111's API, and what they ask of its errors."""

import base64
from typing import Any

from werkzeug.test import TestResponse

__all__ = ["basic", "error_of", "places_of"]


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    """The headers of HTTP Basic."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def error_of(response: TestResponse, status: int) -> dict[str, Any]:
    """Check that `response` is an error in that API's shape; its body."""
    assert (response.status_code, response.content_type) == (status, "application/json")
    error: dict[str, Any] = response.get_json()
    assert set(error) == {"error", "detail", "body", "errors"}
    assert error["error"]
    assert error["detail"]
    assert error["errors"]
    assert "Traceback" not in response.get_data(as_text=True)
    return error


def places_of(response: TestResponse) -> dict[str, str]:
    """Check that `response` is a 422 with FastAPI's rows; the message of each place."""
    rows = error_of(response, 422)["detail"]
    assert all(set(row) == {"loc", "msg", "type"} for row in rows)
    assert all(row["loc"][0] == "body" for row in rows)
    messages = {".".join(row["loc"][1:]): row["msg"] for row in rows}
    assert len(messages) == len(rows)
    return messages
