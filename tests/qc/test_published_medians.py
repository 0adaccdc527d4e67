"""The published medians that a design may take for its null are the benchmark's, whichever benchmark that is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sim.app.build import build
from sim.app.compose import complete, composer
from sim.app.overlays import Overlays, private_store, register
from sim.benchmark import zurko2023
from sim.design.single_arm_survival import SingleArmSurvival
from sim.population.drawn import Drawn
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.population.post_cart_failure import PostCartFailure
from sim.types import InputError


def null_median(*overrides: str) -> float:
    overlays = Overlays()
    study = build(complete(["design=single_arm_pfs", "design.null=published_progression", *overrides]), overlays, "postcart")
    trial = study.cells[0].trial
    return float(trial.design.null_curve(trial.population).median())


@pytest.fixture(autouse=True)
def overlays() -> Iterator[Overlays]:
    with private_store(), composer():
        yield register()


@pytest.mark.parametrize("endpoint", ["pfs", "os"])
def test_the_null_is_the_benchmarks_median(endpoint: str) -> None:
    published = zurko2023().read()[f"treated_{endpoint}_median"]
    assert published.unit == "months"
    design = SingleArmSurvival(60, endpoint=endpoint, null="published_progression")
    assert design.null_curve(PostCartFailure()).median() == pytest.approx(published.value, rel=1e-6)
    assert Drawn(PostCartFailure(draws=1), 0).published_median(endpoint) == published.value


def test_altering_the_published_median_moves_the_null() -> None:
    assert null_median() == pytest.approx(2.8, rel=1e-6)
    assert null_median("benchmark.figures.treated_pfs_median.value=3.5") == pytest.approx(3.5, rel=1e-6)
    # and the blocks of one are not those of the other
    altered = zurko2023(figures={"treated_pfs_median": {"value": 3.5}})
    assert PostCartFailure().with_benchmark(altered) != PostCartFailure().with_benchmark(zurko2023())


def test_another_benchmark_gives_its_own(tmp_path: Path) -> None:
    table = zurko2023().path.read_text(encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_text(table.replace("median_months,2.8,months", "median_months,4.1,months"), encoding="utf-8")
    assert null_median(f"benchmark.table={other}", "benchmark.name=other") == pytest.approx(4.1, rel=1e-6)
    without = replace(zurko2023(), table=str(tmp_path / "less.csv"))
    (tmp_path / "less.csv").write_text(
        "\n".join(r for r in table.splitlines() if not r.startswith("treated_pfs_median,")), encoding="utf-8"
    )
    population = PostCartFailure().with_benchmark(without)
    assert population.published_median("os") == 9.0
    with pytest.raises(InputError, match="no published PFS median"):
        population.published_median("pfs")


def test_a_population_that_nobody_published_is_refused_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"design\.null is 'published_progression': PiecewiseExponential has no published PFS median; allowed"
    ):
        SingleArmSurvival(60, null="published_progression").null_curve(PiecewiseExponential(medians=(3.0,)))
