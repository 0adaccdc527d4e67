"""Bad input: one line on standard error with the key, the value and what is allowed; status 2; nothing written."""

from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from sim.app import paths
from tests.app.running import tree
from tests.thinning import crossed, one_in

BAD = [
    # unknown keys and choices, with the nearest names
    (["effect.hrr=0.5"], "effect.hrr=0.5: 'effect.hrr' is unknown; nearest: effect.hr"),
    (["desing=single_arm_orr"], "'desing' is unknown; nearest: design"),
    (["desing.n=60"], "'desing' is unknown; nearest: design"),
    (["run.n_sims=3"], "'run.n_sims' is unknown; nearest: run.n_sim"),
    (["+foo=3"], "'foo' is unknown"),
    (["+effect.hrr=3"], "effect: 'hrr' is unknown; nearest: hr"),
    (["scenarios=quikstart"], "scenarios: 'quikstart' is unknown; nearest: quickstart"),
    (["design=single_arm_or"], "design: 'single_arm_or' is unknown; nearest: single_arm_orr"),
    (["task=powr"], "task: 'powr' is unknown; nearest: power"),
    (["benchmark.figures.failure_os_medan.value=7.0"], "nearest: failure_os_median"),
    (["benchmark.figures.failure_os_median.valu=7.0"], "allowed: value, ci_low, ci_high"),
    (["--sede=3"], "unrecognized arguments: --sede=3; allowed: key=value"),
    # values outside what is possible
    (["dropout.monthly_probability=1.2"], "dropout.monthly_probability is 1.2; allowed: a probability between 0 and 1"),
    (["dropout.monthly_probability=null", "dropout.hazard=-0.1"], "dropout.hazard is -0.1; allowed: "),
    (["population=piecewise_exponential", "population.medians=null", "population.hazards=[[-0.1]]"], "population.hazards is [[-0.1]]"),
    (["population=piecewise_exponential", "population.response_rates=[1.3]"], "population.response_rates is [1.3]"),
    (["effect.hr=-1"], "effect.hr is -1; allowed: a positive number from 0.001 to 1000 (conf/effect/hazard_ratio.yaml)"),
    (["effect.hr=nan"], "effect.hr is nan; allowed: a positive number"),
    (["effect=response_rate", "effect.difference=1.5"], "effect.difference is 1.5; allowed: between -1 and 1"),
    (["design=single_arm_orr", "effect=response_rate", "effect.difference=0.95"], "effect.difference is 0.95"),
    (["design.n=0"], "design.n is 0; allowed: "),
    (["design.alpha=1.5"], "design.alpha is 1.5; allowed: "),
    (["accrual.duration=inf", "accrual.rate=null"], "accrual.duration is inf; allowed: a positive number of months from 0.001 to 10000"),
    (["accrual.duration=null", "accrual.rate=0"], "accrual.rate is 0"),
    (["accrual=piecewise", "accrual.durations=[1,1]", "accrual.rates=[2,1,0]"], "accrual.rates is [2.0, 1.0, 0.0]"),
    (["accrual.duration=16", "accrual.rate=5"], "accrual: duration is 16 and rate is 5; allowed: exactly one of them"),
    (["design.events=[200]"], "design.events is [200]: a look at more events than can occur among 160 patients"),
    (["design.events=[40,120]"], "design.spending is not given for 2 looks"),
    (["design=randomised_pfs", "population.time_zero=infusion"], "allowed: endpoint os, or time_zero progression or first_line_start"),
    (
        ["design=single_arm_os", "effect=response_rate", "population.time_zero=progression"],
        "population.time_zero is 'progression'; allowed: first_line_start, or an effect on hazards",
    ),
    (["run.n_sim=0"], "run.n_sim is 0; allowed: 1 or more replicates"),
    (["run.seed=-1"], "run.seed is -1; allowed: 0 or more"),
    (["run.workers=0"], "run.workers is 0; allowed: 1 or more, or null"),
    # an effect that cannot act on what is tested
    (
        ["design=single_arm_orr", "effect=piecewise"],
        "effect acts on the hazard of progression or death (effect=patient_hazard_ratio) and cannot move what the design tests, ORR; allowed: an effect"
        " on the response rate (effect=response_rate), or none",
    ),
    (
        ["population=piecewise_exponential", "effect=response_rate"],
        "cannot move what the design tests, PFS; allowed: an effect on the hazard",
    ),
    (["scenarios=textbook_rct_pfs", "design=randomised_orr"], "cannot move what the design tests, ORR"),
    # numbers beyond anything sensible: no library's warning, one line each
    (
        ["design=single_arm_orr", "design.not_evaluable_share=1", "design.not_evaluable=excluded"],
        "design.not_evaluable_share is 1; allowed:",
    ),
    (["design.max_duration=0"], "design.max_duration is 0; allowed: a positive number of months"),
    (["population=piecewise_exponential", "population.medians=null", "population.hazards=[[0]]"], "nobody would ever progress"),
    (["dropout.monthly_probability=1e-300"], "dropout.monthly_probability is 1e-300; allowed: a probability"),
    (
        ["population=piecewise_exponential", "population.medians=[1e300]"],
        "population.medians is [1e+300]; allowed: a positive number of months",
    ),
    (
        ["population=piecewise_exponential", "population.medians=[1e-300]"],
        "population.medians is [1e-300]; allowed: a positive number of months",
    ),
    (["effect=patient_hazard_ratio", "effect.delay=1e308"], "effect.delay is 1e+308; allowed: 0, or months from 0.001 to 10000"),
    (["design=single_arm_orr", "design.assessment=1e6"], "design.assessment is 1000000.0; allowed: 0, or months from 0.001 to 10000"),
    (["accrual.rate=.0001"], "accrual.rate is 0.0001; allowed: a positive number of patients per month"),
    # targets that no trial can reach, tests that cannot be formed: before anything is simulated
    (
        [
            "population=piecewise_exponential",
            "population.medians=[120]",
            "dropout=none",
            "effect.hr=0.7",
            "design.n=200",
            "accrual.rate=10",
            "design.events=[190]",
        ],
        "190 events are never reached: 82.9 are expected by month 120 (design.max_duration) among 200 places, and at most 122 come",
    ),
    (["accrual.rate=0.01"], "104 events are never reached: 0.9 are expected by month 120"),
    (
        [
            "population=piecewise_exponential",
            "population.medians=[10]",
            "dropout=none",
            "design.n=200",
            "accrual.rate=20",
            "design.events=[100]",
            "statistic=rmst_difference",
            "design.statistic.horizon=36",
        ],
        "none of 1,000 trials can be tested by restricted mean survival time to 36 months (difference): an arm is empty or not watched for so long at the analysis, in month 18.0",
    ),
    (
        ["scenarios=phase2_randomised_pfs", "task=size", "design.event_fraction=0.8"],
        "no n reaches them: by month 120 (design.max_duration) at most 0.745",
    ),
    (
        ["scenarios=phase2_randomised_pfs", "task=size", "population.regimen=polabr"],
        "no n reaches them: by month 120 (design.max_duration) at most 0.602",
    ),
    (
        ["task=size", "grid.design.event_fraction=[0.5,0.9]"],
        "cell design.event_fraction=0.9: design.event_fraction: events of 0.9 of the patients",
    ),
    # values of another kind
    (["effect.hr=abc"], "effect.hr is 'abc'; allowed: a number"),
    (["effect.hr="], "effect.hr is ''; allowed: a number"),
    (["effect.hr=[0.5,0.6]"], "effect.hr is [0.5, 0.6]; allowed: a number"),
    (["effect.hr=0.5,0.6"], "To sweep over it, add --multirun"),
    (["effect.hr=[1"], "override 'effect.hr=[1' cannot be read"),
    (["design.n=2.5"], "design.n is 2.5; allowed: a whole number"),
    (["design.n=true"], "design.n is True; allowed: a whole number"),
    (["design.n=???"], "design.n is missing; allowed: a whole number"),
    (["design.stratified_randomisation=2"], "design.stratified_randomisation is 2; allowed: true or false"),
    (["design.ratio=[1,2,3]"], "design.ratio is [1, 2, 3]; allowed: "),
    (["run.n_sim=abc"], "run.n_sim: Value 'abc' of type 'str' could not be converted to Integer"),
    (["effect=null"], "'effect=null' is refused; allowed: effect=OPTION"),
    (["~effect"], "'~effect' is refused; allowed: effect=OPTION"),
    (["design=single_arm_pfs", "design.variance=meen"], "design.variance is 'meen'; allowed: mean, "),
    # folders
    (["run.folder=/dev/null/x"], "run.folder is '/dev/null/x': Not a directory; allowed: a folder that can be written to"),
    (["hydra.run.dir=/dev/null/x"], "run.folder is '/dev/null/x'"),
    (["-m", "design.n=60,80", "run.folder=/dev/null/x"], "run.folder is '/dev/null/x'"),
    # sweeps: everything is built before anything runs
    (["-m", "design.n=60,0"], "design.n is 0; allowed: "),
    (["-m", "design.n=60,80", "hydra.sweeper.params={effect.hr:'0.5,0.6'}"], "is refused; allowed: -m with lists of values"),
    (["-m", "scenarios=glob(nothing*)"], "the sweep is empty"),
    (["grid.design.n=[60,0]"], "cell design.n=0: design.n is 0; allowed: "),
    (["grid.design.n=60"], "grid.design.n is 60; allowed: a list"),
    (["grid.desing.n=[60]"], "'desing' is unknown; nearest: design"),
    (["grid={run.seed:[1,2]}"], "a cell may change benchmark, population, accrual, dropout, effect, design"),
    (["cells={a:[3]}"], "cells.a is [3]; allowed: a list of overrides"),
    (['cells={a:["design=x"]}'], "cell a: design: 'x' is unknown"),
    # nested choices
    (["statistic.rho=1"], "statistic.rho=1: 'statistic.rho' is unknown; the key is design.statistic.rho"),
    (["grid={statistic.rho:[1,2]}"], "'statistic.rho' is unknown; the key is design.statistic.rho"),
    (["design=single_arm_pfs", "statistic=cox"], "statistic=cox: the chosen design has no choice of statistic"),
    (["design=single_arm_pfs", "design.spending=kim_demets"], "spending=kim_demets: the chosen design has no choice of spending"),
    (["spending=kim_demet"], "spending: 'kim_demet' is unknown; nearest: kim_demets; allowed: hwang_shih_decani, kim_demets"),
    (["spending=../effect/none"], "spending: '../effect/none' is unknown"),
    (["design=../effect/none"], "design: '../effect/none' is refused; allowed: the name of an option"),
    (["design=group_sequential_pfs", "design.spending={rho: 2}"], "'design.spending.rho' is unknown"),
    (["design.spending={rho: 2}"], "design.spending is {'rho': 2}; allowed: a Spending or null"),
    (["design.spending={_target_: sim.boundary.futility.FixedZ}"], "design.spending is a FixedZ; allowed: a Spending or null"),
    (["design.futility.beta=0.1"], "design.futility is null; allowed: design.futility=OPTION first, one of conf/futility"),
    (["design.futility.spending=kim_demets"], "design.futility is null, or has no choice of spending"),
    (["statistic=response_difference"], "allowed: a test of two arms that compares survival times (conf/design/randomised_pfs.yaml)"),
    (["design.alpha_sides=3"], "design.alpha_sides is 3; allowed: 1, or 2"),
    (["design.alpha=0.6"], "design.alpha is 0.6; allowed: a one-sided type I error between 0 and 0.5"),
    # words that a shell has split
    (["grid={statistic:", "[cox,", "logrank]}"], "a bracket is not closed; quote it, or the shell splits it: 'grid={…}'"),
    (["grid=statistic:[cox", "grid=logrank]"], "a bracket is not closed; quote it, or the shell splits it: 'grid=…'"),
    (["design.events=[40,", "80]"], "quote it, or the shell splits it: 'design.events=[…]'"),
    (["design.n", "=", "60"], "override 'design.n' cannot be read: it is no key=value; no spaces around ="),
    (["design.n=", "60"], "override '60' cannot be read: it is no key=value; no spaces around ="),
    # what a run cannot be told
    (["run.precision_of=[[1]]"], "run.precision_of is [[1]]; allowed: a list of text"),
    (["--help", "nothing=1"], "nothing=1: 'nothing' is unknown"),
    (["--hydra-help", "nothing=1"], "nothing=1: 'nothing' is unknown"),
    (["--info", "all", "nothing=1"], "nothing=1: 'nothing' is unknown"),
    # files whose reading would never end
    (["population.parameters=/dev/zero"], "population.parameters is '/dev/zero'; allowed: "),
    (["task=calibrate", "benchmark.table=/dev/zero"], "/dev/zero: cannot be read: it is no regular file"),
    # a benchmark that cannot be read
    (["task=calibrate", "benchmark.table=figures/none.csv"], "none.csv"),
    (["task=calibrate", "benchmark.denominator=everybody"], "everybody"),
]


