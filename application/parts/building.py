"""Builds the parts of a request: looks pictures up, finds models, and fills what is left out."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from application.model_choice import ModelChoice
from application.parts.pictures import SentPicture
from application.parts.sent import SentParts
from application.pictures import Pictures
from domain.errors import (
    FieldProblem,
    InvalidRequest,
    PictureFileTooLarge,
    PictureNotFound,
    UnreadablePicture,
)
from domain.generation.forms.part_fields import (
    PARTS,
    SOURCE_FIELDS,
    AnyPartField,
    PartField,
    PartObject,
)
from domain.generation.parts import Control, Embedding, SourceImage
from domain.generation.parts.checks import picture_problem
from domain.models.record import ModelKind
from domain.pictures import PictureRef
from domain.sizes import Size

__all__ = ["BuildParts", "BuiltParts"]


@dataclass(frozen=True, slots=True)
class BuiltParts:
    """The parts of a request.

    Attributes:
        values: Fields of a `GenerationRequest`: the parts, and the sides that were left out.
        names: The caller's name of each model beside the checkpoint, by the field that has it. A
            token that is the name of its file has an empty text, by its field.
        new: The picture files that the caller sent with the request, and their facts.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    new: tuple[tuple[PictureRef, bytes], ...] = ()


_NOTHING = BuiltParts()
_Found = Mapping[str, tuple[PictureRef, bytes | None]]


class _Making:
    """Makes the parts of one request.

    Attributes:
        names: As in `BuiltParts`.
    """

    def __init__(self, choose: ModelChoice, found: _Found, caller: str, job_id: str | None) -> None:
        self.names: dict[str, str] = {}
        self._choose = choose
        self._found = found
        self._caller = caller
        self._job_id = job_id

    def value(self, field: AnyPartField, value: Any, path: str) -> Any:
        """Return the part or the value of the field at `path`. Raise InvalidRequest."""
        if isinstance(field, PartField):
            is_name = field.model is not None and value not in field.words
            return self._model(field, value, path) if is_name else value
        if not field.is_list:
            return self._part(field, value, path)
        parts: list[Any] = []
        rows: list[FieldProblem] = []
        for number, each in enumerate(value):
            try:
                parts.append(self._part(field, each, f"{path}[{number}]"))
            except InvalidRequest as error:
                rows += error.problems
        if rows:
            raise InvalidRequest(rows)
        return tuple(parts)

    def _part(self, field: PartObject, values: Mapping[str, Any], path: str) -> Any:
        made: dict[str, Any] = {}
        for own, member in field.members.items():
            where = f"{path}.{own}"
            if where in self._found:
                made[own] = self._found[where][0]
            elif own in values:
                made[own] = self.value(member, values[own], where)
        if field.kind is Embedding and "token" not in made:
            self.names[f"{path}.token"] = ""
            made["token"] = self._choose.token(
                made["model_id"], within=path, caller=self._caller, job_id=self._job_id
            )
        try:
            return field.kind(**made)
        except InvalidRequest as error:
            rows = [FieldProblem(f"{path}.{row.field}", row.message) for row in error.problems]
            raise InvalidRequest(rows) from error

    def _model(self, field: PartField, name: str, path: str) -> str:
        self.names[path] = name
        kind = field.model or ModelKind.UNKNOWN
        return self._choose.beside(
            name, field=path, kind=kind, caller=self._caller, job_id=self._job_id
        )


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
            InvalidRequest: A picture is unknown or unreadable, or the name of a file is not a
                token; one row for each.
            PictureFileTooLarge: The file of a picture has too many bytes.
            ModelNotFound, ModelsNotRead: As `ModelChoice` does, for a model beside the checkpoint.
            StorageUnavailable: The pictures or the jobs of the caller cannot be looked up.
        """
        if not parts:
            return _NOTHING
        found = self.found(parts.pictures, caller)
        making = _Making(self._choose, found, caller, job_id)
        values: dict[str, Any] = {}
        if parts.source is not None:
            refs: dict[str, Any] = {
                name: ref for name, (ref, _) in found.items() if name in SOURCE_FIELDS
            }
            told = dict(parts.source)
            if "image_guidance_scale" not in told:
                told["image_guidance_scale"] = self._choose.image_guidance(
                    model_id, caller=caller, job_id=job_id
                )
            values["source"] = SourceImage(**refs, **told)
            values |= self._sides(refs["init_image"], fields, caller, job_id, model_id)
        for name, value in parts.others.items():
            values[name] = making.value(PARTS[name], value, name)
        new = {ref.id: (ref, data) for ref, data in found.values() if data is not None}
        return BuiltParts(
            MappingProxyType(values), MappingProxyType(making.names), tuple(new.values())
        )

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
        own = "base64" if picture.data is not None else "id"
        try:
            if picture.data is not None:
                ref = self._pictures.inspect(picture.data)
            else:
                ref = self._pictures.find(caller, picture.id or "")
        except PictureNotFound:
            text = "names no picture of yours; send the picture, or the id of one that is kept"
            return FieldProblem(f"{name}.id", text)
        except UnreadablePicture as error:
            return FieldProblem(f"{name}.base64", error.what)
        # A drawn picture may have more pixels than a sent one.
        rule = Control.image_problem if name.startswith("controls[") else picture_problem
        if message := rule(ref):
            return FieldProblem(f"{name}.{own}", message)
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
