"""The whole trial in plain Python, one patient at a time, written for reading: the slow twin of the engine.

It reads the choices from a `sim.trial.Trial` (its fields only) and computes everything anew from the same addresses
(`sim.rng.STREAMS`): Python integers, `math`, lists and loops. Nothing here is fast, shared with the engine, or clever.
"""

import math
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import NormalDist

from sim.rng import STREAMS
from tests import naive_bounds, naive_stages
from tests.boundary import naive_recursive_integration

M32 = 0xFFFFFFFF


# --- random numbers --------------------------------------------------------------------------------------------------


def philox(counter, key):
    """Philox 4x32-10 (Salmon et al. 2011, section 3.3): four counter words and two key words give four words."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = (product1 >> 32) ^ x1 ^ k0, product1 & M32, (product0 >> 32) ^ x3 ^ k1, product0 & M32
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return x0, x1, x2, x3


def word(seed, replicate, unit, stream):
    """The 32-bit word at an address."""
    call, place = STREAMS[stream]
    return philox((replicate & M32, replicate >> 32, unit, call), (seed & M32, seed >> 32))[place]


def uniform(word32):
    """The middle of the word's cell of (0, 1)."""
    return (word32 + 0.5) / 2**32


def exponential(word32):
    """A unit exponential."""
    return -math.log(uniform(word32))


# --- patients --------------------------------------------------------------------------------------------------------


@dataclass
class Patient:
    """One patient, as if followed for ever."""

    stratum: int
    arm: int  # 1 = experimental
    entry: float  # calendar months
    pfs: float | None = None  # months from entry to the design's own event
    os: float | None = None  # months from entry to death, where it is guarded
    dropout: float = math.inf
    response: int | None = None
    evaluable: bool = True

    @property
    def time(self):
        """Months to the event or to dropout, whichever is first."""
        return min(self.pfs, self.dropout)

    @property
    def has_event(self):
        """Whether the event comes before dropout."""
        return self.pfs <= self.dropout


def arrivals(accrual, n, gaps):
    """Calendar months of n arrivals; gaps : n + 1 unit exponentials."""
    operational = [sum(gaps[: j + 1]) for j in range(n + 1)]
    if hasattr(accrual, "rates"):
        return [piecewise_arrival(accrual, s) for s in operational[:n]]
    if accrual.rate is not None:
        return [s / accrual.rate for s in operational[:n]]
    return [accrual.duration * s / operational[n] for s in operational[:n]]


def piecewise_arrival(accrual, expected):
    """The month by which this many arrivals were expected."""
    start = 0.0
    for duration, rate in zip(accrual.durations, accrual.rates, strict=False):
        if expected <= duration * rate:
            return start + expected / rate
        expected -= duration * rate
        start += duration
    return start + expected / accrual.rates[-1]


def allocate(plan, strata, block_word):
    """The arms of patients in order of entry; strata : their strata; block_word(unit) : the word of a block."""
    design, by_stratum = plan
    experimental = design.block_size * design.ratio[0] // sum(design.ratio)
    arrangements = list(combinations(range(design.block_size), experimental))
    seen, arms = {}, []
    for stratum in strata:
        group = stratum if by_stratum else 0
        number = seen.get(group, 0)
        seen[group] = number + 1
        block, place = divmod(number, design.block_size)
        chosen = arrangements[block_word(65536 * group + block) * len(arrangements) >> 32]
        arms.append(int(place in chosen))
    return arms


def control_hazard(population, stratum, t):
    """The hazard just after t months."""
    if population.medians is not None:
        return math.log(2) / population.medians[stratum]
    piece = max(k for k, start in enumerate(population.breaks) if start <= t)
    return population.hazards[stratum][piece]


