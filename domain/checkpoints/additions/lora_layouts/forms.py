"""The forms of a change to a weight, and the shapes that the tensors of each form must have.

Sources: LoRA, Hu et al. 2021 (arXiv:2106.09685); LoHa, Hyeon-Woo et al. 2021 (arXiv:2108.06098);
LoKr, Yeh et al. 2023 (arXiv:2309.14859), whose code is KohakuBlueleaf/LyCORIS; DoRA, Liu et al.
2024 (arXiv:2402.09353); (IA)³, Liu et al. 2022 (arXiv:2205.05638).

A weight is used as a matrix: the first dimension is its rows, and the product of the others is its
columns. A convolution with one pixel and a linear layer then have the same shape.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import prod

from domain.checkpoints.additions.lora_layouts.names import Role
from domain.checkpoints.header_values import TensorFacts

__all__ = ["BIAS_ROLES", "Form", "Role", "form_of", "form_problem", "rank_of", "weight_problem"]

Facts = Mapping[Role, TensorFacts]
_Matrix = tuple[int, int]


class Form(StrEnum):
    """How tensors make the change to a weight. The value is the name for messages."""

    LORA = "LoRA"
    LOHA = "LoHa"
    LOKR = "LoKr"
    FULL = "whole difference"
    IA3 = "(IA)³"
    BIAS = "change to a bias alone"


BIAS_ROLES = (Role.UP_BIAS, Role.DIFF_BIAS, Role.NORM_BIAS)
"""The roles of tensors that change a bias."""
_NEEDED = {
    Form.LORA: (Role.UP, Role.DOWN),
    Form.LOHA: (Role.HADA_W1_A, Role.HADA_W1_B, Role.HADA_W2_A, Role.HADA_W2_B),
    Form.IA3: (Role.IA3,),
}
_OWN = {
    Form.LORA: {Role.UP, Role.DOWN, Role.MID, Role.UP_BIAS},
    Form.LOHA: {role for role in Role if role.startswith("hada_")},
    Form.LOKR: {role for role in Role if role.startswith("lokr_")},
    Form.FULL: {Role.DIFF, Role.NORM},
    Form.IA3: {Role.IA3, Role.ON_INPUT},
}
_ANYWHERE = {Role.ALPHA, Role.DIFF_BIAS, Role.NORM_BIAS}
_MAGNITUDES = {Role.DORA_SCALE, Role.MAGNITUDE}
_WITH_MAGNITUDE = (Form.LORA, Form.LOHA, Form.LOKR)
_NUMBERS = ("float16", "bfloat16", "float32", "float64")
_ANY_NUMBER = (Role.ALPHA, Role.ON_INPUT)


def form_of(roles: Mapping[Role, object]) -> Form | None:
    """Return the form of a module's tensors; None if no form has all of these roles."""
    found = [form for form, own in _OWN.items() if own & roles.keys()]
    if Role.IA3 in roles and Role.ON_INPUT not in roles:
        return None  # `weight` alone is a name of anything
    if not found and roles.keys() & {Role.DIFF_BIAS, Role.NORM_BIAS}:
        found = [Form.BIAS]
    if len(found) != 1:
        return None
    allowed = _OWN.get(found[0], set()) | _ANYWHERE
    if found[0] in _WITH_MAGNITUDE:
        allowed |= _MAGNITUDES
    return found[0] if roles.keys() <= allowed else None


def rank_of(form: Form, facts: Facts) -> int | None:
    """Return the number that divides alpha; None for a form that has none.

    A LoKr whose two factors are whole has none. LyCORIS then ignores alpha.
    """
    inner = {
        Form.LORA: (Role.DOWN,),
        Form.LOHA: (Role.HADA_W1_B,),
        Form.LOKR: (Role.LOKR_W2_B, Role.LOKR_W1_B),
    }.get(form, ())
    return next((facts[role].shape[0] for role in inner if role in facts), None)


def form_problem(form: Form, facts: Facts) -> str | None:
    """Return what is wrong with the tensors of a module by themselves; None for nothing."""
    return next(_form_problems(form, facts), None)


def _form_problems(form: Form, facts: Facts) -> Iterator[str]:
    for role, each in facts.items():
        if each.dtype not in _NUMBERS and role not in _ANY_NUMBER:
            yield f"its {role} is {each.dtype}; float16, bfloat16, float32 and float64 are read"
        if 0 in each.shape:
            yield f"its {role} is empty: its shape is {each.shape}"
    if Role.ALPHA in facts and prod(facts[Role.ALPHA].shape) != 1:
        yield f"its alpha is not one number: its shape is {facts[Role.ALPHA].shape}"
    missing = [role for role in _NEEDED.get(form, ()) if role not in facts]
    if form is Form.LOKR:
        missing += _missing_of_lokr(facts)
    if form is Form.LOHA and (Role.HADA_T1 in facts) != (Role.HADA_T2 in facts):
        missing.append(Role.HADA_T2 if Role.HADA_T1 in facts else Role.HADA_T1)
    if missing:
        yield f"its {missing[0]} is missing"
        return
    if form is Form.FULL and {Role.DIFF, Role.NORM} <= facts.keys():
        yield "it has both diff and w_norm"
    for up, down, mid in _products(form, facts):
        yield from _product_problems(facts, up, down, mid)


def _missing_of_lokr(facts: Facts) -> Iterator[Role]:
    for whole, left, right in (
        (Role.LOKR_W1, Role.LOKR_W1_A, Role.LOKR_W1_B),
        (Role.LOKR_W2, Role.LOKR_W2_A, Role.LOKR_W2_B),
    ):
        if whole in facts and not facts.keys() & {left, right}:
            continue
        if not facts.keys() & {left, right}:
            yield whole
        yield from (role for role in (left, right) if role not in facts)
    if Role.LOKR_T2 in facts and Role.LOKR_W2_A not in facts:
        yield Role.LOKR_W2_A


