"""What every YAML of conf/statistic owes: a test added there is held to account by being there.

Determinism, blocks, size, sign, swapped arms, ties, trials that cannot be tested, complete columns.
"""

import dataclasses
import importlib

import numpy as np
import pytest
import yaml
from scipy.optimize import brentq
from scipy.stats import norm

from sim.app import paths
from sim.statistic.statistic import Code, TestResult
from sim.types import Observations
from tests.contract.building import options
from tests.statistic.data import make, random_trials

UNTESTABLE = (Code.NO_EVENTS, Code.EMPTY_ARM)
N = 160


def of(name):
    """The statistic that a YAML describes."""
    keys = yaml.safe_load((paths.conf_dir() / "statistic" / f"{name}.yaml").read_text())
    module, cls = keys.pop("_target_").rsplit(".", 1)
    return getattr(importlib.import_module(module), cls)(**keys)


statistics = pytest.mark.parametrize("statistic", [of(name) for name in options("statistic")], ids=options("statistic"))


def single_arm(statistic):
    return statistic.arms == 1


def null_rate(statistic):
    """The hazard of an exponential curve for which a single arm's null is true; a new kind of null joins here."""
    match statistic:
        case object(null_median=median):
            return np.log(2) / median
        case object(null_survival=survival, milestone=month):
            return -np.log(survival) / month
        case object(null_rmst=mean, horizon=month):
            return brentq(lambda rate: -np.expm1(-rate * month) / rate - mean, 1e-6, 10.0)
    raise AssertionError(f"{statistic}: what is its null?")


def trials(statistic, m, effect=False, seed=5):
    """(observations, cuts) of m trials of N patients, without effect or with a large one, watched long enough for every horizon."""
    median = np.log(2) / null_rate(statistic) if single_arm(statistic) else 2.8
    better = 0.5 if effect else 1.0
    if single_arm(statistic):
        o, cut = random_trials(m, N, 1.0, 0.9, seed, median / better)
    else:
        o, cut = random_trials(m, N, better, 0.75, seed, median)
    rng = np.random.default_rng(seed)
    responses = rng.random(o.time.shape) < np.where((o.arm == 1) & effect, 0.6, 0.3)
    return dataclasses.replace(o, response=responses.astype(np.uint8)), cut


def part(o, keep):
    """The trials `keep` alone."""
    flags = {f.name: getattr(o, f.name) for f in dataclasses.fields(o)}
    return Observations(**{k: np.ascontiguousarray(v[keep]) if isinstance(v, np.ndarray) else v for k, v in flags.items()})


def columns(result):
    return {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}


@statistics
def test_the_columns_are_complete(statistic):
    o, cut = trials(statistic, 30)
    result = statistic.test(o, cut, 0.025)
    assert isinstance(result, TestResult)
    types = {"z": "f8", "estimate": "f8", "enrolled": "i8", "events": "i8", "tested": "i8", "code": "u1", "information": "f8"}
    assert {name: column.dtype.str[1:] for name, column in columns(result).items()} == types
    for column in columns(result).values():
        assert column.shape == (30,)
        assert np.isfinite(column).all()
    assert (result.code == Code.OK).all()
    assert (result.events <= result.tested).all()
    assert (result.tested <= result.enrolled).all()


@statistics
def test_again_and_in_any_block_the_result_is_the_same(statistic):
    o, cut = trials(statistic, 30)
    whole = columns(statistic.test(o, cut, 0.025))
    for name, column in columns(statistic.test(o, cut, 0.025)).items():
        assert column.tobytes() == whole[name].tobytes()
    blocks = [columns(statistic.test(part(o, keep), cut[keep], 0.025)) for keep in (slice(0, 1), slice(1, 18), slice(18, 30))]
    for name, column in whole.items():
        assert np.concatenate([block[name] for block in blocks]).tobytes() == column.tobytes(), name


@statistics
def test_size_without_effect(statistic):
    o, cut = trials(statistic, 12_000)
    rate = (statistic.test(o, cut, 0.025).z >= norm.isf(0.025)).mean()
    # asymptotic tests at nominal 0.025 have sizes of 0.0194 to 0.0294 at this n; 3 Monte Carlo errors (0.0014) at either side
    assert 0.0152 < rate < 0.0336