def time_of_event(population, effect, stratum, arm, unit_exponential):
    """Walk along the pieces of constant hazard until their sum reaches the unit exponential."""
    profile = effect.mechanism(population).hazard
    starts = sorted({*population.breaks, *profile.breaks})
    for start, stop in zip(starts, [*starts[1:], math.inf], strict=True):
        hazard = control_hazard(population, stratum, start)
        if arm == 1:
            hazard *= next(r for b, r in reversed(list(zip(profile.breaks, profile.ratios, strict=True))) if b <= start)
        if hazard > 0 and unit_exponential <= hazard * (stop - start):
            return start + unit_exponential / hazard
        unit_exponential -= hazard * (stop - start) if hazard > 0 else 0.0
    return math.inf


def stratum_of(shares, u):
    """The stratum whose interval of the cumulated shares holds u."""
    total = 0.0
    for stratum, share in enumerate(shares):
        total += share
        if u <= total or stratum == len(shares) - 1:
            return stratum
    return None


def enrol(trial, seed, replicate):
    """The patients of one replicate, in order of entry."""
    design, population, dropout = trial.design, trial.population, trial.dropout
    n = design.n or naive_stages.counts_of(trial)[0][-1]
    entries = arrivals(trial.accrual, n, [exponential(word(seed, replicate, j, "arrival")) for j in range(n + 1)])
    entries = naive_stages.paused(trial, entries)
    strata = [stratum_of(population.shares, uniform(word(seed, replicate, j, "stratum"))) for j in range(n)]
    arms = [1] * n
    if hasattr(design, "ratio"):
        plan = design, design.stratified_randomisation
        arms = allocate(plan, strata, lambda unit: word(seed, replicate, unit, "permuted_block"))
    patients = [Patient(g, a, e) for g, a, e in zip(strata, arms, entries, strict=True)]
    for j, p in enumerate(patients):
        if design.hypothesis == "ORR":
            rate = population.response_rates[p.stratum]
            rate = trial.mechanism.response_rate(rate) if p.arm == 1 else rate
            p.response = int(uniform(word(seed, replicate, j, "response")) < rate)
            if design.not_evaluable_share > 0 and not uniform(word(seed, replicate, j, "evaluable")) < 1 - design.not_evaluable_share:
                p.response, p.evaluable = 0, False
            continue
        p.pfs = time_of_event(population, trial.effect, p.stratum, p.arm, exponential(word(seed, replicate, j, "event")))
        if getattr(design, "harm", None) is not None:
            rate = math.log(2) / population.survival_after_progression_median * (trial.mechanism.after_progression if p.arm == 1 else 1.0)
            p.os = p.pfs + exponential(word(seed, replicate, j, "after_progression")) / rate
        if dropout.hazard_per_month > 0:
            p.dropout = exponential(word(seed, replicate, j, "dropout")) / dropout.hazard_per_month
    return patients


# --- looks -----------------------------------------------------------------------------------------------------------


def cut_at_events(patients, target, max_duration):
    """The calendar month of the target-th event, and whether it came before `max_duration`."""
    months = sorted(p.entry + p.time for p in patients if p.has_event)
    if len(months) >= target and months[target - 1] <= max_duration:
        return months[target - 1], True
    return max_duration, False


@dataclass
class Seen:
    """One enrolled patient at a calendar cut."""

    time: float
    event: bool
    arm: int
    stratum: int


def at_cut(patients, cut):
    """What is known of the patients who have entered by the cut. Calendar months are compared, so the deciding event is in."""
    seen = []
    for p in patients:
        if p.entry <= cut:
            event = p.has_event and p.entry + p.time <= cut
            seen.append(Seen(p.time if event else min(p.time, cut - p.entry), event, p.arm, p.stratum))
    return seen


# --- tests -----------------------------------------------------------------------------------------------------------


def logrank(seen, stratified=False, rho=0.0, gamma=0.0):
    """U, V and I of the experimental arm: sums over strata and distinct event times (Fleming & Harrington 1991, section 7.2)."""
    u = v = information = 0.0
    for stratum in sorted({p.stratum for p in seen}) if stratified else [None]:
        group = [p for p in seen if stratum is None or p.stratum == stratum]
        survival = 1.0
        for t in sorted({p.time for p in group if p.event}):
            at_risk = [p for p in group if p.time >= t]
            dying = [p for p in at_risk if p.event and p.time == t]
            n, n1 = len(at_risk), sum(p.arm for p in at_risk)
            d, d1 = len(dying), sum(p.arm for p in dying)
            weight = survival**rho * (1 - survival) ** gamma
            u += weight * (d1 - d * n1 / n)
            if n > 1:
                hypergeometric = d * n1 * (n - n1) * (n - d) / (n * n * (n - 1))
                v += weight**2 * hypergeometric
                information += weight * hypergeometric
            survival *= (n - d) / n
    return u, v, information


