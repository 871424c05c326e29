"""Earlier jobs of the caller."""

from domain.errors import OutOfMemory
from tests.http.conftest import AUTHORIZED, OTHERS, Service, infer_body

__all__ = ["SMALL", "drawn", "failed"]

SMALL = {"width": 256, "height": 256, "num_inference_steps": 1}


def drawn(service: Service, number: int, **fields: object) -> None:
    """Give the caller this many finished jobs, and another caller one."""
    for each in range(number):
        body = infer_body(prompt=f"picture {each}", **SMALL) | fields
        assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 200
    body = infer_body(prompt="not yours", num_inference_steps=1)
    service.client.post("/v1/infer", json=body, headers=OTHERS)


def failed(service: Service, number: int) -> None:
    """Give the caller this many failed jobs."""
    for _ in range(number):
        service.generator.failures.append(OutOfMemory("the picture does not fit"))
        body = infer_body(prompt="too large", **SMALL)
        assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 507
