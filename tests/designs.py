"""Random trials for hypothesis, and the textbook trials of the published numbers."""

from dataclasses import replace

from hypothesis import strategies as st

from sim.accrual import PiecewiseAccrual, UniformAccrual
from sim.boundary.futility import ConditionalPower, FixedHazardRatio, FixedZ, PredictivePower
from sim.boundary.harm import HarmHazardRatio, HarmSpending
from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming, LanDeMetsPocock
from sim.design.bayesian_single_arm import BayesianSingleArm
from sim.design.multi_stage_binomial import MultiStageBinomial
from sim.design.randomised_orr import RandomisedORR
from sim.design.randomised_survival import RandomisedSurvival
from sim.design.simon_two_stage import SimonTwoStage
from sim.design.single_arm_orr import SingleArmORR
from sim.design.single_arm_survival import SingleArmSurvival
from sim.design.two_stage_one_sample_logrank import TwoStageOneSampleLogRank
from sim.effect import NoEffect, PatientHazardRatio, ResponseRateChange
from sim.followup import ExponentialDropout, NoDropout
from sim.population.piecewise_exponential import PiecewiseExponential
from sim.statistic.logrank import LogRank
from sim.statistic.response_difference import ResponseDifference
from sim.trial import Trial
from sim.types import InputError

LOST = ExponentialDropout(monthly_probability=0.02)
PLAIN = LogRank(stratified=False)


def textbook(hr=0.6, delay=0.0, n=160, events=(120,), statistic=PLAIN, spending=None, accrual=None, **design):
    """The textbook trial of the published numbers: median 2.8, uniform accrual over 16 months, 2 % lost per month."""
    return Trial(
        PiecewiseExponential(medians=(2.8,)),
        accrual or UniformAccrual(duration=16.0),
        LOST,
        NoEffect() if hr == 1 else PatientHazardRatio(hr, delay),
        RandomisedSurvival(n, events=events, statistic=statistic, spending=spending, stratified_randomisation=False, **design),
    )


def textbook_gs(hr=0.6):
    """The same with looks at 40, 80 and 120 events, Lan-DeMets O'Brien-Fleming."""
    return textbook(hr, events=(40, 80, 120), spending=LanDeMetsOBrienFleming())


def single_arm(null="population", shares=(1.0,), medians=(5.5,), variance="mean", n=60):
    """60 patients over 12 months, the last followed for 12, no effect, nobody lost."""
    return Trial(
        PiecewiseExponential(
            medians=medians, shares=shares, names=tuple(f"s{i}" for i in range(len(shares))), response_rates=(0.3,) * len(shares)
        ),
        UniformAccrual(duration=12.0),
        NoDropout(),
        NoEffect(),
        SingleArmSurvival(n, followup=12.0, variance=variance, null=null),
    )


def _months(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda x: round(x, 2))


@st.composite
def populations(draw):
    strata = draw(st.integers(1, 3))
    weights = [draw(st.integers(1, 9)) for _ in range(strata)]
    shares = [w / sum(weights) for w in weights[:-1]]
    shares.append(1 - sum(shares))
    common = {
        "shares": tuple(shares),
        "names": tuple(f"s{g}" for g in range(strata)),
        "response_rates": tuple(draw(st.floats(0.05, 0.6)) for _ in range(strata)),
        "survival_after_progression_median": draw(_months(0.5, 12)),
    }
    if draw(st.booleans()):
        return PiecewiseExponential(medians=tuple(draw(_months(0.5, 20)) for _ in range(strata)), **common)
    pieces = draw(st.integers(1, 3))
    breaks = (0.0, *sorted(draw(st.lists(_months(0.5, 10), min_size=pieces - 1, max_size=pieces - 1, unique=True))))
    # the first hazard is positive, later ones may be 0: a plateau, and patients whose event never comes
    hazards = tuple(
        (draw(st.floats(0.02, 1.5)), *(draw(st.one_of(st.just(0.0), st.floats(0.02, 1.5))) for _ in range(pieces - 1)))
        for _ in range(strata)
    )
    return PiecewiseExponential(hazards=hazards, breaks=breaks, **common)


@st.composite
def accruals(draw):
    kind = draw(st.sampled_from(["duration", "rate", "pieces"]))
    if kind == "duration":
        return UniformAccrual(duration=draw(_months(0.5, 30)))
    if kind == "rate":
        return UniformAccrual(rate=draw(st.floats(0.5, 40)))
    pieces = draw(st.integers(1, 3))
    rates = [draw(st.one_of(st.just(0.0), st.floats(0.5, 20))) for _ in range(pieces)]
    return PiecewiseAccrual(tuple(draw(_months(0.5, 6)) for _ in range(pieces)), (*rates, draw(st.floats(0.5, 20))))