def mixture_cumulative_hazard(population, t):
    """-log of the population's control survival at t months."""
    survival = 0.0
    for stratum, share in enumerate(population.shares):
        total = 0.0
        for start, stop in zip(population.breaks, [*population.breaks[1:], math.inf], strict=True):
            total += control_hazard(population, stratum, start) * max(0.0, min(t, stop) - start)
        survival += share * math.exp(-total)
    return -math.log(survival)


def null_cumulative_hazard(trial, t):
    """The null curve's cumulative hazard: exact on a grid of 0.01 months up to 120, straight lines between and beyond."""
    null = trial.design.null
    if null != "population":
        return math.log(2) * t / (2.8 if isinstance(null, str) else null)
    k = min(math.floor(t * 100), 11_999)
    low, high = (mixture_cumulative_hazard(trial.population, x * 0.01) for x in (k, k + 1))
    return low + (t * 100 - k) * (high - low)


def binomial_critical_count(n, p0, alpha):
    """The smallest count whose exact upper tail is at most alpha; n + 1 when there is none."""
    tail, count = 0.0, n + 1
    while count > 0:
        tail += math.comb(n, count - 1) * p0 ** (count - 1) * (1 - p0) ** (n - count + 1)
        if tail > alpha:
            return count
        count -= 1
    return 0


# --- the trial -------------------------------------------------------------------------------------------------------


def run(trial, seed, replicate):
    """The rows of one replicate, as dictionaries: one per look, until it stops."""
    patients = enrol(trial, seed, replicate)
    rows = CONDUCT[type(trial.design).__name__](trial, patients)
    rows = [{"replicate": replicate, "look": k + 1, **row} for k, row in enumerate(rows)]
    return _with_deaths(rows)


def _with_deaths(rows):
    """The rows in their order: the trial's own of each look, then that of overall survival, where it is guarded."""
    out = []
    for row in rows:
        deaths = row.pop("deaths", None)
        out.append({"hypothesis": 0, "rejects_ignoring_stops": row["look"] if row["decision"] == 1 else 0, **row})
        if deaths is not None:
            out.append({"hypothesis": 1, "replicate": row["replicate"], "look": row["look"], "rejects_ignoring_stops": 0, **deaths})
    return out


def harm_at(trial, patients, cut, look):
    """The row of overall survival at a look: stop where the experimental arm dies sooner by more than is allowed."""
    design = trial.design
    deaths = tested([replace(p, pfs=p.os) for p in patients], cut, design.stratified_randomisation, 0.0, 0.0)
    if hasattr(design.harm, "hr"):
        a, b = design.ratio
        limit = math.log(design.harm.hr) * math.sqrt(deaths["events"] * a * b / (a + b) ** 2) + NormalDist().inv_cdf(design.harm.confidence)
        limit = math.inf if deaths["events"] < design.harm.min_deaths else limit
    else:
        planned = design.harm.deaths or design.look_events
        limit = naive_bounds.efficacy([d / planned[-1] for d in planned], design.harm.alpha, design.harm.spending)[look - 1]
    return {**deaths, "decision": 3 if deaths["code"] == "OK" and -deaths["z"] >= limit else 0}


def tested(patients, cut, stratified, rho, gamma):
    """The log-rank test of what is known at a cut."""
    seen = at_cut(patients, cut)
    events = sum(p.event for p in seen)
    u, v, information = logrank(seen, stratified, rho, gamma)
    code = "OK" if v > 0 else "EMPTY_ARM" if events else "NO_EVENTS"
    z, estimate = (-u / math.sqrt(v), math.exp(u / information)) if v > 0 else (0.0, math.nan)
    # what is tested has the events as its information, or the variance of a weighted score
    information = float(events) if rho == gamma == 0 else v
    return {"enrolled": len(seen), "events": events, "month": cut, "z": z, "estimate": estimate, "code": code, "information": information}


