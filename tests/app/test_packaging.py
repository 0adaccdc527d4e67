"""The locks, the import direction, and a wheel that works from any folder."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-run.lock"])
def test_a_lock_names_no_host_and_no_path(name):
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    for forbidden in ("://", "--index", "--find-links", "--extra-index", "/", "\\\\", "file:", "@ "):
        assert forbidden not in text, forbidden


def test_the_run_lock_is_part_of_the_whole_lock():
    pins = [set(re.findall(r"^(\S+==\S+)", (ROOT / name).read_text(), re.M)) for name in ("requirements-run.lock", "requirements.lock")]
    assert pins[0] < pins[1]
    assert {"hatchling", "editables"} <= {pin.partition("==")[0] for pin in pins[0]}


def test_only_the_edge_imports_hydra():
    found = []
    for path in (ROOT / "sim").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if any(name.split(".")[0] in ("hydra", "omegaconf") for name in names):
                found.append(path.relative_to(ROOT).parts[:2])
    assert set(found) == {("sim", "app")}


def test_imports_go_downwards_only(capsys, monkeypatch):
    from importlinter.cli import lint_imports

    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True)
    assert status == 0, capsys.readouterr().out


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built once and unpacked where no checkout is."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    [file] = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(wheel: Path, cwd: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run `python argv` with the unpacked wheel and the installed dependencies, but without the editable checkout."""
    # -S leaves out .pth files, and with them the editable install
    path = [str(wheel), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    start = f"import sys; sys.path[:0] = {path!r}; "
    return subprocess.run([sys.executable, "-S", "-c", start + argv[0], *argv[1:]], cwd=cwd, capture_output=True, text=True)


PROGRAM = "import sim; assert 'site' in sim.__file__, sim.__file__; from sim.__main__ import main; main()"


@pytest.mark.process
def test_the_wheel_holds_conf_and_scenarios(wheel):
    for kept in ("config.yaml", "design/randomised_pfs.yaml", "benchmark/figures/zurko2023.csv"):
        assert (wheel / "sim/conf" / kept).is_file()
    shipped = {p.relative_to(ROOT / "scenarios") for p in (ROOT / "scenarios").rglob("*.yaml")}
    assert shipped == {p.relative_to(wheel / "sim/scenarios") for p in (wheel / "sim/scenarios").rglob("*.yaml")}


@pytest.mark.process
def test_the_wheel_answers_from_an_empty_folder(wheel, tmp_path):
    done = run(wheel, tmp_path, PROGRAM, "--help")
    assert done.returncode == 0, done.stderr
    assert "scenarios: phase2_randomised_pfs" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.process
def test_the_wheel_finds_a_users_own_files(wheel, tmp_path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "design").mkdir()
    (tmp_path / "scenarios/ours.yaml").write_text("# @package _global_\ndefaults:\n  - override /design: mine\n")
    (tmp_path / "design/mine.yaml").write_text("defaults: [randomised_pfs, _self_]\nn: 62\n")
    code = (  # composed, not built: building would compile every kernel anew for the unpacked copy
        "from sim.app.overlays import register; from sim.app.compose import compose, composer\n"
        "with composer():\n    c = compose(['scenarios=ours'], register())\n"
        "print(c.choices['scenarios'], c.choices['design'], c.config.design.n, c.config.design.block_size)"
    )
    done = run(wheel, tmp_path, code)
    assert done.stdout == "ours mine 62 4\n", done.stderr


@pytest.mark.verify
@pytest.mark.process
def test_the_wheel_runs_a_shipped_scenario(wheel, tmp_path):
    done = run(
        wheel,
        tmp_path,
        PROGRAM,
        "scenarios=phase2_single_arm_orr",
        "run.n_sim=100",
        "run.n_sim_null=100",
        "run.folder=out",
        "run.store=null",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.verify
@pytest.mark.process
def test_the_wheel_composes_every_shipped_scenario(wheel, tmp_path):
    code = (
        "from sim.app.overlays import register; from sim.app.compose import compose, composer; from sim.app.paths import scenarios_dir\n"
        "overlays = register()\n"
        "with composer():\n    print([compose([f'scenarios={p.stem}'], overlays).choices['scenarios'] for p in sorted(scenarios_dir().glob('*.yaml'))])"
    )
    done = run(wheel, tmp_path, code)
    assert done.stdout == f"{sorted(p.stem for p in (ROOT / 'scenarios').glob('*.yaml'))}\n", done.stderr
