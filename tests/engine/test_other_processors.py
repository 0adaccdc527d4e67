"""Level: developer. The same table on another processor: a cluster mixes generations, so bits must not depend on the code they choose.

Each run is a process of its own whose numba, numpy, C library or linear algebra believes in a lesser processor.
"""

import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pytest

from sim.kernels import OPTIONS, logrank, piecewise
from tests.contract.building import options

SCRIPT = Path(__file__).with_name("studies.py")
CONFIGURATIONS = Path(__file__).with_name("configurations.py")
LEVELS = np.show_config(mode="dicts")["SIMD Extensions"]["found"]

DISGUISES = {
    "plain": {},
    "numba_for_any_x86": {"NUMBA_CPU_NAME": "generic"},
    "numpy_without_any_level": {"NPY_DISABLE_CPU_FEATURES": " ".join(LEVELS)},
    "old_c_library_and_linear_algebra": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-AVX512F", "OPENBLAS_CORETYPE": "Nehalem"},
}


def run(disguise: dict[str, str], cache: Path, *script: str) -> dict[str, str]:
    """Return hash by study, or by what another script prints."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NPY_DISABLE_CPU_FEATURES", "GLIBC_TUNABLES", "NUMBA_CPU_NAME")}
    own_cache = {"NUMBA_CACHE_DIR": str(cache)} if "NUMBA_CPU_NAME" in disguise else {}
    done = subprocess.run(
        [sys.executable, *(script or (str(SCRIPT),))],
        env={**inherited, **own_cache, **disguise},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(line.split() for line in done.stdout.splitlines())


def at_once(disguises: list[dict[str, str]], cache: Path, *script: str) -> list[dict[str, str]]:
    """Return what each disguise gives, two processes at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda disguise: run(disguise, cache, *script), disguises))


X86 = platform.machine() in ("x86_64", "AMD64")
RECOMPILED = "numba_for_any_x86"
"""The disguise under which every kernel is compiled anew, minutes long."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    names = [name for name in DISGUISES if name == "plain" or (X86 and name != RECOMPILED)]
    return dict(zip(names, at_once([DISGUISES[name] for name in names], tmp_path_factory.mktemp("numba")), strict=True))


def studies_alone(table):
    return {k: v for k, v in table.items() if k != "forbidden_math_log"}


@pytest.mark.process
def test_every_table_is_the_plain_one(tables):
    plain = studies_alone(tables["plain"])
    assert len(plain) == 8
    for name, table in tables.items():
        assert studies_alone(table) == plain, name


@pytest.mark.verify
@pytest.mark.process
def test_every_table_by_kernels_compiled_anew_is_the_plain_one(tables, tmp_path):
    assert studies_alone(run(DISGUISES[RECOMPILED], tmp_path)) == studies_alone(tables["plain"])


def same_configurations(disguises: list[dict[str, str]], cache: Path, *which: str) -> None:
    """Hold every configuration under some disguises against the plain ones; all options of conf/ are there."""
    plain, *others = at_once([{}, *disguises], cache, str(CONFIGURATIONS), *which)
    held = {name.split("/")[0] for name, found in plain.items() if found != "refused"} - {"statistic"}
    assert held == set(options("design"))
    assert {name.split("/")[1] for name in plain if name.startswith("statistic/")} == set(options("statistic"))
    assert {name.split("/")[1] for name in plain if not name.startswith("statistic/")} >= set(options("population"))
    assert sum(found != "refused" for found in plain.values()) > 100
    for other in others:
        assert {name for name in plain if plain[name] != other.get(name)} == set()
        assert set(other) == set(plain)


OLDEST = DISGUISES["numpy_without_any_level"] | DISGUISES["old_c_library_and_linear_algebra"]
"""One process that believes in an old C library, an old linear algebra and no level of numpy's at all."""


@pytest.mark.process
@pytest.mark.skipif(not X86, reason="the disguises are of x86 processors")
def test_every_test_is_the_plain_one(tmp_path):
    plain, oldest = at_once([{}, OLDEST], tmp_path, str(CONFIGURATIONS), "tests")
    assert {name.split("/")[1] for name in plain} == set(options("statistic"))
    assert oldest == plain


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.skipif(not X86, reason="the disguises are of x86 processors")
def test_every_design_on_every_population_is_the_plain_one(tmp_path):
    same_configurations([OLDEST], tmp_path)


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.skipif(not X86, reason="the disguises are of x86 processors")
def test_every_variant_of_every_population_is_the_plain_one(tmp_path):
    same_configurations([disguise for name, disguise in DISGUISES.items() if name != "plain"], tmp_path, "every")


@pytest.mark.verify
@pytest.mark.process
@pytest.mark.parametrize("level", range(1, len(LEVELS)))
def test_every_level_between_gives_the_same(tables, tmp_path, level):
    table = run({"NPY_DISABLE_CPU_FEATURES": " ".join(LEVELS[level:])}, tmp_path)
    assert studies_alone(table) == studies_alone(tables["plain"])


@pytest.mark.process
def test_a_kernel_that_calls_the_c_library_is_found_out(tables):
    # the test of the test: were the disguise not believed, the one above could not fail
    assert set(tables) == set(DISGUISES) - {RECOMPILED}, "the disguises are of x86 processors; on another, run this on x86 as well"
    assert tables["old_c_library_and_linear_algebra"]["forbidden_math_log"] != tables["plain"]["forbidden_math_log"]


@pytest.mark.parametrize("kernel", [logrank.scores, piecewise.censor_at_exponential], ids=["scores", "censor_at_exponential"])
def test_no_kernel_is_contracted_to_fused_multiply_add(kernel):
    # a fused multiply-add rounds once where the source rounds twice; LLVM may not form one unless it is allowed to
    fresh = numba.njit(kernel.signatures[0], **{**OPTIONS, "cache": False})(kernel.py_func)
    (assembly,) = fresh.inspect_asm().values()
    assert "mulpd" in assembly or "mulsd" in assembly or platform.machine() not in ("x86_64", "AMD64")
    assert not any(word in assembly for word in ("fmadd", "fmsub", "fnmadd", "fnmsub", "fmla"))
