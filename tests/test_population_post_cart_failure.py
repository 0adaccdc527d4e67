"""The calibrated population: its figures, and its sampler held against its exact curves (two independent computations)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from sim.benchmark import conf_folder
from sim.effect import Effect, NoEffect, PatientHazardRatio, ResponseRateChange
from sim.population import courses
from sim.population.multi_state import after_allo, from_first_line, from_progression, grid, post_progression, supportive_care, treated_pfs
from sim.population.parameters import mix_weights
from sim.population.post_cart_failure import PostCartFailure
from sim.rng import Draws
from sim.types import InputError

N = 200_000
EFFECTS: dict[str, Effect] = {
    "none": NoEffect(),
    "hr": PatientHazardRatio(0.6),
    "delayed": PatientHazardRatio(0.6, delay=1.5, hr_after_progression=1.5),
    "response": ResponseRateChange(0.20),
}
# before first line a response is not yet to be had, and an effect on it is refused
CASES = [("first_line_start", e) for e in EFFECTS] + [(t, e) for t in ("progression", "infusion") for e in EFFECTS if e != "response"]


def against(times: np.ndarray, distribution: np.ndarray, step: float) -> tuple[float, float]:
    """Return (binomial z of an event within 60 months, Kolmogorov-Smirnov p of event times given one), against F on a grid.

    The curve is exact at its grid points (a supportive-care curve of infinite slope at 0 is not between them), so
    times are rounded up to the grid and the distributions compared there: D can only get smaller, by a step's mass at most.
    """
    k = round(60 / step)
    within = distribution[k]
    n, seen = times.size, times[times <= 60.0]
    z = (seen.size / n - within) / math.sqrt(max(within * (1 - within) / n, 1e-12))
    cells = np.ceil(seen / step - 1e-9).astype(int)
    empirical = np.cumsum(np.bincount(cells, minlength=k + 1)) / seen.size
    d = float(np.max(np.abs(empirical - distribution[: k + 1] / within)))
    return z, float(stats.kstwo.sf(d, seen.size))


def compare(times: np.ndarray, population: PostCartFailure, endpoint: str, effect: Effect, stratum: int | None) -> tuple[float, float]:
    """Hold times of an endpoint against its exact curve, as `against` does."""
    curve = population.curve(endpoint, effect, stratum)
    return against(times, 1 - curve.survival, curve.step)


@pytest.mark.parametrize(("time_zero", "name"), CASES)
def test_sampler_against_quadrature(time_zero: str, name: str) -> None:
    # definitions.md 19: p above 1e-4 at n = 200,000 and the probability within 4 binomial standard errors
    population, effect = PostCartFailure(time_zero=time_zero), EFFECTS[name]
    draws = Draws(11, 0, 1, N)
    stratum = population.sample_strata(draws)
    share = population.strata_shares[0]
    assert abs(np.mean(stratum == 0) - share) < 4 * math.sqrt(share * (1 - share) / N)
    x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("pfs", "os"))
    assert x.pfs is not None
    assert x.os is not None
    assert np.all(x.pfs <= x.os)
    for endpoint, times in (("pfs", x.pfs), ("os", x.os)):
        for group in (None, 0, 1):
            chosen = times.ravel() if group is None else times[stratum == group]
            z, p = compare(chosen, population, endpoint, effect, group)
            assert abs(z) < 4, (endpoint, group, z)
            assert p > 1e-4, (endpoint, group, p)


@pytest.mark.parametrize("name", list(EFFECTS))
def test_control_patients_do_not_feel_the_effect(name: str) -> None:
    population, draws = PostCartFailure(), Draws(5, 0, 3, 400)
    stratum, arm = population.sample_strata(draws), np.tile(np.array([0, 1], dtype=np.uint8), (3, 200))
    plain = population.sample(draws, stratum, arm, NoEffect(), ("pfs", "os", "response"))
    treated = population.sample(draws, stratum, arm, EFFECTS[name], ("pfs", "os", "response"))
    for a, b in ((plain.pfs, treated.pfs), (plain.os, treated.os), (plain.response, treated.response)):
        assert a is not None
        assert b is not None
        assert np.array_equal(a[arm == 0], b[arm == 0])
    if name != "none":
        assert not np.array_equal(plain.pfs, treated.pfs)


def test_what_is_not_asked_for_stays_out_and_pfs_is_the_same_alone() -> None:
    population, draws = PostCartFailure(), Draws(5, 2, 2, 300)
    stratum = population.sample_strata(draws)
    arm = np.ones_like(stratum)
    both = population.sample(draws, stratum, arm, PatientHazardRatio(0.6), ("pfs", "os"))
    alone = population.sample(draws, stratum, arm, PatientHazardRatio(0.6), ("pfs",))
    assert alone.os is None
    assert alone.response is None
    assert np.array_equal(alone.pfs, both.pfs)


@pytest.mark.parametrize("time_zero", ["infusion", "progression", "first_line_start"])
def test_the_first_100_patients_of_200(time_zero: str) -> None:
    population = PostCartFailure(time_zero=time_zero)
    wants = ("pfs", "os") if time_zero == "infusion" else ("pfs", "os", "response")
    small, large = Draws(3, 7, 2, 100), Draws(3, 7, 2, 200)
    a, b = population.sample_strata(small), population.sample_strata(large)
    assert np.array_equal(a, b[:, :100])
    x, y = (population.sample(d, s, np.zeros_like(s), NoEffect(), wants) for d, s in ((small, a), (large, b)))
    for name in wants:
        assert np.array_equal(getattr(x, name), getattr(y, name)[:, :100])


@pytest.mark.parametrize("regimen", ["mix", "polabr", "chemo", "other"])
def test_response_rates(regimen: str) -> None:
    population, draws = PostCartFailure(regimen=regimen), Draws(9, 0, 1, N)
    stratum = population.sample_strata(draws)
    for effect in (NoEffect(), ResponseRateChange(0.2), ResponseRateChange(-0.2)):
        rate = population.response_rate(effect)
        assert rate == pytest.approx(effect.mechanism(population).response_rate(population.response_rate()), abs=1e-12)
        x = population.sample(draws, stratum, np.ones_like(stratum), effect, ("response",))
        assert x.response is not None
        assert abs(x.response.mean() - rate) < 4 * math.sqrt(rate * (1 - rate) / N)


def test_response_is_the_kernel_s_own() -> None:
    population, draws = PostCartFailure(), Draws(4, 0, 1, 20_000)
    stratum = population.sample_strata(draws)
    x = population.sample(draws, stratum, np.zeros_like(stratum), NoEffect(), ("response",))
    y = courses.trajectories(population.values, population.therapy(), draws, stratum, np.zeros_like(stratum), marks=True)
    assert np.array_equal(x.response[0], y.marks[1])  # type: ignore[index]


def test_implied_figures_from_the_start_of_first_line() -> None:
    # disease_model.md section 5: PFS about 2.0 and OS about 8.3 months from first line (8.4 under the refit with 254)
    population = PostCartFailure()
    assert population.curve("pfs").median() == pytest.approx(2.03, abs=0.02)
    assert population.curve("os").median() == pytest.approx(8.41, abs=0.05)
    assert population.values.refractory_share == pytest.approx(0.425, abs=0.005)
    failures = PostCartFailure(denominator="failures")
    assert failures.curve("pfs").median() == pytest.approx(2.0, abs=0.06)
    assert failures.curve("os").median() == pytest.approx(8.3, abs=0.15)


@pytest.mark.parametrize(("share", "os"), [(0.25, 6.5), (0.60, 4.6)])
def test_refractory_share_moves_survival(share: float, os: float) -> None:
    # stated for the 284 reading in disease_model.md section 5
    population = PostCartFailure(time_zero="progression", denominator="failures", refractory_share=share)
    assert population.curve("os").median() == pytest.approx(os, abs=0.1)


@pytest.mark.parametrize("step", [0.01, 0.005])
@pytest.mark.parametrize("group", [0, 1])
def test_curves_do_not_depend_on_the_grid(step: float, group: int) -> None:
    # 1e-4 on the survival scale, the accuracy that the curves promise
    population = PostCartFailure()
    weights, response = mix_weights(population.values)
    coarse, fine = grid(0.02, 60.0), grid(step, 60.0)
    every = round(0.02 / step)
    for effect in (NoEffect(), PatientHazardRatio(0.6, delay=1.5)):
        a = from_first_line(population.values, group, weights, response, effect.mechanism(population).hazard, coarse)
        b = from_first_line(population.values, group, weights, response, effect.mechanism(population).hazard, fine)
        assert np.max(np.abs(a.pfs - b.pfs[::every])) < 1e-4
        assert np.max(np.abs(a.os - b.os[::every])) < 1e-4
    c, d = (from_progression(population.values, group, weights, response, t) for t in (coarse, fine))
    assert np.max(np.abs(c.os - d.os[::every])) < 1e-4


def test_stages_against_adaptive_quadrature() -> None:
    # each stage again by scipy's adaptive integration of its formula, 1e-4 on the survival scale
    p, t = PostCartFailure().values, grid(0.02, 60.0)
    remission, relapsed = p.allo_relapse_rate, p.allo_death_rate
    direct = p.allo_cured + (1 - p.allo_cured) * (
        math.exp(-remission * 12) + integrate.quad(lambda u: remission * math.exp(-remission * u - relapsed * (12 - u)), 0, 12)[0]
    )
    assert after_allo(p, t)[600] == pytest.approx(direct, abs=1e-9)
    a, theta = p.allo_after_progression_rate, p.theta

    def alone(u: float) -> float:
        return math.exp(-((p.post_rate * u) ** p.post_shape) * theta - a * u)

    survival = (
        alone(12) + integrate.quad(lambda u: a * alone(u) * float(np.interp(12 - u, t, after_allo(p, t))), 0, 12, epsabs=1e-6, limit=200)[0]
    )
    assert post_progression(p, 0, t)[0][600] == pytest.approx(survival, abs=1e-4)
    weights, response = mix_weights(p)
    free = PostCartFailure().first_line(0).pfs
    total = p.start_rate + p.waiting_death_rate * theta
    lagged = (
        math.exp(-total * 3)
        + integrate.quad(
            lambda u: total * math.exp(-total * u) * float(np.interp(3 - u, np.arange(len(free)) * 0.02, free)),
            0,
            3,
            epsabs=1e-6,
            limit=500,
        )[0]
    )
    assert treated_pfs(p, 0, weights, response, t)[150] == pytest.approx(lagged, abs=1e-4)


def test_supportive_care_average_is_the_integral() -> None:
    p, t = PostCartFailure().values, grid(0.02, 10.0)
    survival, average = supportive_care(p, 1, t)
    k = math.log(2) / p.supportive_median**p.supportive_shape
    for i in (0, 1, 50, 400):
        direct = integrate.quad(lambda u: math.exp(-k * u**p.supportive_shape), t[i], t[i + 1], epsabs=1e-12)[0] / 0.02
        assert average[i] == pytest.approx(direct, abs=1e-8)
    assert survival[100] == pytest.approx(math.exp(-k * 2.0**p.supportive_shape), abs=1e-12)


def test_a_start_at_progression_is_infusion_conditioned() -> None:
    # sampling the conditional law directly must agree with rejection from infusion
    infusion, progression = PostCartFailure(time_zero="infusion"), PostCartFailure(time_zero="progression")
    draws = Draws(21, 0, 1, N)
    group = infusion.sample_strata(draws)
    x = courses.after_infusion(infusion.values, infusion.therapy(), draws, group, np.zeros_like(group), marks=False)
    progressed = x.fate < 2
    share = progression.share_at_progression
    assert np.mean(group[0, progressed] == 0) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / progressed.sum()))
    first, started = PostCartFailure(), progressed & (x.progression.path == 2)
    assert np.mean(group[0, started] == 0) == pytest.approx(first.strata_shares[0], abs=4 * 0.5 / math.sqrt(started.sum()))
    for population, alive, y in ((progression, progressed, x.progression), (first, started, x.progression.first_line)):
        for endpoint, times in (("pfs", y.pfs), ("os", y.os)):
            for stratum in (None, 0, 1):
                mine = alive if stratum is None else alive & (group[0] == stratum)
                z, p = compare(times[mine], population, endpoint, NoEffect(), stratum)
                assert abs(z) < 4, (population.time_zero, endpoint, stratum, z)
                assert p > 1e-4, (population.time_zero, endpoint, stratum, p)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"time_zero": "birth"}, "allowed: infusion, progression, first_line_start"),
        ({"denominator": "all"}, "allowed: progressed, failures"),
        ({"refractory_share": 1.2}, "within [0, 1]"),
        ({"refractory_share": 0.4, "time_zero": "infusion"}, "share at progression"),
        ({"regimen": "aspirin"}, "allowed: mix, polabr"),
        ({"parameters": "unheard"}, "allowed: zurko2023"),
        ({"parameters": "unheard.yaml"}, "cannot be read"),
        ({"denominator": "failures", "time_zero": "infusion"}, "allowed there: progression, first_line_start"),
    ],
)
def test_bad_choices_are_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        PostCartFailure(**keys)  # type: ignore[arg-type]
    assert message in str(error.value)


def test_effects_act_from_first_line_only() -> None:
    draws, hr = Draws(9, 0, 1, 2_000), PatientHazardRatio(0.3)
    # who is never treated lives as long; the time to first line is the same
    progression = PostCartFailure(time_zero="progression")
    group = progression.sample_strata(draws)
    arm = np.ones_like(group)
    plain, treated = (
        courses.after_progression(progression.values, progression.therapy(e), draws, group, arm, False) for e in (NoEffect(), hr)
    )
    assert np.array_equal(plain.wait, treated.wait)
    untreated = plain.path < 2
    assert np.array_equal(plain.os[untreated], treated.os[untreated])
    assert (plain.first_line.pfs < treated.first_line.pfs)[~untreated].mean() > 0.9
    for time_zero in ("progression", "infusion"):
        with pytest.raises(InputError, match="allowed: first_line_start, or an effect on hazards"):
            PostCartFailure(time_zero=time_zero).curve("os", ResponseRateChange(0.2))
    with pytest.raises(InputError, match="allowed: endpoint os, or time_zero"):
        PostCartFailure(time_zero="infusion").sample(draws, group, arm, hr, ("pfs",))
    with pytest.raises(InputError, match="no curve of 'ttnt'"):
        PostCartFailure().curve("ttnt")


def test_assumptions_name_the_three_refractory_shares() -> None:
    text = "\n".join(f"{a.what}: {a.value}" for a in PostCartFailure().describe())
    for share in ("43.7 %", "48.8%", "42.4%"):
        assert share in text


def test_populations_are_told_apart_by_the_values_of_their_parameters(tmp_path: Path) -> None:
    source = conf_folder() / "benchmark" / "parameters" / "zurko2023_progressed.yaml"
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(source.read_text())
    other.write_text(source.read_text().replace("waiting_death_rate: 0.08", "waiting_death_rate: 0.09"))
    shipped = PostCartFailure().deciding_data
    assert PostCartFailure(parameters=str(same)).deciding_data == shipped
    assert PostCartFailure(parameters=str(other)).deciding_data != shipped


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("denominator: progressed", "denominator: failures", "was fitted under denominator failures"),
        ("theta: ", "thetta: ", "missing theta; unknown thetta"),
        ("durable_share: 0.", "durable_share: 1.", "within [0, 1]"),
        ("treated_other: 0.8", "treated_other: 0.99", "which no intent probability reaches"),
        ("parameters:", "parameter:", "needs a mapping `parameters`"),
    ],
)
def test_a_bad_parameter_file_is_refused_by_name(tmp_path: Path, old: str, new: str, message: str) -> None:
    source = conf_folder() / "benchmark" / "parameters" / "zurko2023_progressed.yaml"
    head, body = source.read_text().split("\nparameters:")
    bad = tmp_path / "bad.yaml"
    bad.write_text(head + ("\nparameters:" + body).replace(old, new, 1))
    with pytest.raises(InputError) as error:
        PostCartFailure(parameters=str(bad))
    assert message in str(error.value)
    assert "bad.yaml" in str(error.value)
    assert "\n" not in str(error.value)
