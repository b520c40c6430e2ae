"""Durations: whole nanoseconds from the seconds that people write."""

SECOND_NS = 1_000_000_000


def ns_of(seconds: float) -> int:
    """The nearest whole number of ns. ValueError or OverflowError for NaN or infinity."""
    return round(seconds * SECOND_NS)
