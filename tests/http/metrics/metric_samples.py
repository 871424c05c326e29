"""The metrics page as numbers."""

from prometheus_client.parser import text_string_to_metric_families

from tests.http.conftest import AUTHORIZED, Service

__all__ = ["Samples", "scrape"]


class Samples:
    """Return the series of a page."""

    def __init__(self, text: str) -> None:
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._values
                self._values[key] = sample.value

    def of(self, name: str, **labels: str) -> float | None:
        """Return the value of one series, whose name starts as all do; None if there is none."""
        return self._values.get((f"ai_inference_{name}", frozenset(labels.items())))

    def all_of(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the values of all series of a name, by their label values in label order."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (each, labels), number in self._values.items()
            if each == f"ai_inference_{name}"
        }

    @property
    def labels(self) -> dict[str, set[str]]:
        """Return the labels of each name."""
        found: dict[str, set[str]] = {}
        for name, labels in self._values:
            found.setdefault(name, set()).update(label for label, _ in labels)
        return found


def scrape(service: Service) -> Samples:
    """Return what a service of the HTTP tests shows now."""
    response = service.client.get("/metrics", headers=AUTHORIZED)
    assert response.status_code == 200
    return Samples(response.get_data(as_text=True))
