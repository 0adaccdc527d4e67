"""The shipped parameters are the output of the fit: reproduced from its start and from others (definitions.md 16)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.benchmark import conf_folder, zurko2023
from sim.calibration.fit import fit, notes, value_of
from sim.calibration.fit_settings import AFTER, BEFORE, MULTIPLIERS
from sim.population.parameters import Parameters, read, write
from sim.types import InputError

NAMES = [*BEFORE, *AFTER, *(f"multiplier_{k}" for k in MULTIPLIERS)]


def shipped(denominator: str) -> Parameters:
    return read(conf_folder() / "benchmark" / "parameters" / f"zurko2023_{denominator}.yaml")


def assert_same(fitted: Parameters, other: Parameters) -> None:
    for name in NAMES:
        assert value_of(fitted, name) == pytest.approx(value_of(other, name), rel=1e-3), name


# the quick suite holds the output of `task=fit` against the shipped parameters
@pytest.mark.verify
@pytest.mark.parametrize("denominator", ["progressed", "failures"])
def test_the_fit_reproduces_the_shipped_parameters(denominator: str, tmp_path: Path) -> None:
    benchmark = zurko2023(denominator=denominator)
    fitted, report = fit(benchmark)
    assert_same(fitted, shipped(denominator))
    write(tmp_path / "again.yaml", fitted, notes(benchmark, report))
    assert_same(read(tmp_path / "again.yaml"), fitted)


@pytest.mark.verify
@pytest.mark.parametrize("seed", [2])
def test_perturbed_starts_come_to_the_same_place(seed: int) -> None:
    target = shipped("progressed")
    rng = np.random.default_rng(seed)
    start = {n: value_of(target, n) * math.exp(rng.normal(0, 0.15)) for n in NAMES}
    fitted, report = fit(zurko2023(), start)
    assert_same(fitted, target)
    path = conf_folder() / "benchmark" / "parameters" / "zurko2023_progressed.yaml"
    reference = yaml.safe_load(path.read_text())["fitted_figures"]
    for name, (_, achieved, _) in report.residuals.items():
        assert achieved == pytest.approx(reference[name]["achieved"], rel=1e-4), name


@pytest.mark.verify
@pytest.mark.parametrize("seed", [3, 4, 5, 6, 7])
def test_five_more_starts(seed: int) -> None:
    test_perturbed_starts_come_to_the_same_place(seed)


@pytest.mark.verify
def test_another_paper_gives_another_population() -> None:
    fitted, report = fit(zurko2023(figures={"d30oth_os_median": {"value": 8.4}}))
    assert report.residuals["d30oth_os_median"][:2] == (8.4, pytest.approx(8.4, rel=2e-3))
    assert fitted.theta > 1.01 * shipped("progressed").theta


@pytest.mark.verify
def test_contradictory_figures_are_refused_in_one_line() -> None:
    with pytest.raises(InputError) as error:
        fit(zurko2023(figures={"d30ref_os_median": {"value": 11.0}}))
    assert "no parameters bring" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unreachable_treated_share_is_refused() -> None:
    with pytest.raises(InputError, match="treated_other"):
        fit(zurko2023(figures={"d30oth_treated": {"value": 81.0}}))


def test_a_transplant_curve_that_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="no cure share"):
        fit(zurko2023(figures={"allo_os_1y": {"value": 45.0}}))
