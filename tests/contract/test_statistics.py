"""What every test statistic owes: the final test of each conf/design option, on a textbook and on the calibrated population."""

import dataclasses
import importlib
import pkgutil

import numpy as np
import pytest

import sim.statistic
from sim.rng import Draws
from sim.statistic.statistic import Code, Statistic, TestResult
from sim.trial import enrol
from sim.types import Observations
from tests.contract.building import POPULATIONS, options, trial

M = 12


def concrete():
    """Every concrete statistic of the package."""
    for module in pkgutil.iter_modules(sim.statistic.__path__):
        if not module.ispkg:
            importlib.import_module(f"sim.statistic.{module.name}")
    return [cls for cls in Statistic.__subclasses__() if cls.__module__.startswith("sim.")]


@pytest.fixture(params=[(d, p) for d in options("design") for p in POPULATIONS], ids=lambda x: "-".join(x), scope="module")
def case(request):
    design, population = request.param
    made = trial(f"design={design}", f"population={population}", "effect=none")
    o = enrol(made, Draws(3, 0, M, made.plan.n))
    cuts, _ = made.plan.cut.calendar(o)
    return made.plan.statistic, o, np.ascontiguousarray(cuts[-1])


@pytest.mark.parametrize("cls", concrete(), ids=lambda c: c.__name__)
def test_is_a_final_frozen_dataclass(cls):
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    assert not cls.__subclasses__()


def test_result(case):
    statistic, o, cut = case
    before = [None if x is None else np.copy(x) for x in (o.entry, o.arm, o.stratum, o.time, o.event, o.response)]
    result = statistic.test(o, cut, 0.025)
    assert isinstance(result, TestResult)
    for field in dataclasses.fields(result):
        assert getattr(result, field.name).shape == (M,), field.name
    assert result.z.dtype == np.float64
    assert np.isfinite(result.z).all()
    assert (result.code == Code.OK).all()
    assert np.isfinite(result.estimate).all()
    assert (result.tested <= o.entry.shape[1]).all()
    assert (result.events <= result.tested).all()
    for x, y in zip(before, (o.entry, o.arm, o.stratum, o.time, o.event, o.response), strict=True):
        np.testing.assert_array_equal(x, y)
    assert statistic.label
    assert statistic.estimate_label


def test_again_gives_the_same(case):
    statistic, o, cut = case
    assert statistic.test(o, cut, 0.025).z.tobytes() == statistic.test(o, cut, 0.025).z.tobytes()


def reordered(o, order):
    flags = {f.name: getattr(o, f.name) for f in dataclasses.fields(o)}
    return Observations(**{k: np.ascontiguousarray(v[:, order]) if isinstance(v, np.ndarray) else v for k, v in flags.items()})


def test_the_order_of_patients_does_not_matter(case):
    statistic, o, cut = case
    order = np.random.default_rng(1).permutation(o.entry.shape[1])
    np.testing.assert_allclose(statistic.test(reordered(o, order), cut, 0.025).z, statistic.test(o, cut, 0.025).z, atol=1e-9)


def test_better_courses_give_a_higher_z(case):
    statistic, o, cut = case
    treated = o.arm == 1
    if o.response is not None:
        better = dataclasses.replace(o, response=np.where(treated, 1, o.response).astype(np.uint8))
    else:
        # fewer events, later: every experimental patient lives three times as long
        better = dataclasses.replace(o, time=np.where(treated, 3 * o.time, o.time))
    assert (statistic.test(better, cut, 0.025).z > statistic.test(o, cut, 0.025).z).all()


def test_nobody_enrolled_is_coded_and_not_a_number_is_never_there(case):
    statistic, o, cut = case
    result = statistic.test(o, np.full_like(cut, -1.0), 0.025)
    assert (result.z == 0).all()
    assert (result.code == Code.NO_EVENTS).all()
    assert (result.enrolled == 0).all()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 1.0])
def test_what_is_not_yet_known_changes_nothing(case, share):
    # at any cut: events after it, responses assessed after it, patients who enter after it
    statistic, o, cut = case
    cut = np.ascontiguousarray(o.entry[:, int(share * (o.entry.shape[1] - 1))] + share)
    entered, found = o.entry <= cut[:, None], statistic.test(o, cut, 0.025)
    changes = {"arm": np.where(entered, o.arm, 1 - o.arm)}
    if o.response is not None:
        known = o.entry + o.assessment <= cut[:, None]
        changes["response"] = np.where(known, o.response, 1 - o.response)
        if o.evaluable is not None:
            changes["evaluable"] = np.where(known, o.evaluable, 1 - o.evaluable)
        tested = known if o.evaluable is None else known & (o.evaluable == 1)
        np.testing.assert_array_equal(found.tested, tested.sum(axis=1))
        np.testing.assert_array_equal(found.events, (tested & (o.response == 1)).sum(axis=1))
    else:
        later = o.entry + o.time > cut[:, None]
        changes |= {"time": np.where(later, o.time + 7.0, o.time), "event": np.where(later, 1 - o.event, o.event)}
    changed = dataclasses.replace(o, **{k: v.astype(getattr(o, k).dtype) for k, v in changes.items()})
    for field in dataclasses.fields(found):
        np.testing.assert_array_equal(
            getattr(statistic.test(changed, cut, 0.025), field.name), getattr(found, field.name), err_msg=field.name
        )
    np.testing.assert_array_equal(found.enrolled, entered.sum(axis=1))


def test_swapping_the_arms_changes_the_sign(case):
    statistic, o, cut = case
    if (o.arm == 1).all():
        return
    swapped = dataclasses.replace(o, arm=(1 - o.arm).astype(np.uint8))
    np.testing.assert_allclose(statistic.test(swapped, cut, 0.025).z, -statistic.test(o, cut, 0.025).z, atol=1e-9)
    there, here = statistic.test(swapped, cut, 0.025).estimate, statistic.test(o, cut, 0.025).estimate
    expected = -here if statistic.estimate_label.startswith("difference") else 1 / here
    np.testing.assert_allclose(there, expected, rtol=1e-9)
