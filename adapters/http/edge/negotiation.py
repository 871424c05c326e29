"""Decides by the header `Accept` (RFC 9110, section 12.5.1) whether to answer with a file."""

from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

from domain.generation.output_formats import OutputFormat

__all__ = ["FileChoice", "file_choice"]

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class FileChoice:
    """The form of an answer with pictures.

    Attributes:
        output_format: The format of the file; None for an answer in JSON.
        problem: A sentence that says why no answer is acceptable; None if one is.
    """

    output_format: OutputFormat | None = None
    problem: str | None = None


def file_choice(accept: MIMEAccept, output_format: object, num_images: object) -> FileChoice:
    """Return the form of the answer to a client that sends this `Accept`.

    The answer is a file if the client prefers an image type to JSON. Otherwise it is JSON: also
    without the header, and when the header rates both the same, as `*/*` does. A file never holds
    several pictures. If the client accepts image types alone, and the request cannot be answered
    with such a file, no answer is acceptable.

    Args:
        accept: The header.
        output_format: The request's output_format, checked or not; None if it names none.
        num_images: The request's number of images, checked or not.
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