@statistics
def test_an_effect_gives_a_positive_z(statistic):
    o, cut = trials(statistic, 400, effect=True)
    assert (statistic.test(o, cut, 0.025).z > 0).mean() > 0.9


@statistics
def test_swapping_the_arms_flips_z(statistic):
    o, cut = trials(statistic, 200, effect=True)
    swapped = statistic.test(dataclasses.replace(o, arm=1 - o.arm), cut, 0.025)
    found = statistic.test(o, cut, 0.025)
    assert (swapped.code == found.code).all()
    if single_arm(statistic):
        assert swapped.z.tobytes() == found.z.tobytes()
    elif hasattr(statistic, "weights"):
        # the largest of several tests: what favours one arm much cannot favour the other
        assert (np.minimum(swapped.z, found.z)[np.maximum(swapped.z, found.z) > 2.5] < 1.0).all()
    else:
        assert swapped.z == pytest.approx(-found.z, abs=1e-9)


@statistics
def test_ties_are_a_number_and_their_order_does_not_matter(statistic):
    o, cut = trials(statistic, 50)
    rounded = dataclasses.replace(o, entry=np.floor(o.entry), time=np.ceil(o.time))
    cut = np.floor(cut)
    found = statistic.test(rounded, cut, 0.025)
    assert np.isfinite(found.z).all()
    order = np.random.default_rng(1).permutation(N)
    flags = {f.name: getattr(rounded, f.name) for f in dataclasses.fields(rounded)}
    shuffled = Observations(**{k: np.ascontiguousarray(v[:, order]) if isinstance(v, np.ndarray) else v for k, v in flags.items()})
    assert statistic.test(shuffled, cut, 0.025).z == pytest.approx(found.z, abs=1e-9)
    assert (statistic.test(shuffled, cut, 0.025).code == found.code).all()


def edge(times, events, arms, responses):
    return make([[0.0] * len(times)], [times], [events], [arms], response=[responses])


BOTH = [0, 1, 0, 1, 0, 1]
NOTHING = {
    "no event": edge([30.0] * 6, [0] * 6, BOTH, [0] * 6),
    "all censored": edge([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0] * 6, BOTH, [0] * 6),
    "nobody has entered": make([[50.0] * 6], [[2.0] * 6], [[1] * 6], [BOTH], response=[[0] * 6]),
}
ONE_ARM = edge([1.0, 2.0, 3.0, 4.0, 30.0, 30.0], [1, 1, 1, 1, 0, 0], [1] * 6, [1, 0, 1, 0, 0, 0])
ALL_AT_ONCE = edge([2.0] * 6, [1] * 6, BOTH, [1] * 6)
CUT = np.array([20.0])


@statistics
@pytest.mark.parametrize("name", NOTHING)
def test_without_events_a_trial_is_coded_or_evidence_against_a_null(statistic, name):
    found = statistic.test(NOTHING[name], CUT, 0.025)
    # a single arm is tested by the variance under its null, unless its horizon lies beyond the follow-up
    short = max(getattr(statistic, field, 0.0) for field in ("milestone", "horizon")) > max(NOTHING[name].time[0])
    if single_arm(statistic) and name != "nobody has entered" and not short:
        assert found.code[0] == Code.OK
        assert found.z[0] > 0
    else:
        assert (found.z[0], found.code[0]) == (0.0, Code.NO_EVENTS)


@statistics
def test_with_one_arm_a_trial_is_coded_or_tested(statistic):
    found = statistic.test(ONE_ARM, CUT, 0.025)
    assert found.code[0] == (Code.OK if single_arm(statistic) else Code.EMPTY_ARM)
    assert (found.z[0] == 0) or single_arm(statistic)


@statistics
def test_everything_at_one_time_is_a_number(statistic):
    found = statistic.test(ALL_AT_ONCE, CUT, 0.025)
    assert np.isfinite(found.z[0])
    assert found.code[0] in (Code.OK, *UNTESTABLE)
    assert single_arm(statistic) or found.z[0] == 0