PARAMETERS = paths.conf_dir() / "benchmark" / "parameters" / "zurko2023_progressed.yaml"
FIGURES = paths.conf_dir() / "benchmark" / "figures" / "zurko2023.csv"


def changed_parameters(folder, **changes):
    """Write mine.yaml: the shipped parameters with some changed."""
    content = yaml.safe_load(PARAMETERS.read_text())
    content["parameters"] |= changes
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))


PARAMETERS_THAT_CANNOT_BE = [
    ({"durable_share": 1.2}, "mine.yaml: parameters: durable_share is 1.2; allowed: a probability within [0, 1]"),
    ({"late_not": 0.9}, "mine.yaml: parameters: refractory, late and death without progression add to more than 1"),
    ({"treated_other": 0.99}, "mine.yaml: parameters: treated_other is 0.990, which no intent probability reaches: only 0."),
    ({"theta": None}, "mine.yaml: parameters: theta is None; allowed: a number, 0 or more"),
]


@pytest.mark.parametrize(("bad", "task"), crossed(PARAMETERS_THAT_CANNOT_BE, ["power", "calibrate", "cohort"]))
def test_a_bad_parameter_is_named_with_its_file(cli, folder, bad, task):
    changes, line = bad
    changed_parameters(folder, **changes)
    result = cli(f"task={task}", "population.parameters=mine.yaml")
    assert line in result.err
    assert "conf/population/post_cart_failure.yaml" in result.err  # and not the file of another group
    assert result.err.count("\n") == 1
    assert (result.status, result.out) == (2, "")
    assert tree(folder) == ["mine.yaml"]


