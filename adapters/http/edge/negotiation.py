"""Whether a picture is answered as a file: the header `Accept` of RFC 9110, section 12.5.1."""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

from domain.generation.output_formats import OutputFormat

__all__ = ["FileChoice", "file_choice"]

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class FileChoice:
    """How to answer with pictures.

    Attributes:
        output_format: Of the file; None for an answer in JSON.
        problem: Why no answer would be acceptable, in words; None where one is.
    """

    output_format: OutputFormat | None = None
    problem: str | None = None


def file_choice(accept: MIMEAccept, output_format: object, num_images: object) -> FileChoice:
    """What a client that sends this `Accept` gets for a request.

    It gets a file where it prefers an image type to JSON, and JSON in every other case: where the
    header is absent, or rates both the same, as `*/*` does. Several pictures are never one file. A
    client that takes image types alone, and asks for what no such file can be, gets no answer.

    Args:
        accept: The header.
        output_format: The one that the request names, checked or not; None for none.
        num_images: How many it asks for, checked or not.
    """
    of_json = accept[_JSON]
    quality = {each: accept[each.media_type] for each in OutputFormat}
    wanted = [each for each in OutputFormat if quality[each] > of_json]
    if not wanted:
        return FileChoice()
    if num_images != 1:
        return _unless_json(of_json, "one file can hold only one picture", "set num_images to 1")
    if output_format is None:
        return FileChoice(max(wanted, key=quality.__getitem__))
    named = next((each for each in wanted if each == output_format), None)
    if named is not None:
        return FileChoice(named)
    types = " or ".join(each.media_type for each in wanted)
    return _unless_json(
        of_json,
        f"Accept asks for {types}, and output_format is {str(output_format)[:40]!a}",
        "leave out output_format",
    )


def _unless_json(of_json: float, why: str, remedy: str) -> FileChoice:
    if of_json > 0:
        return FileChoice()
    return FileChoice(problem=f"{why}; send Accept: {_JSON}, or {remedy}")