DROPOUTS = st.one_of(
    st.just(NoDropout()),
    st.floats(0.005, 0.5).map(lambda h: ExponentialDropout(hazard=h)),
    st.floats(0.01, 0.4).map(lambda p: ExponentialDropout(monthly_probability=p)),
)
EFFECTS = st.one_of(
    st.just(NoEffect()),
    st.builds(PatientHazardRatio, st.floats(0.2, 2.0), st.one_of(st.just(0.0), _months(0.1, 4)), st.sampled_from([1.0, 0.5, 2.0])),
)


SPENDING = (LanDeMetsOBrienFleming(), LanDeMetsPocock(), KimDeMets(2.0), HwangShihDeCani(-3.0), HwangShihDeCani(0.0))
HARM = st.one_of(
    st.builds(HarmSpending, st.sampled_from([0.05, 0.3])),
    st.builds(HarmHazardRatio, st.sampled_from([0.8, 1.0, 1.3]), st.sampled_from([0.5, 0.9]), st.sampled_from([1, 5])),
)


@st.composite
def randomised(draw, n_max=40):
    n = draw(st.integers(2, n_max))
    looks = sorted(draw(st.sets(st.integers(1, n), min_size=1, max_size=3)))
    ratio = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 2)]))
    weight = st.sampled_from([0.0, 0.5, 1.0, 2.0])
    rules = [None, FixedZ((0.0,)), FixedHazardRatio(0.9), ConditionalPower(0.2), PredictivePower(0.1)]
    futility = draw(st.sampled_from(rules if len(looks) > 1 else [None]))
    longest = draw(st.sampled_from([3.0, 12.0, 30.0, 120.0]))
    months = draw(
        st.one_of(
            st.none(),
            st.lists(_months(0.1, longest - 0.1), min_size=len(looks) - 1, max_size=len(looks) - 1, unique=True).map(sorted).map(tuple),
        )
    )
    return RandomisedSurvival(
        n,
        alpha=draw(st.sampled_from([0.025, 0.1, 0.3])),
        events=tuple(looks),
        spending=draw(st.sampled_from(SPENDING)) if len(looks) > 1 else None,
        futility=futility,
        binding=futility is not None and draw(st.booleans()),
        ratio=ratio,
        block_size=sum(ratio) * draw(st.integers(1, 2)),
        stratified_randomisation=draw(st.booleans()),
        statistic=LogRank(draw(st.booleans()), draw(weight), draw(weight)),
        months=months,
        bounds_at="planned" if months is None else "observed",
        harm=draw(st.one_of(st.none(), HARM)),
        max_duration=longest,
    )


# rates at which a plain search through all two-stage designs of few patients is short
SIMON = st.sampled_from([(0.1, 0.4, "optimal"), (0.1, 0.4, "minimax"), (0.25, 0.6, "optimal"), (0.25, 0.6, "minimax")])


@st.composite
def simon(draw):
    common = {"pause": draw(st.booleans()), "assessment": draw(_months(0, 6)), "not_evaluable_share": draw(st.sampled_from([0.0, 0.1]))}
    if draw(st.booleans()):
        p0, p1, kind = draw(SIMON)
        return SimonTwoStage(alpha=0.1, power=0.8, kind=kind, null_rate=p0, alternative_rate=p1, **common)
    n1, second = draw(st.integers(1, 15)), draw(st.integers(1, 15))
    r1 = draw(st.integers(0, n1 - 1))
    r = draw(st.integers(r1, n1 + second - 1))
    return SimonTwoStage(n=n1 + second, kind="given", r1=r1, n1=n1, r=r, null_rate=0.2, alternative_rate=0.5, **common)


@st.composite
def staged(draw, n_max):
    """Fleming's designs and those that spend their exact errors."""
    n, shares = draw(st.integers(9, max(9, n_max))), draw(st.sampled_from([(1.0,), (0.5, 1.0), (0.3, 0.6, 1.0)]))
    spends = draw(st.booleans())
    kind = {"method": "fleming"}
    if spends:
        futile = draw(st.sampled_from([None, *SPENDING]))
        early = draw(st.sampled_from([None, *SPENDING]))
        kind = {"method": "spending", "spending": early, "futility_spending": futile, "binding": futile is not None and draw(st.booleans())}
    return MultiStageBinomial(
        n,
        alpha=draw(st.sampled_from([0.05, 0.2])),
        stages=shares,
        null_rate=draw(st.sampled_from([0.1, 0.2, 0.3])),
        pause=draw(st.booleans()),
        assessment=draw(_months(0, 6)),
        not_evaluable_share=draw(st.sampled_from([0.0, 0.1])),
        **kind,
    )


