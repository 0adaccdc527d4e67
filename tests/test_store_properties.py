"""Level: properties. The store extends, resumes, keys by content, and never gives wrong rows."""

import ast
import importlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import sim.files
import sim.source
import sim.store
from sim.app import paths
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.single_arm_survival import SingleArmSurvival
from sim.effect import PatientHazardRatio
from sim.engine import BLOCK, simulate
from sim.executor.joblib_threads import JoblibThreads
from sim.executor.serial import Serial
from sim.source import ASKING, LIBRARIES, deciding_files, source_digest
from sim.store import Store, canonical, content_key, to_table
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
def test_a_damaged_block_is_simulated_anew_and_mended(tmp_path, plain, how, capsys):
    store = Store.of(tmp_path, TRIAL, SEED)
    run(store, BLOCK)
    (path,) = store.folder.iterdir()
    damage(path, how)
    found = run(store, BLOCK)
    assert found.simulated == BLOCK
    assert found.rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()
    # set aside, and said so in one line
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"postcart: a stored block is damaged and simulated again: {path}.damaged"
    assert Path(f"{path}.damaged").exists()
    assert run(store, BLOCK).from_store == BLOCK
    assert capsys.readouterr().err == ""


FLIPS = replace(TRIAL, design=replace(TRIAL.design, n=40, events=(10, 20, 30)))


def flip_bits(folder, seed, flips):
    """Flip single bits of a small block, each anew: never wrong rows, never an exception."""
    store = Store.of(folder, FLIPS, SEED)
    rows = run_block(FLIPS, SEED, 0, 40)
    store.save(0, 40, rows)
    (path,) = store.folder.iterdir()
    whole, random = path.read_bytes(), np.random.default_rng(seed)
    for bit in random.choice(8 * len(whole), size=flips, replace=False):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        found = store.load(0, 40)
        if found is None:
            assert not path.exists(), "a damaged block is not left where it is"
        else:
            assert found.tobytes() == rows.tobytes()
    path.write_bytes(whole)
    assert store.load(0, 40).tobytes() == rows.tobytes()


def test_a_flipped_bit_is_found(tmp_path):
    flip_bits(tmp_path, 1, 500)


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(2, 6))
def test_thousands_of_flipped_bits_are_found(tmp_path, seed):
    flip_bits(tmp_path, seed, 10_000)


@pytest.mark.parametrize("length", [0, 1, 7, 100, -1])
def test_a_block_cut_anywhere_is_found(tmp_path, length):
    store = Store.of(tmp_path, FLIPS, SEED)
    store.save(0, 40, run_block(FLIPS, SEED, 0, 40))
    (path,) = store.folder.iterdir()
    path.write_bytes(path.read_bytes()[:length])
    assert store.load(0, 40) is None


def test_a_block_of_another_trial_is_not_taken(tmp_path):
    one, other = Store(tmp_path / "one"), Store(tmp_path / "other")
    one.save(0, 40, run_block(FLIPS, SEED, 0, 40))
    other.folder.mkdir()
    shutil.copy(next(one.folder.iterdir()), other.folder)
    assert other.load(0, 40) is None
    assert one.load(0, 40) is not None


def test_other_programs_read_a_block(tmp_path):
    store = Store(tmp_path / "key")
    rows = run_block(FLIPS, SEED, 0, 40)
    store.save(0, 40, rows)
    table = pq.read_table(next(store.folder.iterdir()))
    assert table.column("z").to_numpy().tobytes() == rows["z"].tobytes()


def test_what_a_killed_writer_leaves_is_ignored(tmp_path, plain):
    store = Store.of(tmp_path, TRIAL, SEED)
    store.folder.mkdir(parents=True)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = sim.files._host()
    ours, theirs, living = (
        store.folder / f".block-000000000000-10000.parquet.{host}.{process}.0a1b2c3d.part"
        for host, process in ((here, gone.pid), ("elsewhere", gone.pid), (here, os.getpid()))
    )
    for path in (ours, theirs, living):
        path.write_bytes(b"PAR1 half a")
    assert run(store, BLOCK).rows.tobytes() == plain[plain["replicate"] < BLOCK].tobytes()
    # of another machine's processes this one knows nothing, and the living may be at work
    assert [path.exists() for path in (ours, theirs, living)] == [False, True, True]


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    store = Store.of(tmp_path, TRIAL, SEED)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sim.files.os, "fsync", full)
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
    monkeypatch.setattr(sim.source, "__file__", str(package / "source.py"))

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
        once = digest()
        (package / "kernels" / "a_new_kernel.py").write_text("")
        (package / "a_new_room.py").write_text("")
        assert digest() != once
    finally:
        monkeypatch.undo()
        source_digest.cache_clear()


