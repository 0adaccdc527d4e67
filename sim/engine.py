"""Simulate a trial: cut the replicates into blocks, map them over an executor, collect the rows in replicate order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from sim.executor.executor import Executor, WorkerDied
from sim.executor.serial import Serial
from sim.store import Store
from sim.trial import Rows, Trial, run_block
from sim.types import InputError

BLOCK = 10_000  # replicates; blocks are aligned to multiples of it, and are the unit of work, store and resume


@dataclass(frozen=True, eq=False)
class Replicates:
    """The rows of a simulation.

    rows : structured array of `sim.trial.ROW_DTYPE`, in replicate-look order; requested : replicates asked for
    from_store, simulated : where they came from; they sum to `requested`
    """

    rows: Rows
    requested: int
    from_store: int
    simulated: int


class SimulationError(RuntimeError):
    """A computation broke; the message holds the replicate's address."""


@dataclass(frozen=True, eq=False)
class _Work:
    """Run one block, or take it from the store. A class, so that processes can receive it."""

    trial: Trial
    seed: int
    store: Store | None
    by_path: bool = False  # leave the rows in the store and return None in their place

    def __call__(self, block: tuple[int, int]) -> tuple[Rows | None, bool]:
        first, count = block
        if self.store is not None:
            rows = self.store.load(first, count)
            if rows is not None:
                return None if self.by_path else rows, True
        try:
            rows = run_block(self.trial, self.seed, first, count)
        except Exception as error:
            raise SimulationError(_address(self.trial, self.seed, first, count, error)) from error
        if self.store is not None:
            self.store.save(first, count, rows)
        return None if self.by_path else rows, False


def _results(work: _Work, executor: Executor, blocks: list[tuple[int, int]]) -> Iterator[tuple[Rows, bool]]:
    """Yield (rows, taken from the store) of each block, wherever it runs."""
    store, shared = work.store, executor.store_is_shared
    if store is None or shared is None:
        yield from cast(Iterator[tuple[Rows, bool]], executor.map(work, blocks))
    elif shared:
        # rows travel by the shared disk, not through the scheduler
        store = replace(store, folder=store.folder.absolute())
        for (first, count), (_, stored) in zip(blocks, executor.map(replace(work, store=store, by_path=True), blocks), strict=True):
            rows = replace(store, reuse=True).load(first, count)
            if rows is None:
                raise InputError(
                    f"run.store is {str(store.folder.parent)!r}: workers wrote a block there that this machine does not see; allowed: a folder that all share, or executor.shared_store=false"
                )
            yield rows, stored
    else:
        missing = [block for block in blocks if store.load(*block) is None]
        fresh = executor.map(replace(work, store=None), missing)
        wanted = set(missing)
        for block in blocks:
            if block in wanted:
                rows, _ = next(fresh)
                store.save(*block, rows)
                yield rows, False
            else:
                kept = store.load(*block)
                assert kept is not None, "a block that was there is gone"
                yield kept, True


def _address(trial: Trial, seed: int, first: int, count: int, error: Exception) -> str:
    for replicate in range(first, first + count):
        try:
            run_block(trial, seed, replicate, 1)
        except Exception as alone:
            return f"replicate {replicate} (seed {seed}) broke: {type(alone).__name__}: {alone}; it runs alone by the same command with task=replay task.replicate={replicate}"
    return f"a block of replicates {first} to {first + count - 1} (seed {seed}) broke, none of them alone: {type(error).__name__}: {error}"


def simulate(
    trial: Trial,
    n_sim: int,
    seed: int,
    executor: Executor | None = None,
    store: Store | None = None,
    progress: Callable[[int], object] | None = None,
    first: int = 0,
) -> Replicates:
    """Simulate `n_sim` replicates of a trial.

    Parameters
    ----------
    trial : what to simulate
    n_sim : number of replicates, first, first + 1, …, first + n_sim - 1
    seed : 0 to 2^64 - 1
    executor : where blocks run; it never changes the rows
    store : blocks on disk, taken when they are there and added when they are not
    progress : called with the number of replicates of each finished block
    first : the first replicate, a multiple of the block size

    Returns
    -------
    Replicates : the same rows for any executor, number of workers and block or tile size

    Raises
    ------
    SimulationError : with the address of the replicate that broke

    Examples
    --------
    >>> from sim.accrual import UniformAccrual
    >>> from sim.design.single_arm_orr import SingleArmORR
    >>> from sim.effect import ResponseRateChange
    >>> from sim.followup import NoDropout
    >>> from sim.population.piecewise_exponential import PiecewiseExponential
    >>> trial = Trial(PiecewiseExponential(medians=(2.8,)), UniformAccrual(rate=4), NoDropout(), ResponseRateChange(0.2), SingleArmORR(n=50))
    >>> simulate(trial, 1000, seed=1).rows["enrolled"].max().item()
    50
    """
    check_run(n_sim, seed)
    if first % BLOCK:
        raise InputError(f"first is {first}; allowed: a multiple of {BLOCK}")
    blocks = [(start, min(BLOCK, first + n_sim - start)) for start in range(first, first + n_sim, BLOCK)]
    parts: list[Rows] = []
    from_store = 0
    work = _Work(trial, seed, store)
    if store is not None:
        store.remove_orphans()
    try:
        for (_, count), (rows, stored) in zip(blocks, _results(work, executor or Serial(), blocks), strict=True):
            parts.append(rows)
            from_store += count if stored else 0
            if progress is not None:
                progress(count)
    except WorkerDied as error:
        start, count = blocks[len(parts)]
        raise WorkerDied(f"replicates {start} to {start + count - 1} (seed {seed}) or later ones: {error.args[0]}") from error
    return Replicates(_joined(parts), n_sim, from_store, n_sim - from_store)


def _joined(parts: list[Rows]) -> Rows:
    """Return the rows of `parts` as one array, and empty the list on the way: a campaign's rows are not to be there twice."""
    rows = np.empty(sum(len(part) for part in parts), dtype=parts[0].dtype)
    end = len(rows)
    while parts:
        part = parts.pop()
        rows[end - len(part) : end] = part
        end -= len(part)
    return rows


def check_run(n_sim: int, seed: int) -> None:
    """Refuse a number of replicates or a seed that cannot be addressed."""
    if isinstance(n_sim, bool) or not isinstance(n_sim, int) or not 1 <= n_sim <= 10**12:
        raise InputError(f"run.n_sim is {n_sim}; allowed: a whole number of replicates from 1")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise InputError(f"run.seed is {seed}; allowed: a whole number from 0 to 2^64 - 1")


def join(parts: list[Replicates]) -> Replicates:
    """Join simulations of consecutive replicates of one trial."""
    return Replicates(
        np.concatenate([p.rows for p in parts]),
        sum(p.requested for p in parts),
        sum(p.from_store for p in parts),
        sum(p.simulated for p in parts),
    )
