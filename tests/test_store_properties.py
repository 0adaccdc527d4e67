"""Level: properties. The store extends, resumes, keys by content, and never gives wrong rows."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import sim.store
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import PatientHazardRatio
from sim.engine import BLOCK, simulate
from sim.executor.joblib_threads import JoblibThreads
from sim.executor.serial import Serial
from sim.store import Store, canonical, content_key, source_digest, to_table
from sim.trial import Trial, run_block
from sim.types import InputError
from tests.designs import textbook, textbook_gs

TRIAL = textbook_gs().with_n(140)
SEED = 5


@pytest.fixture(scope="module")
def plain():
    return simulate(TRIAL, 2 * BLOCK, SEED).rows


def run(store, n_sim, **options):
    return simulate(TRIAL, n_sim, SEED, store=store, **options)


def test_ten_thousand_extend_to_twenty_thousand(tmp_path, plain):
    store = Store.of(tmp_path, TRIAL, SEED)
    first = run(store, BLOCK)
    assert (first.from_store, first.simulated) == (0, BLOCK)
    more = run(store, 2 * BLOCK)
    assert (more.from_store, more.simulated) == (BLOCK, BLOCK)
    again = run(store, 2 * BLOCK)
    assert (again.from_store, again.simulated) == (2 * BLOCK, 0)
    anew = run(replace(store, reuse=False), BLOCK)
    assert (anew.from_store, anew.simulated) == (0, BLOCK)
    for found in (more, again):
        assert found.rows.tobytes() == plain.tobytes()
    assert first.rows.tobytes() == anew.rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()
    # whole blocks, nothing left over
    assert sorted(p.name for p in store.folder.iterdir()) == ["block-000000000000-10000.parquet", "block-000000010000-10000.parquet"]


def test_an_incomplete_last_block_is_not_taken_for_a_whole_one(tmp_path, plain):
    store = Store.of(tmp_path, TRIAL, SEED)
    run(store, 1_000)
    found = run(store, BLOCK)
    assert found.simulated == BLOCK
    assert found.rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()


def damage(path, how):
    data = path.read_bytes()
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "no Parquet":
        path.write_bytes(b"not a table at all")
    elif how == "one byte flipped":
        middle = len(data) // 3
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 0x40]) + data[middle + 1 :])
    elif how == "a column lost":
        pq.write_table(pq.read_table(path).drop_columns(["z"]), path)
    elif how == "rows lost":
        pq.write_table(pq.read_table(path).slice(0, 5_000), path)
    else:
        pq.write_table(to_table(run_block(TRIAL, SEED, BLOCK, BLOCK)), path)


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "no Parquet", "one byte flipped", "a column lost", "rows lost", "another block's rows"]
)
def test_a_damaged_block_is_simulated_anew_and_mended(tmp_path, plain, how):
    store = Store.of(tmp_path, TRIAL, SEED)
    run(store, BLOCK)
    (path,) = store.folder.iterdir()
    damage(path, how)
    found = run(store, BLOCK)
    assert found.simulated == BLOCK
    assert found.rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()
    assert run(store, BLOCK).from_store == BLOCK


def test_what_a_killed_writer_leaves_is_ignored(tmp_path, plain):
    store = Store.of(tmp_path, TRIAL, SEED)
    store.folder.mkdir(parents=True)
    (store.folder / ".block-000000000000-10000.parquet.4242.aa").write_bytes(b"PAR1 half a")
    assert run(store, BLOCK).rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    store = Store.of(tmp_path, TRIAL, SEED)

    def full(table, path, **options):
        Path(path).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sim.store.pq, "write_table", full)
    with pytest.raises(Exception, match="No space left"):
        run(store, 100)
    assert list(store.folder.iterdir()) == []


def test_two_writers_of_the_same_block(tmp_path, plain):
    store = Store.of(tmp_path, TRIAL, SEED)
    rows = plain[plain["replicate"] < BLOCK]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.save(0, BLOCK, rows), range(24)))
    assert store.load(0, BLOCK).tobytes() == rows.tobytes()
    assert len(list(store.folder.iterdir())) == 1


PROGRAM = """
import sys
from pathlib import Path
from sim.engine import simulate
from sim.store import Store
from tests.designs import textbook_gs
trial = textbook_gs().with_n(140)
found = simulate(trial, 20_000, 5, store=Store(Path(sys.argv[1])))
import hashlib
print(hashlib.sha256(found.rows.tobytes()).hexdigest())
"""


@pytest.mark.process
def test_two_processes_with_one_store(tmp_path, plain):
    import hashlib

    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    root = Path(__file__).parents[1]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    digests = [process.communicate()[0].strip() for process in both]
    assert digests == [hashlib.sha256(plain.tobytes()).hexdigest()] * 2
    assert run(Store(tmp_path), 2 * BLOCK).from_store == 2 * BLOCK


def test_the_key_is_of_what_decides(tmp_path):
    def with_(**changes):
        return content_key(replace(TRIAL, **changes), SEED)

    same = content_key(TRIAL, SEED)
    assert with_(effect=PatientHazardRatio(1)) == with_(effect=PatientHazardRatio(1.0))
    assert content_key(textbook(n=160), 1) == content_key(textbook(n=160), 1)
    different = {
        same,
        content_key(TRIAL, 6),
        with_(effect=PatientHazardRatio(0.61)),
        with_(effect=PatientHazardRatio(0.6, 0.5)),
        content_key(TRIAL.under_null, SEED),
    }
    different.add(content_key(TRIAL.with_n(141), SEED))
    different.add(with_(design=replace(TRIAL.design, alpha=0.02)))
    assert len(different) == 7
    # 1 patient is not the flag True
    assert canonical(1) != canonical(True)
    assert canonical({"b": 1, "a": 2}) == canonical({"a": 2.0, "b": 1})
    with pytest.raises(TypeError):
        canonical(object())


def test_the_key_leaves_out_how_it_is_run(tmp_path):
    store = Store.of(tmp_path, TRIAL, SEED)
    simulate(TRIAL, BLOCK, SEED, executor=JoblibThreads(2), store=store)
    assert simulate(TRIAL, BLOCK, SEED, executor=Serial(), store=store).from_store == BLOCK


@pytest.mark.parametrize(
    "touched", ["kernels/logrank.py", "rng.py", "trial.py", "design/allocation.py", "population/piecewise_exponential.py"]
)
def test_touching_the_source_of_what_decides_changes_the_key(tmp_path, monkeypatch, touched):
    package = tmp_path / "sim"
    shutil.copytree(Path(sim.store.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sim.store, "__file__", str(package / "store.py"))

    def digest():
        source_digest.cache_clear()
        return source_digest()

    try:
        before = digest()
        for indifferent in ("engine.py", "oc/table.py", "report/html.py", "executor/serial.py", "app/main.py"):
            (package / indifferent).write_text("# touched\n" + (package / indifferent).read_text())
        assert digest() == before
        (package / touched).write_text((package / touched).read_text() + "\n")
        assert digest() != before
        (package / "kernels" / "a_new_kernel.py").write_text("")
        assert digest() not in (before,)
    finally:
        monkeypatch.undo()
        source_digest.cache_clear()


@pytest.mark.parametrize(("n_sim", "seed"), [(0, 1), (-1, 1), (2.5, 1), (True, 1), (10, -1), (10, 2**64), (10, 1.0)])
def test_what_cannot_be_addressed_is_refused(n_sim, seed):
    with pytest.raises(InputError, match=r"run\.(n_sim|seed)"):
        simulate(TRIAL, n_sim, seed)


def test_the_largest_seed_and_a_far_replicate():
    rows = run_block(TRIAL, 2**64 - 1, 10**12, 3)
    assert rows["replicate"].min() == 10**12
    assert np.isfinite(rows["z"]).all()


def test_designs_that_differ_only_in_type_have_keys_of_their_own():
    one = Trial(TRIAL.population, TRIAL.accrual, TRIAL.dropout, TRIAL.effect, SingleArmSurvival(60))
    other = replace(one, design=RandomisedSurvival(60, events=(30,)))
    assert content_key(one, 1) != content_key(other, 1)