def planned_bounds(trial):
    """(upper, lower) of the planned looks: by the events for an unweighted test, whose information they are."""
    statistic = trial.design.statistic
    if statistic.rho == statistic.gamma == 0:
        return naive_bounds.group_sequential(trial.design)
    # the information of weighted scores has a twin of its own, by quadrature, in tests/statistic/test_null_information_twin.py
    planned = trial.design.bounds(trial.setting).boundary
    return list(planned.upper), list(planned.lower)


def bounds_at(trial, looks, last, as_planned):
    """(upper, lower) z of the latest of these looks."""
    design, rule = trial.design, trial.plan.rule
    if len(design.look_events) == 1:
        return NormalDist().inv_cdf(1 - design.alpha), -math.inf
    upper, lower = planned_bounds(trial)
    k = len(looks)
    # to a thousandth of the plan or finer, in steps of a power of two, whole events as they are
    step = min(1.0, 2.0 ** (math.frexp(rule.planned)[1] - 11))
    found = [round(row["information"] / step) * step for row in looks]
    if design.bounds_at == "planned":
        if as_planned:
            return upper[k - 1], lower[k - 1]
        return last_bound(design.alpha, found, upper, lower, design.binding), -math.inf

    def lower_at(look):
        fraction = found[look] / rule.planned
        if design.futility is None or fraction >= 1:
            return -math.inf
        a, b = design.ratio
        return design.futility.lower(look, fraction, design.look_events[-1] * a * b / (a + b) ** 2, upper[-1])

    fractions = [row["events"] / design.look_events[-1] for row in looks]
    spent = lambda t: naive_bounds.spent(design.spending, t, design.alpha)  # noqa: E731
    return naive_recursive_integration.recomputed_bounds(design.alpha, found, fractions, last, lower_at, design.binding, spent)


def last_bound(alpha, found, upper, lower, binding):
    """The bound of the latest of these looks where it turned out to be the last: all of alpha that the earlier ones have left."""
    k = len(found)
    stops = lower if binding else [-math.inf] * len(lower)
    return naive_recursive_integration.last_bound(alpha, found, upper[:k], stops[:k])


def randomised_pfs(trial, patients):
    """Look at each number of events, or month; stop at the first rejection, for futility or harm, or when the events no longer come.

    A trial that stopped for harm or non-binding futility is followed on, silently, to see whether it would have rejected.
    """
    design = trial.design
    statistic = design.statistic
    rows, found, stopped, rejects_at = [], [], False, 0
    for look, target in enumerate(design.look_events, start=1):
        cut, reached = cut_at_events(patients, target, design.max_duration)
        over = not reached
        if design.months is not None:
            end, reached = cut_at_events(patients, design.look_events[-1], design.max_duration)
            cut = min(design.months[look - 1], end) if look <= len(design.months) else end
            reached, over = reached or cut < end, cut == end
        row = tested(patients, cut, statistic.stratified, statistic.rho, statistic.gamma)
        found.append(row)
        bound, lower = bounds_at(trial, found, over or look == len(design.look_events), reached)
        own = 0
        if row["code"] == "OK":
            own = 1 if row["z"] >= bound else 2 if row["z"] <= lower else 0
            row["code"] = "OK" if reached else "TARGET_NOT_REACHED"
        row["decision"] = own
        if design.harm is not None:
            row["deaths"] = harm_at(trial, patients, cut, look)
            row["decision"] = row["deaths"]["decision"] or own
        if not stopped:
            rows.append(row)
        if own == 1:
            rejects_at = look
        stopped = stopped or row["decision"] > 0
        if own == 1 or over or (own == 2 and design.binding):
            break
    rows[-1]["rejects_ignoring_stops"] = rejects_at
    return rows