def _products(form: Form, facts: Facts) -> Iterator[tuple[Role, Role, Role]]:
    """Yield the products of two tensors with a rank between them, and the tensor of a third."""
    if form is Form.LORA:
        yield Role.UP, Role.DOWN, Role.MID
    elif form is Form.LOHA:
        yield Role.HADA_W1_A, Role.HADA_W1_B, Role.HADA_T1
        yield Role.HADA_W2_A, Role.HADA_W2_B, Role.HADA_T2
    elif form is Form.LOKR:
        if Role.LOKR_W1_A in facts:
            # The first factor never has a third tensor.
            yield Role.LOKR_W1_A, Role.LOKR_W1_B, Role.ALPHA
        if Role.LOKR_W2_A in facts:
            yield Role.LOKR_W2_A, Role.LOKR_W2_B, Role.LOKR_T2


def _product_problems(facts: Facts, up: Role, down: Role, mid: Role) -> Iterator[str]:
    if len(facts[up].shape) < 2 or len(facts[down].shape) < 2:
        yield f"its {up} and {down} are not matrices: {facts[up].shape} and {facts[down].shape}"
        return
    if mid is not Role.ALPHA and mid in facts:
        yield from _tucker_problems(facts, up, down, mid)
    elif _matrix(facts[up].shape)[1] != facts[down].shape[0]:
        yield (
            f"the rank of its {up} and {down} differs: their shapes are {facts[up].shape} and "
            f"{facts[down].shape}"
        )


def _tucker_problems(facts: Facts, up: Role, down: Role, mid: Role) -> Iterator[str]:
    outer, inner = _tucker_sides(facts, up, down)
    middle = facts[mid].shape
    if len(middle) != 4 or middle[:2] != (outer[0], inner[0]):
        yield f"its {mid} has the shape {middle}, not ({outer[0]}, {inner[0]}, height, width)"


def _tucker_sides(facts: Facts, up: Role, down: Role) -> tuple[_Matrix, _Matrix]:
    """Return (rank, rows) of the outer tensor, and (rank, columns) of the inner one.

    LoRA's up is (rows, rank). LyCORIS stores the outer tensors of LoHa and LoKr transposed if they
    have a third tensor.
    """
    outer, inner = _matrix(facts[up].shape), _matrix(facts[down].shape)
    return (outer[::-1] if up is Role.UP else outer), inner


def _matrix(shape: tuple[int, ...]) -> _Matrix:
    return shape[0], prod(shape[1:])


def _product(facts: Facts, up: Role, down: Role, mid: Role) -> _Matrix:
    """Return the shape of a product as a matrix."""
    if mid is not Role.ALPHA and mid in facts:
        outer, inner = _tucker_sides(facts, up, down)
        return outer[1], inner[1] * prod(facts[mid].shape[2:])
    return facts[up].shape[0], _matrix(facts[down].shape)[1]


def weight_problem(form: Form, facts: Facts, weight: tuple[int, ...] | None) -> str | None:
    """Return why a change to a weight does not fit the weight; None if it fits.

    The tensors must be without a problem of their own.

    Args:
        form: The form of the change.
        facts: The tensors of the change.
        weight: The shape of the weight; None if the module has none.
    """
    if form is Form.BIAS:
        return None
    if weight is None:
        return "the checkpoint's module has no weight"
    if form is Form.FULL:
        shape = facts[Role.DIFF if Role.DIFF in facts else Role.NORM].shape
        fits = shape == weight or (len(weight) > 1 and len(shape) > 1 and _same(shape, weight))
        return None if fits else f"it is of a weight of shape {shape}, and this one has {weight}"
    if len(weight) < 2:
        return f"it is of a matrix, and the weight has the shape {weight}"
    rows, columns = _matrix(weight)
    if form is Form.IA3:
        count = prod(facts[Role.IA3].shape)
        return None if count in (rows, weight[1]) else f"it has {count} numbers for {weight}"
    shape = _changed(form, facts)
    if shape != (rows, columns):
        return f"it is of {shape[0]} × {shape[1]} numbers, and the weight has {rows} × {columns}"
    if form is Form.LOKR and _second_factor(facts)[1] % prod(weight[2:]):
        return f"its second factor is not of a convolution of {weight[2]} × {weight[3]} pixels"
    for role in _MAGNITUDES & facts.keys():
        counts = (rows, weight[1]) if role is Role.DORA_SCALE else (rows,)
        if prod(facts[role].shape) not in counts:
            return f"its {role} has the shape {facts[role].shape}, and the weight {weight}"
    return None


def _same(shape: tuple[int, ...], weight: tuple[int, ...]) -> bool:
    return _matrix(shape) == _matrix(weight)


def _changed(form: Form, facts: Facts) -> _Matrix:
    """Return the shape of the weight that a change is for, as a matrix; (0, 0) for none."""
    products = [_product(facts, *roles) for roles in _products(form, facts)]
    if form is Form.LORA:
        return products[0]
    if form is Form.LOHA:
        return products[0] if products[0] == products[1] else (0, 0)
    first = products[0] if Role.LOKR_W1_A in facts else _matrix(facts[Role.LOKR_W1].shape)
    second = _second_factor(facts)
    return first[0] * second[0], first[1] * second[1]


def _second_factor(facts: Facts) -> _Matrix:
    if Role.LOKR_W2_A not in facts:
        return _matrix(facts[Role.LOKR_W2].shape)
    return _product(facts, Role.LOKR_W2_A, Role.LOKR_W2_B, Role.LOKR_T2)
