"""The published medians that a design names are those of the benchmark's table: a second entry, held equal."""

from __future__ import annotations

import pytest

from sim.benchmark import zurko2023
from sim.design.single_arm_survival import PUBLISHED_MEDIAN


@pytest.mark.parametrize("endpoint", sorted(PUBLISHED_MEDIAN))
def test_a_designs_published_median_is_the_benchmarks(endpoint: str) -> None:
    figure = zurko2023().read()[f"treated_{endpoint}_median"]
    assert figure.value == PUBLISHED_MEDIAN[endpoint]
    assert figure.unit == "months"
