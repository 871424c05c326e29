"""The dashboard and the alerts in monitoring/ use only what /metrics really shows."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser as promql
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from domain.errors import OutOfMemory
from domain.execution_plan import LoadedModel
from domain.ports.device_report import DeviceMemory
from tests.http.conftest import AUTHORIZED, MODEL, infer_body, make_service, make_settings
from tests.paths import DOCS, ROOT

FOLDER = ROOT / "monitoring"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana-dashboard.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((FOLDER / "alerts.yaml").read_text())
CONFIGURATION: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
OPERATIONS = (DOCS / "operations.md").read_text()
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
# What Prometheus adds: a series that says whether a scrape succeeded, and two labels.
OF_PROMETHEUS = "up"
TARGET_LABELS = {"job", "instance"}

Exposed = dict[str, dict[str, set[str]]]


class Selector(NamedTuple):
    """What an expression needs from one metric: labels, their comparison, and the values."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


@pytest.fixture(scope="module")
def exposed() -> Exposed:
    """Return the values of each label of each series, after a succeeded job and a failed one."""
    service = make_service(make_settings())
    service.report.hold(LoadedModel(MODEL.id, 7), memory=DeviceMemory(used=1, total=2))
    service.client.get("/v1/models", headers=AUTHORIZED)
    for failures in ([], [OutOfMemory("too large")]):
        service.generator.failures += failures
        service.client.post("/v1/jobs", json=infer_body(), headers=AUTHORIZED)
        service.container.job_service().run_once()
    found: Exposed = {}
    text = service.client.get("/metrics", headers=AUTHORIZED).get_data(as_text=True)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


def expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=f"alert {rule['alert']}")
    for panel in PANELS:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            yield pytest.param(expression, id=f"{panel['title']} {target['refId']}")


def selectors(expression: str) -> list[Selector]:
    """Return everything that an expression reads. Raises ValueError if it is not PromQL."""
    found: list[Selector] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql.VectorSelector):
            rows = node.matchers.matchers
            found.append(
                Selector(str(node.name), tuple((m.name, str(m.op), m.value) for m in rows))
            )
        return True

    promql.walk(promql.parse(expression), visit)
    return found


def problems(expression: str, exposed: Exposed) -> list[str]:
    """Return what an expression reads that does not exist."""
    wrong = []
    for name, matchers in selectors(expression):
        if name != OF_PROMETHEUS and name not in exposed:
            wrong.append(f"there is no {name}")
            continue
        labels = exposed.get(name, {})
        for label, operator, value in matchers:
            if label in TARGET_LABELS:
                continue
            if label not in labels:
                wrong.append(f"{name} has no label {label}")
                continue
            words = value.split("|") if operator == "MatchOp.Re" else [value]
            wrong += [
                f"{name} has no {label} {word}" for word in words if word not in labels[label]
            ]
    return wrong


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_reads_existing_series(expression: str, exposed: Exposed) -> None:
    assert selectors(expression)
    assert problems(expression, exposed) == []


@pytest.mark.parametrize(
    "expression",
    [
        "ai_inference_queue_length",
        "rate(ai_inference_images[5m])",
        'ai_inference_readiness{status="ready"}',
        'ai_inference_readiness{state="asleep"}',
        'ai_inference_readiness{state=~"ready|asleep"}',
        "sum by (le) (rate(ai_inference_step_seconds_buckets[5m])) > 1 or ai_inference_queue_jobs",
        "ai_inference_queue_jobs / (1 + max_over_time(ai_inference_nothing[1h:5m] offset 1d))",
        "absent(ai_inference_nothing)",
    ],
)
def test_an_unknown_series_is_found(expression: str, exposed: Exposed) -> None:
    assert problems(expression, exposed)


@pytest.mark.parametrize("expression", ["rate(x[5m]", "no_function(x)", "x[5m] > 1", "sum by x"])
def test_invalid_promql_is_found(expression: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        selectors(expression)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_description_and_a_remedy(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Inference[A-Z][A-Za-z]+", rule["alert"])
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description"}
    assert 20 < len(rule["annotations"]["summary"]) < 80
    assert len(rule["annotations"]["description"]) > 80
    for words in re.findall(r"{{(.*?)}}", " ".join(rule["annotations"].values())):
        assert re.fullmatch(
            r" \$(labels\.instance|value \| humanize(1024|Percentage|Duration)?) ", words
        )


def test_each_state_without_drawing_has_an_alert() -> None:
    states = [
        (operator, set(value.split("|")))
        for rule in RULES
        for selector in selectors(rule["expr"])
        for label, operator, value in selector.matchers
        if (selector.name, label) == ("ai_inference_readiness", "state")
    ]
    (spared,) = (words for operator, words in states if operator == "MatchOp.Re")
    of_their_own = {
        word for operator, words in states if operator != "MatchOp.Re" for word in words
    }
    assert spared - of_their_own == {"ready", "queue_full"}


def test_the_documentation_names_existing_metrics(exposed: Exposed) -> None:
    section = OPERATIONS.partition("\n## Metrics\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([a-z_]+[a-z])`", section))
    assert len(named) > 10
    there = {name.removeprefix("ai_inference_").removesuffix("_count") for name in exposed}
    assert named <= there


def test_alerts_and_panels_have_unique_names() -> None:
    for names in ([rule["alert"] for rule in RULES], [panel["title"] for panel in PANELS]):
        assert len(names) == len(set(names))


def test_an_alert_that_names_its_instance_has_that_label() -> None:
    for rule in RULES:
        named = "$labels.instance" in json.dumps(rule["annotations"])
        kept = not re.search(r"absent\(|\bby \((?!.*instance)", rule["expr"])
        assert named == kept


def test_the_configuration_scrapes_with_the_job_name_of_the_alerts() -> None:
    (scraped,) = CONFIGURATION["scrape_configs"]
    assert scraped.get("metrics_path", "/metrics") == "/metrics"
    named = {
        value
        for rule in RULES
        for selector in selectors(rule["expr"])
        for label, _, value in selector.matchers
        if label == "job"
    }
    assert named == {scraped["job_name"]}
    assert all((FOLDER / name).exists() for name in CONFIGURATION["rule_files"])


def test_the_key_file_of_the_configuration_is_documented_and_never_committed() -> None:
    (scraped,) = CONFIGURATION["scrape_configs"]
    name = scraped["authorization"]["credentials_file"]
    assert f'echo -n "$METRICS_KEY" > monitoring/{name}' in OPERATIONS
    assert f"/monitoring/{name}" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_dashboard_queries_the_selected_data_source_and_instances() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "instance"}
    assert variables["instance"]["definition"] == "label_values(ai_inference_build_info, instance)"
    for panel in PANELS:
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            assert target["expr"].count("{") == target["expr"].count('instance=~"$instance"')
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert shown
            grouped = re.search(r"by \(([\w, ]+)\)", target["expr"])
            assert grouped is None or shown <= set(grouped[1].split(", "))


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