FIGURES_THAT_CANNOT_BE = [
    ("treated_share", "denominator", "", "denominator is missing; a judged share or median needs one"),
    ("failure_os_median", "denominator", "", "denominator is missing; a judged share or median needs one"),
    ("failure_os_median", "value", "", "value is missing"),
    ("treated_share", "value", "159", "value is 159 %; allowed: a share within [0, 100] %"),
    ("treated_share", "numerator", "900", "numerator is 900, above its denominator 284"),
]


@pytest.mark.parametrize(("bad", "task"), crossed(FIGURES_THAT_CANNOT_BE, ["power", "calibrate", "fit"]))
def test_a_bad_figure_is_named_with_its_file(cli, folder, bad, task):
    figure, column, value, words = bad
    table = pd.read_csv(FIGURES, dtype=str, keep_default_na=False)
    table.loc[table["id"] == figure, column] = value
    table.to_csv(folder / "mine.csv", index=False)
    result = cli(f"task={task}", f"benchmark.table={folder / 'mine.csv'}")
    assert words in result.err
    assert f"mine.csv, row {table.index[table['id'] == figure][0] + 2} ({figure})" in result.err
    assert result.err.count("\n") == 1
    assert (result.status, result.out) == (2, "")
    assert tree(folder) == ["mine.csv"]