@st.composite
def bayesian(draw, n_max):
    """Posterior and predictive rules with given thresholds: the search for them is held against exact errors elsewhere."""
    rule = draw(st.sampled_from(["posterior", "predictive"]))
    return BayesianSingleArm(
        draw(st.integers(2, min(n_max, 30))),
        rule=rule,
        first_look=draw(st.integers(1, 12)),
        cohort=draw(st.integers(3, 12)),
        final_threshold=draw(st.sampled_from([0.8, 0.9, 0.95])),
        futility_threshold=draw(st.sampled_from([0.0, 0.03, 0.1])),
        efficacy_threshold=draw(st.sampled_from([None, 0.9, 0.97])),
        binding=draw(st.booleans()),
        prior_mean=draw(st.sampled_from([None, 0.4])),
        prior_patients=draw(st.sampled_from([1.0, 2.5])),
        null_rate=draw(st.sampled_from([0.1, 0.25])),
        pause=draw(st.booleans()),
        assessment=draw(_months(0, 6)),
        not_evaluable_share=draw(st.sampled_from([0.0, 0.1])),
    )


@st.composite
def two_stage(draw, n_max):
    return TwoStageOneSampleLogRank(
        draw(st.integers(4, n_max)),
        alpha=draw(st.sampled_from([0.025, 0.2])),
        event_fraction=draw(st.sampled_from([0.75, 1.0])),
        interim=draw(st.sampled_from([0.3, 0.5])),
        futility_z=draw(st.sampled_from([-0.5, 0.0, 0.5])),
        binding=draw(st.booleans()),
        variance=draw(st.sampled_from(["mean", "null", "observed"])),
        null=draw(st.one_of(st.just("population"), st.floats(0.5, 10))),
        max_duration=draw(st.sampled_from([3.0, 12.0, 120.0])),
    )


@st.composite
def randomised_orr(draw, n_max):
    method, margin = draw(
        st.sampled_from(
            [("chi_square", 0.0), ("fisher", 0.0), ("miettinen_nurminen", 0.0), ("miettinen_nurminen", -0.1), ("farrington_manning", 0.05)]
        )
    )
    ratio = draw(st.sampled_from([(1, 1), (2, 1), (1, 2)]))
    return RandomisedORR(
        draw(st.integers(2, n_max)),
        alpha=draw(st.sampled_from([0.025, 0.2])),
        assessment=draw(_months(0, 6)),
        not_evaluable=draw(st.sampled_from(["nonresponder", "excluded"])),
        not_evaluable_share=draw(st.sampled_from([0.0, 0.03, 0.5])),
        ratio=ratio,
        block_size=sum(ratio) * draw(st.integers(1, 2)),
        stratified_randomisation=draw(st.booleans()),
        statistic=ResponseDifference(method, margin),
    )


def single_arm_pfs(n_max):
    return st.builds(
        SingleArmSurvival,
        st.integers(1, n_max),
        alpha=st.sampled_from([0.025, 0.2]),
        followup=_months(0, 24),
        variance=st.sampled_from(["mean", "null", "observed"]),
        null=st.one_of(st.just("population"), st.floats(0.5, 10)),
    )


def single_arm_orr(n_max):
    return st.builds(
        SingleArmORR,
        st.integers(1, n_max),
        alpha=st.sampled_from([0.025, 0.2]),
        null_rate=st.one_of(st.just("population"), st.floats(0.05, 0.7)),
        assessment=_months(0, 6),
        not_evaluable=st.sampled_from(["nonresponder", "excluded"]),
        not_evaluable_share=st.sampled_from([0.0, 0.03, 0.5, 0.99]),
    )


RESPONSE = st.one_of(st.just(NoEffect()), st.builds(ResponseRateChange, st.floats(-0.04, 0.39)))
DESIGNS = {
    RandomisedSurvival: (randomised, EFFECTS),
    SingleArmSurvival: (single_arm_pfs, EFFECTS),
    TwoStageOneSampleLogRank: (two_stage, EFFECTS),
    SingleArmORR: (single_arm_orr, RESPONSE),
    RandomisedORR: (randomised_orr, RESPONSE),
    SimonTwoStage: (lambda n_max: simon(), RESPONSE),
    MultiStageBinomial: (staged, RESPONSE),
    BayesianSingleArm: (bayesian, RESPONSE),
}
"""Each design's random trials and effects; `tests/test_trial_twin.py` asks that every design of `conf/design` is among them."""


@st.composite
def trials(draw, n_max=40, kinds=tuple(DESIGNS)):
    """Any trial of these designs on a textbook population."""
    kind, effect = DESIGNS[draw(st.sampled_from(kinds))]
    design = draw(kind(n_max))
    where = draw(populations()), draw(accruals()), draw(DROPOUTS), draw(effect)
    try:
        return Trial(*where, design)
    except InputError:
        # with a large alpha so many trials stop that binding bounds do not exist
        return Trial(*where, replace(design, binding=False))
