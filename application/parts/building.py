"""Builds the parts of a request: looks pictures up, finds upscalers, and fills the size."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from application.model_choice import ModelChoice
from application.parts.sent import SentParts, SentPicture
from application.pictures import Pictures
from domain.errors import (
    FieldProblem,
    InvalidRequest,
    PictureFileTooLarge,
    PictureNotFound,
    UnreadablePicture,
)
from domain.generation.parts import SecondPass, SourceImage, Upscale
from domain.generation.parts.checks import picture_problem
from domain.pictures import PictureRef
from domain.sizes import Size

__all__ = ["BuildParts", "BuiltParts"]


@dataclass(frozen=True, slots=True)
class BuiltParts:
    """The parts of a request.

    Attributes:
        values: Fields of a `GenerationRequest`: the parts, and the sides that were left out.
        names: The caller's name of each model beside the checkpoint, by the field that has it.
        new: The picture files that the caller sent with the request, and their facts.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    new: tuple[tuple[PictureRef, bytes], ...] = ()


_NOTHING = BuiltParts()


class BuildParts:
    """Builds the parts of requests. It keeps no picture before `keep` is called.

    Args:
        pictures: The pictures of the callers.
        choose: Finds models by their names, and the sizes that they draw.
    """

    def __init__(self, pictures: Pictures, choose: ModelChoice) -> None:
        self._pictures = pictures
        self._choose = choose

    def __call__(
        self,
        parts: SentParts,
        fields: Mapping[str, Any],
        *,
        caller: str,
        job_id: str | None,
        model_id: str,
    ) -> BuiltParts:
        """Return the parts of a request.

        Args:
            parts: The checked parts.
            fields: The other fields of the request.
            caller: The owner of the request.
            job_id: The id that the caller gave the request; None if it gave none.
            model_id: The checkpoint.

        Raises:
            InvalidRequest: A picture is unknown or unreadable; one row for each.
            PictureFileTooLarge: The file of a picture has too many bytes.
            ModelNotFound, ModelsNotRead: As `ModelChoice` does, for an upscaler.
            StorageUnavailable: The pictures or the jobs of the caller cannot be looked up.
        """
        if not parts:
            return _NOTHING
        values: dict[str, Any] = {}
        names: dict[str, str] = {}
        found = self.found(parts.pictures, caller)

        def model(field_: str, name: str) -> str:
            names[field_] = name
            return self._choose.beside(name, field=field_, caller=caller, job_id=job_id)

        if parts.source is not None:
            refs: dict[str, Any] = {name: ref for name, (ref, _) in found.items()}
            told = dict(parts.source)
            if "image_guidance_scale" not in told:
                told["image_guidance_scale"] = self._choose.image_guidance(
                    model_id, caller=caller, job_id=job_id
                )
            values["source"] = SourceImage(**refs, **told)
            values |= self._sides(refs["init_image"], fields, caller, job_id, model_id)
        if parts.second_pass is not None:
            second = dict(parts.second_pass)
            upscaler = second.get("upscaler")
            if upscaler is not None and upscaler not in SecondPass.UPSCALERS:
                second["upscaler"] = model("second_pass.upscaler", upscaler)
            values["second_pass"] = SecondPass(**second)
        if parts.upscale is not None:
            model_name = parts.upscale["model_id"]
            chosen = {"model_id": model("upscale.model_id", model_name)}
            values["upscale"] = Upscale(**{**parts.upscale, **chosen})
        new = {ref.id: (ref, data) for ref, data in found.values() if data is not None}
        return BuiltParts(MappingProxyType(values), MappingProxyType(names), tuple(new.values()))

    def keep(self, built: BuiltParts, *, caller: str) -> None:
        """Keep the pictures that the caller sent with the request.

        Raise StorageUnavailable if they cannot be kept.
        """
        for ref, data in built.new:
            self._pictures.keep(caller, data, ref)

    def problems(self, pictures: Mapping[str, SentPicture], *, caller: str) -> list[FieldProblem]:
        """Return one row for each picture that is unknown or unreadable. Nothing is kept.

        An API asks this if other fields are wrong, so that one answer names everything.
        """
        found = []
        for name, picture in pictures.items():
            with suppress(PictureFileTooLarge):  # has an answer of its own
                ref = self._look_up(name, picture, caller)
                found += [ref] if isinstance(ref, FieldProblem) else []
        return found

    def found(
        self, pictures: Mapping[str, SentPicture], caller: str
    ) -> dict[str, tuple[PictureRef, bytes | None]]:
        """Return the facts of each picture, and its file if it was sent with the request.

        Raises:
            InvalidRequest: A picture is unknown or unreadable; one row for each.
            PictureFileTooLarge: The file of a picture has too many bytes.
            StorageUnavailable: The pictures of the caller cannot be looked up.
        """
        found: dict[str, tuple[PictureRef, bytes | None]] = {}
        problems: list[FieldProblem] = []
        for name, picture in pictures.items():
            ref = self._look_up(name, picture, caller)
            if isinstance(ref, FieldProblem):
                problems.append(ref)
            else:
                found[name] = ref, picture.data
        if problems:
            raise InvalidRequest(problems)
        return found

    def _look_up(self, name: str, picture: SentPicture, caller: str) -> PictureRef | FieldProblem:
        """Return the facts of the picture in the field `name`, or what is wrong with it."""
        try:
            if picture.data is not None:
                return self._pictures.inspect(picture.data)
            ref = self._pictures.find(caller, picture.id or "")
        except PictureNotFound:
            text = "names no picture of yours; send the picture, or the id of one that is kept"
            return FieldProblem(f"{name}.id", text)
        except UnreadablePicture as error:
            return FieldProblem(f"{name}.base64", error.what)
        if message := picture_problem(ref):  # a drawn picture may have more pixels than a sent one
            return FieldProblem(f"{name}.id", message)
        return ref

    def _sides(
        self,
        picture: PictureRef,
        fields: Mapping[str, Any],
        caller: str,
        job_id: str | None,
        model_id: str,
    ) -> dict[str, int]:
        """Return the sides that the request leaves out."""
        given = {side: fields[side] for side in ("width", "height") if side in fields}
        if len(given) == 2:
            return {}
        size = self._choose.size_of_picture(
            Size(picture.width, picture.height),
            **given,
            model_id=model_id,
            caller=caller,
            job_id=job_id,
        )
        sides = {"width": size.width, "height": size.height}
        return {side: pixels for side, pixels in sides.items() if side not in given}
