"""Command lines and YAML files that nobody would write on purpose, grown from those that once did harm."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.app import paths, schema
from sim.app.build import build
from sim.app.compose import complete, composer, parse_sweep
from sim.app.overlays import private_store, register
from sim.types import InputError

GROUPS = (*schema.GROUPS, *schema.NESTED_GROUPS)
OPTIONS = {group: [path.stem for path in sorted((paths.conf_dir() / group).glob("*.yaml"))] for group in GROUPS}
SCENARIOS = [path.stem for path in sorted(paths.scenarios_dir().glob("*.yaml"))]

SEEDS = [
    # choices that were dropped, or let in, without a word
    ["scenarios=phase2_single_arm_pfs", "design=randomised_pfs", "design.n=160", "grid={statistic: [cox, maxcombo, logrank]}"],
    ["scenarios=textbook_rct_gs", "design=calendar_looks_pfs", "statistic=exponential_mle"],
    ["design=randomised_pfs", "statistic=response_difference"],
    # nested choices
    ["design=group_sequential_pfs", "design.spending={_target_: sim.boundary.spending.KimDeMets, rho: 2}"],
    ["design=group_sequential_pfs", "design.spending={rho: 2}"],
    ["design.spending={_target_: sim.boundary.futility.FixedZ}"],
    ["design=group_sequential_futility", "~design.futility"],
    ["~design.futility"],
    ["design=group_sequential_pfs", "design.shape=pocock", "design.spending=null"],
    ["design.futility.beta=0.1"],
    ["design.futility.spending=kim_demets"],
    ["design.harm=harm_hazard_ratio", "design.futility=beta_spending"],
    # words that a shell has split, keys that are nearly right
    ["statistic.rho=1"],
    ["grid={statistic:", "[cox,", "logrank]}"],
    ["design.n", "=", "60"],
    ["design.n=", "60"],
    ["design.events=[40,", "80]"],
    ["design=../../../../etc/passwd"],
    ["spending=../effect/none"],
    ["run.precision_of=[[1]]"],
    ["run.allow_targets=[[1]]"],
    # numbers that mean nothing
    ["dropout.monthly_probability=1e-300"],
    ["population=piecewise_exponential", "population.medians=[1e300]"],
    ["population=piecewise_exponential", "population.medians=[1e-300]"],
    ["population=piecewise_exponential", "population.medians=null", "population.hazards=[[0.0]]"],
    ["effect=patient_hazard_ratio", "effect.delay=1e308"],
    ["effect.hr=1e-300"],
    ["design=single_arm_orr", "effect=response_rate", "design.assessment=1e6"],
    ["design=single_arm_orr", "effect=response_rate", "design.not_evaluable_share=1", "design.not_evaluable=excluded"],
    ["design.max_duration=0"],
    ["accrual.rate=.0001"],
    ["design.alpha=0.05", "design.alpha_sides=2"],
    ["cells={'=HYPERLINK(1)': [design.n=60]}"],
    ["-m", "design.n=60,80", "effect.hr=0.5,0.6"],
    ["-m", "design.spending=kim_demets,lan_demets_pocock", "design=group_sequential_pfs"],
    ["scenarios=quickstart", "task=calibrate"],
    ["task=replay", "task.replicate=3"],
    ["population.parameters=/dev/zero"],
    ["population.parameters=."],
    ["benchmark.table=/dev/zero", "task=calibrate"],
]

FILES = [
    "design: {n: 0240}",
    "design: {max_duration: 2:00}",
    "design: {pause: no}",
    "a: &a {k: 1}\ndesign: {<<: *a, n: 60}",
    "a0: &a0 {k: 1}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 9)),
    "design: &a [*a]",
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\ndesign: {events: [*b,*b,*b,*b,*b,*b,*b,*b]}",
    "design: " + "[" * 400 + "]" * 400,
    "design: {n: " + "9" * 5000 + "}",
    "defaults: [textbook_rct_gs, {override /design: group_sequential_futility}, _self_]\ndesign: {spending: kim_demets, futility: null}",
    "defaults: [mine, _self_]",
    "defaults: [{override /effect: none}]\ncells: {a: [design.n=60], '=1+1': [statistic=cox], '-x': ['~design.futility']}",
    "design: {spending: {_target_: sim.boundary.spending.UserSpending, fractions: [0.5, 1], spent_shares: [0.2, 1]}, information: [0.5, 1.0]}",
    "grid: {design: {spending: [kim_demets, {_target_: sim.boundary.spending.KimDeMets, rho: 2}], n: [100, 120]}}",
    "title: ${oc.env:HOME}",
    "effect: {_target_: os.system, command: ls}",
    "effect: ${design}",
    "design: ${design}",
    "run: {seed: -1, n_sim: [1]}",
    "? [1, 2]\n: 3",
    "- 1",
    "\ufeffdesign: {n: 60}",
    "effect: {hr: .inf, delay: .nan}",
]

VALUES = [
    "null", "true", "0", "1", "-1", "2.5", "0.05", "1e-300", "1e308", "nan", "inf", "abc", "''", "[]", "{}", "[1]", "[0.5,1.0]", "[[1]]",
    "{a:1}", "{_target_:sim.effect.NoEffect}", "{_target_: sim.boundary.spending.KimDeMets, rho: 2}", "{_target_:os.system}", "???",
    "${design.n}", "${nothing}", "${oc.env:HOME}", "2:00", "0240", "60", "120", "1,2", "range(1,3)", "glob(*)", "choice(a,b)", "'=1'", "é",
    "population", "kim_demets", "cox", "none", "\\", "a b",
]  # fmt: skip

SPECIAL = ("fifo", "device", "dangling", "folder", "loop")
MAX_SECONDS = 60


def keys() -> list[str]:
    """Every dotted key of the default configuration, and some that there are not."""
    from omegaconf import OmegaConf

    from sim.app.compose import compose

    with private_store(), composer():
        overlays = register()
        config = OmegaConf.to_container(compose(["design=group_sequential_futility"], overlays).config, resolve=False)
    found, stack = ["", "desing.n", "design.n.x", "statistic.rho", "_target_"], [("", config)]
    while stack:
        path, node = stack.pop()
        for key, value in node.items() if isinstance(node, dict) else ():
            found.append(f"{path}{key}")
            stack.append((f"{path}{key}.", value))
    return found


def words(rng: random.Random, known: list[str]) -> list[str]:
    """A command line: a seed, some overrides, and now and then a slip of the keyboard."""
    argv = list(rng.choice(SEEDS)) if rng.random() < 0.5 else []
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        kind = rng.random()
        if kind < 0.3:
            group = rng.choice(GROUPS)
            argv.append(f"{group}={rng.choice([*OPTIONS[group], *OPTIONS[group], rng.choice(VALUES)])}")
        elif kind < 0.4:
            argv.append(f"scenarios={rng.choice(SCENARIOS)}")
        elif kind < 0.5:
            argv.append(f"{rng.choice(['cells', 'grid', '++cells.a', 'grid.design.n', 'grid.statistic'])}={rng.choice(VALUES)}")
        else:
            argv.append(f"{rng.choice(['', '', '', '+', '++', '~'])}{rng.choice(known)}={rng.choice(VALUES)}")
    argv = argv or [f"design.n={rng.choice(VALUES)}"]
    if rng.random() < 0.15:
        i = rng.randrange(len(argv))
        at = rng.randrange(len(argv[i]) + 1)
        argv[i] = (
            argv[i][:at]
            + rng.choice(["", "=", "{", "]", '"', "'", " ", ",", "$", "\x00", "@", "/", ".."])
            + argv[i][at + rng.choice([0, 1]) :]
        )
    return argv


def text(rng: random.Random) -> str:
    """A scenario file: a seed, or two, with some characters changed."""
    body = "\n".join(rng.sample(FILES, rng.choice([1, 1, 2])))
    if len(body) < 1000 and rng.random() < 0.5:
        at = rng.randrange(len(body) + 1)
        body = (
            body[:at]
            + rng.choice(["", "{", "]", ":", "&a ", "*a", "!", "\t", "\n", "- ", "#", "0x1F", "\x00"])
            + body[at + rng.choice([0, 1, 3]) :]
        )
    return body


def special(kind: str, path: Path) -> None:
    """Put something that is no file where a file is looked for."""
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "dangling":
            path.symlink_to("nowhere")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path.name)


def cases(seed: int, n: int, files: float) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield (command line, files by path) of n cases; `files` is the share that has some.

    A run that is long enough begins with all that once did harm, as it was.
    """
    rng, known = random.Random(seed), keys()
    harm = [(list(argv), {}) for argv in SEEDS]
    harm += [([f"scenarios=harm{i}"], {f"scenarios/harm{i}.yaml": body}) for i, body in enumerate((*FILES, *SPECIAL))]
    first = harm if n > len(harm) else []
    yield from first
    for i in range(n - len(first)):
        argv, content = words(rng, known), {}
        if rng.random() < files:
            name = rng.choice([f"mine{i}"] * 3 + ["quickstart"])  # a name of its own: each file is read once
            content[f"scenarios/{name}.yaml"] = text(rng) if rng.random() < 0.8 else rng.choice(SPECIAL)
            argv = [f"scenarios={name}", *[word for word in argv if not word.startswith("scenarios=")]]
        yield argv, content


def write(content: dict[str, str]) -> None:
    """Write the files of a case into the working directory."""
    for name, body in content.items():
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        special(body, path) if body in SPECIAL else path.write_text(body, encoding="utf-8")


def build_all(argv: list[str], overlays: object = None) -> int:
    """Compose, check and build what a command line asks for; return the exit status that it would have.

    overlays : as `register` returns them, where the files have been read

    Any other error than a refusal in one line is the test's to report.
    """
    multirun = argv[:1] == ["-m"]
    try:
        overlays = overlays or register()
        overrides = complete(argv[multirun:])
        for name, job in parse_sweep(overrides) if multirun else [("", overrides)]:
            build(job, overlays, "postcart", name, quiet=multirun)  # type: ignore[arg-type]
    except InputError as error:
        return 2 if str(error).strip() else 3
    return 0


@contextmanager
def in_time(what: object) -> Iterator[None]:
    """Fail what takes longer than a minute."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {MAX_SECONDS} s: {what}")

    saved = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, saved)
