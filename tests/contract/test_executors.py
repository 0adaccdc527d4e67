"""What every executor owes: order, errors as they are, and the very same rows. A new YAML in conf/executor is tested by being there."""

import dataclasses
import math
import operator

import pytest

from sim.engine import BLOCK, SimulationError, simulate
from sim.executor.executor import Executor
from sim.executor.serial import Serial
from sim.rng import Draws
from sim.statistic.logrank import LogRank
from sim.trial import enrol
from sim.types import InputError
from tests.contract.building import options, study
from tests.designs import textbook_gs
from tests.thinning import one_in

TRIAL = dataclasses.replace(textbook_gs(), design=dataclasses.replace(textbook_gs().design, n=40, events=(10, 20, 30)))
N_SIM = 2 * BLOCK + 1_234


@pytest.fixture(scope="module")
def expected():
    return simulate(TRIAL, N_SIM, seed=5, executor=Serial()).rows


@pytest.mark.parametrize("workers", one_in(2, [2, 1]))
# a batch system is not at hand; tests/test_dask_jobqueue_developer.py gives it one of its own
@pytest.mark.parametrize("name", [n for n in options("executor") if n != "dask_jobqueue"])
class TestExecutor:
    def made(self, name, workers):
        return study(f"executor={name}", f"run.workers={workers}").executor

    def test_is_a_final_frozen_dataclass_with_a_label(self, name, workers):
        executor = self.made(name, workers)
        assert isinstance(executor, Executor)
        assert dataclasses.is_dataclass(executor)
        assert type(executor).__dataclass_params__.frozen
        assert not type(executor).__subclasses__()
        assert executor.label

    def test_keeps_the_order(self, name, workers):
        # functions of the standard library, so that processes need not import this module
        assert list(self.made(name, workers).map(operator.neg, range(20))) == [-x for x in range(20)]
        assert list(self.made(name, workers).map(operator.neg, [])) == []

    def test_lets_errors_through(self, name, workers):
        with pytest.raises(ValueError, match="math domain"):
            list(self.made(name, workers).map(math.sqrt, [1.0, -1.0]))

    def test_gives_the_same_rows(self, name, workers, expected):
        counted = []
        found = simulate(TRIAL, N_SIM, seed=5, executor=self.made(name, workers), progress=counted.append)
        assert found.rows.dtype == expected.dtype
        assert found.rows.tobytes() == expected.tobytes()
        assert counted == [BLOCK, BLOCK, 1_234]
        assert (found.requested, found.from_store, found.simulated) == (N_SIM, 0, N_SIM)


@pytest.mark.parametrize("name", [n for n in options("executor") if n != "serial"])
@pytest.mark.parametrize("workers", one_in(2, [0, -1]))
def test_refuses_no_workers(name, workers):
    with pytest.raises(InputError, match="workers"):
        study(f"executor={name}", f"run.workers={workers}")


def test_a_broken_replicate_is_named(monkeypatch):
    sound = LogRank.test

    def broken(self, observations, cut, level):
        # one replicate's first patient enters at a moment that we know
        if abs(observations.entry[:, 0] - moment).min() == 0:
            raise ArithmeticError("no answer")
        return sound(self, observations, cut, level)

    moment = enrol(TRIAL, Draws(5, 777, 1, TRIAL.plan.n)).entry[0, 0]
    monkeypatch.setattr(LogRank, "test", broken)
    with pytest.raises(SimulationError, match=r"replicate 777 \(seed 5\) broke: ArithmeticError: no answer"):
        simulate(TRIAL, 1000, seed=5)
