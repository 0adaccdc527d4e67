"""What each stage of a command may load: nothing is imported before something needs it.

Each stage is a process of its own; what it loaded is read from `sys.modules` when it is done.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib import import_module

import pytest

from sim.app import paths
from sim.app.compiling import kernels_of
from sim.kernels import compiled

HEAVY = {
    "numpy", "numba", "scipy", "scipy.special", "scipy.optimize", "scipy.stats", "scipy.signal", "pandas", "pyarrow", "joblib", "lifelines", "rich",
    "jinja2", "matplotlib",
}  # fmt: skip
READ = "import json, sys; from sim.app.main import main; status = main(sys.argv[1:]); print(json.dumps([status, sorted(sys.modules)]))"
TEXTBOOK = "scenarios=textbook_rct_pfs"


def loaded(folder, *words: str) -> tuple[int, set[str]]:
    """Run a command in a process of its own: its status, and the modules it loaded."""
    command = [sys.executable, "-c", READ, *words]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(paths.PACKAGE.parent)}
    )
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, set(modules)


# (the command, its status, what of HEAVY it may load)
STAGES = {
    "help": (["--help"], 0, set()),
    "an unknown key is refused": ([TEXTBOOK, "design.nn=3"], 2, {"numpy"}),
    "a value is refused": ([TEXTBOOK, "effect.hr=-1"], 2, {"numpy"}),
}
MORE = {
    "version": (["--version"], 0, set()),
    "a value of the first trial is refused": (["effect.hr=-1"], 2, {"numpy"}),
    "a scenario is unknown": (["scenarios=no_such"], 2, {"numpy"}),
    "a level is refused": ([TEXTBOOK, "design.alpha=2"], 2, {"numpy"}),
}


def check(folder, words, status, may) -> None:
    found, modules = loaded(folder, *words)
    assert found == status
    assert modules & HEAVY <= may
    assert not [name for name in modules if name.startswith("sim.kernels")]


@pytest.mark.parametrize("stage", STAGES)
def test_a_small_question_loads_little(tmp_path, stage):
    check(tmp_path, *STAGES[stage])


@pytest.mark.verify
@pytest.mark.parametrize("stage", MORE)
def test_every_other_small_question_loads_little(tmp_path, stage):
    check(tmp_path, *MORE[stage])


def test_a_log_rank_run_loads_its_own_kernels_and_no_distribution_of_scipy(tmp_path):
    status, modules = loaded(tmp_path, TEXTBOOK, "run.n_sim=1000", "run.n_sim_null=1000", "run.store=null")
    assert status == 0
    # scipy.optimize finds the root of Cox's score, which the summary of the effect states
    assert not modules & {"scipy.stats", "scipy.signal", "lifelines"}
    kernels = {name.rpartition(".")[2] for name in modules if name.startswith("sim.kernels.")}
    assert "logrank" in kernels
    others = {"cox", "correlated_maximum", "simon", "first_line", "post_cart_failure", "convolution", "kaplan_meier", "brookmeyer_crowley"}
    assert not kernels & others


def names_used_later() -> list[tuple[str, str]]:
    """Every (module, name) that the program's text imports later."""
    found = []
    for file in sorted(paths.PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "later":
                words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                if words:
                    found.append((words[0], words[1] if len(words) > 1 else ""))
    return sorted(set(found))


def test_every_name_that_is_imported_later_exists():
    wanted = names_used_later()
    assert len(wanted) > 40
    for module, name in wanted:
        found = import_module(module)
        assert not name or hasattr(found, name), (module, name)


def test_every_kernel_with_a_signature_is_counted_for_the_first_compilation():
    modules = [f"sim.kernels.{file.stem}" for file in sorted((paths.PACKAGE / "kernels").glob("[a-z]*.py"))]
    for module in modules:
        import_module(module)
    counted = {(module.rpartition(".")[2], kernel) for module in modules for kernel in kernels_of(module)}
    assert counted == compiled()
