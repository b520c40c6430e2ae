"""Prometheus metric families from plain tables; every name begins with `pitwire_`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric

PERCENTS: Final = (50.0, 90.0, 99.0, 99.9)
NS_PER_SECOND: Final = 1e9

Labels = tuple[str, ...]
# A mapping's keys are invariant: tuples of one length are no Labels to a type checker.
Key = TypeVar("Key", bound=Labels)


class Distribution(Protocol):
    """What core.Histogram offers."""

    @property
    def count(self) -> int: ...
    @property
    def sum(self) -> int: ...
    def percentile(self, percent: float, /) -> int: ...


def metric_name(text: str) -> str:
    """A name Prometheus accepts: what it does not allow becomes an underscore."""
    return "pitwire_" + re.sub(r"[^a-zA-Z0-9_]", "_", text)


def counter(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> Metric:
    """A total that only rises while the log is the same."""
    family = CounterMetricFamily(metric_name(name), text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Key, float]) -> Metric:
    """A value as it stands."""
    family = GaugeMetricFamily(metric_name(name), text, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def single(name: str, text: str, value: float) -> Metric:
    """A gauge without labels."""
    return gauge(name, text, (), {(): value})


def summary(
    name: str,
    text: str,
    labels: Sequence[str],
    distributions: Iterable[tuple[Labels, Distribution]],
) -> Metric:
    """Percentiles of durations, in seconds, of each distribution (in ns)."""
    family = SummaryMetricFamily(metric_name(name), text, labels=labels)
    for key, each in distributions:
        family.add_metric(key, each.count, each.sum / NS_PER_SECOND)
        for percent in PERCENTS if each.count else ():
            of = dict(zip(labels, key, strict=True)) | {"quantile": f"{percent / 100:g}"}
            seconds = each.percentile(percent) / NS_PER_SECOND
            family.add_sample(metric_name(name), of, seconds)
    return family
