"""What is changed for a drawing is undone whatever happens, also in a compiled network."""

from typing import Any

import pytest

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("is_compiled", [False, True])
def test_calls_are_changed_inside_the_block_alone(is_compiled: bool) -> None:
    import torch

    from adapters.diffusion.additions.network_calls import called_through

    network = torch.nn.Linear(2, 2)
    seen: list[int] = []
    network.register_forward_hook(lambda *_: seen.append(1))
    if is_compiled:
        network.compile(backend="eager")
    before, given = dict(network.__dict__), torch.ones(1, 2)
    plain = network(given)

    def doubled(call: Any, sample: Any) -> Any:
        return call(2 * sample)

    with called_through(network, doubled):
        inside = network(given)
    torch.testing.assert_close(inside, torch.nn.functional.linear(2 * given, *network.parameters()))
    assert torch.equal(network(given), plain)
    with pytest.raises(LookupError), called_through(network, doubled):
        raise LookupError
    assert torch.equal(network(given), plain)
    assert network.__dict__ == before
    assert len(seen) == 4


def test_changes_lie_in_each_other() -> None:
    import torch

    from adapters.diffusion.additions.network_calls import called_through

    network = torch.nn.Identity()
    given = torch.ones(1)
    with called_through(network, lambda call, sample: call(sample + 1)):
        with called_through(network, lambda call, sample: call(sample * 10)):
            assert network(given).item() == 11
        assert network(given).item() == 2
    assert network(given).item() == 1
