"""Files that somebody else wrote: read as YAML 1.2, never waited for, never without end."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import yaml

from sim.app import paths
from sim.reading import MAX_NODES, parse_yaml, read_text
from sim.types import InputError


@pytest.fixture(autouse=True)
def _no_hang():
    signal.alarm(20)
    yield
    signal.alarm(0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0240", 240),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("2:00", "2:00"),
        ("1:30.5", "1:30.5"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("3.", 3.0),
        (".inf", float("inf")),
        ("-.Inf", float("-inf")),
        ("~", None),
        ("Null", None),
        ("", None),
        ("2001-01-01", "2001-01-01"),
        ("'0240'", "0240"),
        ("=", "="),
    ],
)
def test_scalars_of_yaml_1_2(text, value):
    found = parse_yaml(f"k: {text}")["k"]
    assert (found, type(found)) == (value, type(value))


BOMB = "a0: &a0 {k: 1}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2", "the key 'a' comes twice"),
        ("x: &x {a: 1}\ny: {<<: *x}", "merge keys (<<) are refused"),
        (BOMB, "merge keys (<<) are refused"),
        ("a: &a [*a]", f"more than {MAX_NODES} values"),
        ("&a {b: *a}", f"more than {MAX_NODES} values"),
        ("!!python/object/apply:os.system ['x']", "could not determine a constructor"),
        ("a: !!binary aGk=", "could not determine a constructor"),
        ("? [1]\n: 2", "a key that is a list or a mapping"),
        ("a: [", "cannot be read"),
        ("a: " + "9" * 5000, "cannot be read"),
        ("a: \x00", "cannot be read"),
    ],
)
def test_what_is_refused(text, line):
    with pytest.raises(InputError, match=re.escape(line)) as refused:
        parse_yaml(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda p: os.mkfifo(p), "it is no regular file"),
        (lambda p: p.symlink_to("/dev/zero"), "it is no regular file"),
        (lambda p: p.symlink_to("nowhere"), "No such file or directory"),
        (lambda p: p.symlink_to(p.name), "symbolic links"),
        (lambda p: p.mkdir(), "s a directory"),
        (lambda p: p.write_bytes(b"\xff\xfe\x00"), "codec"),
        (lambda p: p.write_text("x" * 101), "larger than 100 bytes"),
    ],
    ids=["fifo", "device", "dangling", "loop", "folder", "bytes", "large"],
)
def test_what_is_no_file(tmp_path, make, line):
    path = tmp_path / "mine.yaml"
    make(path)
    with pytest.raises(InputError, match=line):
        read_text(path, 100)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfn: 60")
    assert parse_yaml(read_text(tmp_path / "a")) == {"n": 60}


SHIPPED = [*sorted(paths.conf_dir().rglob("*.yaml")), *sorted(paths.scenarios_dir().glob("*.yaml"))]


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_our_own_files_say_the_same_by_the_rules_of_yaml_1_1(path):
    # Hydra reads conf/ by those
    text = path.read_text()
    assert repr(parse_yaml(text)) == repr(yaml.safe_load(text))


def test_nothing_else_in_the_program_opens_a_users_file():
    """Whoever reads a file by other means must say here whose it is."""
    own = {
        "files.py", "reading.py", "source.py", "app/compiling.py", "app/tasks/cohort_files.py", "kernels/__init__.py", "provenance.py", "store.py", "app/jobs.py", "app/sweep.py", "report/html.py", "report/replay.py", "report/qualification_files.py",
        "calibration/implied_table.py", "benchmark.py", "population/parameter_draws.py", "app/tasks/replay.py",
    }  # fmt: skip
    reads = re.compile(r"\.read_text\(|\.read_bytes\(|(?<!os\.fd)\bopen\(|yaml\.(safe_)?load\(|read_csv\(")
    sources = [p for p in sorted(Path(paths.PACKAGE).rglob("*.py")) if "validation" not in p.parts]
    found = {str(p.relative_to(paths.PACKAGE)) for p in sources if reads.search(p.read_text(encoding="utf-8"))}
    assert found <= own, found - own