@pytest.mark.parametrize("line", ["", "denominator: ???\n"])
def test_a_benchmark_without_its_denominator(cli, folder, line):
    text = (paths.conf_dir() / "benchmark" / "zurko2023.yaml").read_text()
    (folder / "benchmark").mkdir()
    (folder / "benchmark" / "mine.yaml").write_text(re.sub(r"^denominator:.*\n", line, text, flags=re.MULTILINE))
    result = cli("task=calibrate", "benchmark=mine")
    assert "benchmark.denominator is missing; allowed: text (./benchmark/mine.yaml" in result.err
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)


def test_a_median_that_is_never_reached_is_named_with_its_files(cli, folder):
    content = yaml.safe_load(PARAMETERS.read_text())["parameters"]
    changed_parameters(folder, durable_share=0.99, regimens={k: v | {"response": 0.9} for k, v in content["regimens"].items()})
    result = cli("design=single_arm_pfs", "design.test=exponential_mle", "population.parameters=mine.yaml")
    assert "statistic.null_median is infinite: the null curve never reaches 0.5" in result.err
    assert "conf/design/single_arm_pfs.yaml" in result.err
    assert "mine.yaml)" in result.err
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert tree(folder) == ["mine.yaml"]


@pytest.mark.parametrize(("argv", "line"), one_in(3, BAD), ids=[" ".join(argv) for argv, _ in BAD])
def test_bad_input_is_refused_in_one_line(cli, folder, argv, line):
    result = cli(*argv)
    assert line in result.err
    assert result.err.startswith("postcart: ")
    assert result.err.count("\n") == 1
    assert (result.status, result.out) == (2, "")
    assert tree(folder) == []


def test_what_was_there_stays(cli, folder):
    (folder / "mine").mkdir()
    (folder / "mine/notes.txt").write_text("keep")
    assert cli("design.n=0", "run.folder=mine").status == 2
    assert tree(folder) == ["mine", "mine/notes.txt"]


def test_a_file_in_the_way_of_the_folder_stays(cli, folder):
    (folder / "outputs").write_text("a file")
    result = cli("design.n=60", "population=piecewise_exponential")
    assert result.status == 2
    assert "run.folder is" in result.err
    assert tree(folder) == ["outputs"]


@pytest.mark.process
@pytest.mark.parametrize("argv", one_in(3, [["effect.hr=-1"], ["scenarios=quikstart"], ["run.folder=/dev/null/x", "design.n=60"]]))
def test_bad_input_as_a_process(folder, argv):
    done = subprocess.run([sys.executable, "-m", "sim", *argv], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("postcart: ")
    assert done.stderr.count("\n") == 1
    assert tree(folder) == []
