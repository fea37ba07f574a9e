"""Figures in Prometheus' form, each as the catalog has it: another name or other labels are a defect, found at once."""

from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from jiexu.case.event import Role
from jiexu.service.watching.catalog import CATALOG

Place = tuple[str, str]
"""The region and the role that say a figure."""

Labels = tuple[str, ...]
"""Values of a metric's labels, in the catalog's order."""

Rows = Mapping[Labels, float]


def place_of(region: str, role: Role) -> Place:
    """Whose figures they are."""
    return region, role.value


def figure(place: Place, name: str, value: float) -> Metric:
    """A figure without labels of its own."""
    return table(place, name, {(): value})


def table(place: Place, name: str, rows: Rows) -> Metric:
    """A figure with a value for each row of labels; none is said too, so that it is known to be watched."""
    spec = CATALOG[name]
    labels = ("region", "role", *spec.labels)
    counts = spec.kind == "counter"
    family = CounterMetricFamily if counts else GaugeMetricFamily
    made: Metric = family(name.removesuffix("_total") if counts else name, spec.help, labels=labels)
    for given, value in rows.items():
        if len(given) != len(spec.labels):
            raise ValueError(f"{name} has the labels {spec.labels}, not {given}")
        made.add_metric([*place, *given], value)  # type: ignore[attr-defined]
    return made


def by_word(counts: Iterable[tuple[str, float]]) -> Rows:
    """Rows of one label."""
    return {(word,): value for word, value in counts}