IMPORTING = """
import importlib, sys
from pathlib import Path
import yaml
for group in ("population", "accrual", "dropout", "effect", "design", "statistic"):
    for path in (Path(sys.argv[1]) / group).glob("*.yaml"):
        importlib.import_module(yaml.safe_load(path.read_text()).get("_target_", "sim.trial.Trial").rpartition(".")[0])
import sim.trial
print(*sorted(name for name in sys.modules if name.partition(".")[0] == "sim"))
"""


@pytest.mark.process
def test_every_module_that_a_trial_loads_is_in_the_key():
    command = [sys.executable, "-c", IMPORTING, str(paths.conf_dir())]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]).stdout.split()
    package = Path(sim.source.__file__).parent
    digested = {
        ".".join(("sim", *path.relative_to(package).with_suffix("").parts)).removesuffix(".__init__") for path in deciding_files(package)
    }
    assert len(loaded) > 80
    assert set(loaded) <= digested
    # nor does one of them name, anywhere in its text, a room that is left out
    for path in deciding_files(package):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module] if isinstance(node, ast.ImportFrom) else [x.name for x in node.names] if isinstance(node, ast.Import) else []
            )
            for name in names:
                if name and name.startswith("sim."):
                    assert f"{name.split('.')[1]}.py" not in ASKING, (path, name)
                    assert name.split(".")[1] not in ASKING, (path, name)


def test_what_is_left_out_of_the_key_exists():
    assert all((Path(sim.source.__file__).parent / name).exists() for name in ASKING)


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_a_library_changes_the_key(monkeypatch, library):
    before = content_key(TRIAL, SEED)
    version = sim.source.metadata.version
    monkeypatch.setattr(sim.source.metadata, "version", lambda name: "0.0" if name == library else version(name))
    source_digest.cache_clear()
    try:
        assert content_key(TRIAL, SEED) != before
    finally:
        monkeypatch.undo()
        source_digest.cache_clear()
    assert content_key(TRIAL, SEED) == before


OWN = """
from dataclasses import dataclass
from sim.statistic.logrank import LogRank
from sim.effect import PatientHazardRatio, Effect
{extra}

@dataclass(frozen=True)
class Mine(Effect):
    hr: float = 0.6

    def mechanism(self, patients, given=None):
        return PatientHazardRatio(self.hr).mechanism(patients, given)

    def describe(self):
        import my_helper
        return my_helper.lines()
"""


@pytest.mark.parametrize(
    "touched", ["my_effects/own.py", "my_effects/__init__.py", "my_effects/beside.py", "my_helper.py", "below_helper.py"]
)
def test_touching_a_class_from_outside_changes_the_key(tmp_path, monkeypatch, touched):
    (tmp_path / "my_effects").mkdir()
    files = {"my_effects/__init__.py": "", "my_effects/own.py": OWN.format(extra=""), "my_effects/beside.py": "x = 1\n",
             "my_helper.py": "from below_helper import lines\n", "below_helper.py": "def lines():\n    return []\n"}  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    trial = replace(TRIAL, effect=importlib.import_module("my_effects.own").Mine())
    before = content_key(trial, SEED)
    assert before == content_key(trial, SEED) != content_key(replace(TRIAL, effect=PatientHazardRatio(0.6)), SEED)
    (tmp_path / touched).write_text(files[touched] + "# edited\n")
    assert content_key(trial, SEED) != before
    for name in [name for name in sys.modules if name.startswith(("my_effects", "my_helper", "below_helper"))]:
        del sys.modules[name]


def test_a_class_without_source_is_refused():
    namespace: dict = {"__name__": "typed_in_by_hand"}
    exec(OWN.format(extra=""), namespace)
    trial = replace(TRIAL, effect=namespace["Mine"]())
    with pytest.raises(InputError, match=r"Mine: its source cannot be read.*run\.store=null"):
        content_key(trial, SEED)
    # without a store there is nothing to take for something else
    assert simulate(trial, 10, SEED).requested == 10


def test_a_class_that_is_no_dataclass_is_refused():
    class Bare(PatientHazardRatio.__base__):
        hr, delay, hr_after_progression, profile = 0.6, 0.0, 1.0, PatientHazardRatio(0.6).profile
        mechanism = PatientHazardRatio.mechanism
        describe = PatientHazardRatio.describe

    with pytest.raises(InputError, match=r"run\.store: a Bare cannot be part of a trial's key; allowed: frozen dataclasses"):
        content_key(replace(TRIAL, effect=Bare()), SEED)


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
