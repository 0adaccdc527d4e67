"""Level: properties. Memory lent to a tile: nothing that outlives the tile lies in it, and threads have their own."""

import threading

import numpy as np
import pytest

import sim.trial
from sim.kernels import scratch
from sim.trial import run_block
from tests.benchmarks.cases import calibrated
from tests.designs import single_arm, textbook, textbook_gs


@pytest.mark.parametrize("trial", [textbook(), textbook_gs(), single_arm(), calibrated()])
def test_nothing_outlives_its_tile(trial, monkeypatch):
    expected = run_block(trial, 3, 0, 100).tobytes()
    monkeypatch.setattr(sim.trial, "TILE_PATIENTS", 20 * trial.plan.n)
    plain = scratch.lent

    class Spoiled:
        """Lend memory, and overwrite it all at the end."""

        def __enter__(self):
            self.lent = plain()
            self.lent.__enter__()

        def __exit__(self, *error):
            self.lent.__exit__(*error)
            scratch._own.memory[:] = 255

    monkeypatch.setattr(sim.trial, "lent", Spoiled)
    assert run_block(trial, 3, 0, 100).tobytes() == expected


def test_arrays_of_a_tile_do_not_overlap_and_stay_for_the_next():
    for _ in range(3):
        with scratch.lent():
            a, b, c = scratch.empty((3, 5)), scratch.empty((7,), np.uint8), scratch.empty((2, 2), np.int64)
            a[:], b[:], c[:] = 1.5, 7, -3
            assert (a == 1.5).all()
            assert (b == 7).all()
            assert (c == -3).all()
            assert all(x.ctypes.data % 64 == 0 for x in (a, b, c) if x.base is not None)
            where = a.ctypes.data
    with scratch.lent():
        assert scratch.empty((3, 5)).ctypes.data == where


def test_each_thread_has_its_own_and_a_tile_does_not_lend_again():
    places = []

    def tile():
        for _ in range(2):
            with scratch.lent():
                x = scratch.empty((1000,))
        with scratch.lent():
            x = scratch.empty((1000,))
            barrier.wait()
            places.append(x.ctypes.data)
            barrier.wait()

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=tile) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert abs(places[0] - places[1]) >= 8000
    with scratch.lent(), pytest.raises(RuntimeError, match="lent already"), scratch.lent():
        pass
    # an error within leaves the memory free for the next tile
    with scratch.lent():
        pass