def single_arm_pfs(trial, patients):
    """Compare observed with expected events when the last patient has been followed long enough."""
    design = trial.design
    row = one_sample(trial, patients, patients[-1].entry + design.followup)
    reject = row["code"] == "OK" and row["z"] >= NormalDist().inv_cdf(1 - design.alpha)
    return [{**row, "decision": int(reject)}]


def one_sample(trial, patients, cut):
    """The one-sample log-rank test of what is known at a cut (Breslow 1975; Wu 2014)."""
    seen = at_cut(patients, cut)
    observed = sum(p.event for p in seen)
    expected = sum(null_cumulative_hazard(trial, p.time) for p in seen)
    variance = {"mean": (observed + expected) / 2, "null": expected, "observed": observed or expected}[trial.design.variance]
    z = (expected - observed) / math.sqrt(variance) if variance else 0.0
    estimate = observed / expected if expected else 0.0
    code = "OK" if variance else "NO_EVENTS"
    return {"enrolled": len(seen), "events": observed, "month": cut, "z": z, "estimate": estimate, "code": code}


def two_stage_one_sample(trial, patients):
    """Look at a share of the events, give up where z is too low, else test when all have come, or at `max_duration`."""
    design = trial.design
    last = math.ceil(design.event_fraction * design.n - 1e-9)
    first = math.ceil(design.interim * last - 1e-9)
    critical = naive_bounds.two_stage_critical(first / last, design.futility_z, design.alpha, design.binding)
    rows, found, stopped, rejects_at = [], [], False, 0
    for look, target in enumerate((first, last), start=1):
        cut, reached = cut_at_events(patients, target, design.max_duration)
        row = one_sample(trial, patients, cut)
        found.append(float(row["events"]))
        upper, lower = (math.inf, critical)[look - 1], (design.futility_z, -math.inf)[look - 1]
        if not reached:
            upper, lower = last_bound(design.alpha, found, [math.inf, critical], [design.futility_z, -math.inf], design.binding), -math.inf
        decision = 0
        if row["code"] == "OK":
            decision = 1 if row["z"] >= upper else 2 if row["z"] <= lower else 0
            row["code"] = "OK" if reached else "TARGET_NOT_REACHED"
        if not stopped:
            rows.append({**row, "decision": decision})
        rejects_at = look if decision == 1 else rejects_at
        stopped = stopped or decision > 0
        if not reached or decision == 1 or (decision == 2 and design.binding):
            break
    rows[-1]["rejects_ignoring_stops"] = rejects_at
    return rows


def single_arm_orr(trial, patients):
    """Count responders among those whom the test counts."""
    design, population = trial.design, trial.population
    month = patients[-1].entry + design.assessment
    known = [p for p in patients if p.entry + design.assessment <= month]
    tested = [p for p in known if p.evaluable or design.not_evaluable == "nonresponder"]
    responders = sum(p.response for p in tested)
    p0 = design.null_rate
    if p0 == "population":
        p0 = sum(s * r for s, r in zip(population.shares, population.response_rates, strict=True))
        if design.not_evaluable == "nonresponder":
            p0 *= 1 - design.not_evaluable_share
    k = len(tested)
    z = (responders - k * p0) / math.sqrt(k * p0 * (1 - p0)) if k else 0.0
    reject = k > 0 and responders >= binomial_critical_count(k, p0, design.alpha)
    row = {"enrolled": len(patients), "events": responders, "month": month, "z": z, "estimate": responders / k if k else 0.0}
    return [{**row, "decision": int(reject), "code": "OK" if k else "NO_EVENTS"}]


CONDUCT = {
    "RandomisedSurvival": randomised_pfs,
    "RandomisedORR": naive_stages.randomised_orr,
    "SingleArmSurvival": single_arm_pfs,
    "SingleArmORR": single_arm_orr,
    "TwoStageOneSampleLogRank": two_stage_one_sample,
    "SimonTwoStage": naive_stages.staged,
    "MultiStageBinomial": naive_stages.staged,
    "BayesianSingleArm": naive_stages.staged,
}
"""How each design's trial is conducted, by the name of its class."""
