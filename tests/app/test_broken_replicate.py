"""Level: developer. A replicate that breaks stops the run with its address, and the command it gives runs that replicate alone."""

import shlex

import pytest

from sim import engine
from sim.app.tasks import replay
from sim.effect import NoEffect
from sim.trial import run_block
from tests.thinning import one_in

TRIAL = ("scenarios=textbook_rct_pfs", "executor=serial", "run.n_sim=40", "run.n_sim_null=40", "run.store=null", "grid.effect.hr=[0.5,0.6]")


@pytest.mark.parametrize("truth", one_in(2, ["alternative", "null"]))
def test_the_command_that_replays_it(cli, folder, monkeypatch, truth):
    def broken(trial, seed, first, count):
        at_fault = isinstance(trial.effect, NoEffect) if truth == "null" else getattr(trial.effect, "hr", None) == 0.6
        if at_fault and first <= 31 < first + count:
            raise ArithmeticError("no answer")
        return run_block(trial, seed, first, count)

    monkeypatch.setattr(engine, "run_block", broken)
    monkeypatch.setattr(replay, "run_block", broken)
    result = cli(*TRIAL)
    assert result.status == 3
    assert "replicate 31 (seed 2657) broke: ArithmeticError: no answer; it runs alone by the same command with task=replay" in result.err
    more = shlex.split(result.err.partition("the same command with ")[2].partition(";")[0])
    assert more[1:3] == ["task.replicate=31", f"task.truth={truth}"]
    again = cli(*TRIAL, *more)
    assert (again.status, "ArithmeticError: no answer" in again.err) == (3, True)
    assert cli(*TRIAL, *more, "task.replicate=30").status == 0
