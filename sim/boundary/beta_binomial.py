"""Beta-binomial rules for single-arm trials: stop by posterior or by predictive probability."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np

from sim.boundary.multi_stage_binomial import MultiStage, StageErrors, check_stages, stage_errors
from sim.later import later
from sim.types import Array, InputError

betainc = later("scipy.special", "betainc")
betaincc = later("scipy.special", "betaincc")
betaincinv = later("scipy.special", "betaincinv")
betaln = later("scipy.special", "betaln")
expit = later("scipy.special", "expit")
gammaln = later("scipy.special", "gammaln")
log_expit = later("scipy.special", "log_expit")
logit = later("scipy.special", "logit")
polygamma = later("scipy.special", "polygamma")

KINDS = ("posterior", "predictive")
Beta = tuple[float, float]


@dataclass(frozen=True)
class BetaBinomial:
    """Say what is believed, and by which probability a look stops.

    Parameters
    ----------
    n : cumulative patients at the looks, rising
    kind : "posterior": P(rate > standard | responders so far), Thall & Simon; "predictive": P(the last look will reject | responders
        so far), Lee & Liu
    standard : the rate to beat, or the two parameters of its beta distribution
    prior : parameters of the experimental rate's beta prior
    margin : "posterior": futility asks for P(rate > standard + margin)
    """

    n: tuple[int, ...]
    kind: str
    standard: float | Beta
    prior: Beta
    margin: float = 0.0

    def __post_init__(self) -> None:
        check_stages(self.n)
        if self.kind not in KINDS:
            raise InputError(f"beta-binomial rule: kind is {self.kind!r}; allowed: {', '.join(KINDS)}")
        parameters = (*self.prior, *(self.standard if isinstance(self.standard, tuple) else ()))
        if not all(0 < x < inf for x in parameters):
            raise InputError(f"beta-binomial rule: beta parameters are {list(parameters)}; allowed: above 0")
        if not isinstance(self.standard, tuple) and not 0 < self.standard < 1:
            raise InputError(f"beta-binomial rule: the standard rate is {self.standard}; allowed: above 0 and below 1")
        if not 0 <= self.margin < 1 or (self.margin > 0 and self.kind == "predictive"):
            raise InputError(f"beta-binomial rule: margin is {self.margin}; allowed: from 0 to below 1, 0 with the predictive rule")


@dataclass(frozen=True)
class Thresholds:
    """Hold the probabilities at which a trial stops.

    final : the last look rejects with P(rate > standard) at or above it
    futility : an earlier look gives up with less; 0 never
    efficacy : an earlier look rejects with at least as much; None never; "final" (posterior rule): as at the last look
    """

    final: float
    futility: float = 0.0
    efficacy: float | str | None = None


@dataclass(frozen=True)
class BayesianStages:
    """Hold a design: thresholds, the critical counts that they mean, and its exact operating characteristics."""

    thresholds: Thresholds
    counts: MultiStage
    errors: StageErrors


@lru_cache(maxsize=4096)
def posterior_above(n: int, prior: Beta, standard: float | Beta, margin: float = 0.0) -> Array:
    """Compute P(rate > standard + margin | x responders of n) for x = 0 … n.

    Notes
    -----
    The rate is Beta(a + x, b + n - x) given x. With a standard rate that is itself Beta(c, d): the integral of that tail over the
    standard's density, by the trapezoidal rule on the logit scale.

    References
    ----------
    Thall PF, Simon R. Practical Bayesian guidelines for phase IIB clinical trials. Biometrics 1994;50:337-349.

    Examples
    --------
    >>> posterior_above(3, (0.2, 0.8), 0.2).round(4).tolist()
    [0.0763, 0.6165, 0.9316, 0.996]
    """
    x = np.arange(n + 1)
    a, b = prior[0] + x, prior[1] + n - x
    if not isinstance(standard, tuple):
        return _frozen(betaincc(a, b, min(standard + margin, 1.0)))
    y, weight = _standard_nodes(standard, margin, 2 / np.sqrt(n + sum(prior)))
    return _frozen(betainc(b[:, None], a[:, None], (1 - margin) * expit(-y)) @ weight)


def _standard_nodes(standard: Beta, margin: float, width: float) -> tuple[Array, Array]:
    """Return nodes y, with s = (1 - margin) / (1 + exp(-y)), and the standard's probability that each stands for.

    On this scale what is integrated is smooth and its tails are exponential, whatever the beta parameters, so that the trapezoidal
    rule with steps of a quarter of the smallest width is exact to rounding. A standard above 1 - margin cannot be beaten.
    """
    (c, d), top = standard, 1 - margin
    low, off = betaincinv(c, d, 1e-17), betaincinv(d, c, 1e-17)
    start = logit(max(low / top, 1e-300)) if low < top else -40.0
    end = -logit(max(off, 1e-300)) if margin == 0 else min(logit((1 - off) / top), 40.0) if 1 - off < top else 40.0
    step = min(1.0, width, float(np.sqrt(polygamma(1, c) + polygamma(1, d)))) / 4
    y = np.arange(start, end + step, step)
    rest = margin + top * expit(-y)
    return y, step * np.exp(c * (np.log(top) + log_expit(y)) + (d - 1) * np.log(rest) + log_expit(-y) - betaln(c, d))


@lru_cache(maxsize=4096)
def _more(n: int, total: int, prior: Beta) -> Array:
    """P(at least k of the total - n patients to come respond | x of n), float64[n + 1, total - n + 2]."""
    m = total - n
    x, y = np.arange(n + 1)[:, None], np.arange(m + 1)
    a, b = prior[0] + x, prior[1] + n - x
    choose = gammaln(m + 1) - gammaln(y + 1) - gammaln(m - y + 1)
    pmf = np.exp(choose + betaln(a + y, b + m - y) - betaln(a, b))
    tails = np.cumsum(pmf[:, ::-1], axis=1)[:, ::-1] / pmf.sum(axis=1, keepdims=True)
    return _frozen(np.hstack([tails, np.zeros((n + 1, 1))]))


def predictive_probability(n: int, total: int, reject: int, prior: Beta) -> Array:
    """Compute P(at least `reject` of `total` respond in the end | x responders of n) for x = 0 … n.

    Notes
    -----
    The patients to come respond as a beta-binomial (total - n, a + x, b + n - x).

    References
    ----------
    Lee JJ, Liu DD. A predictive probability design for phase II cancer clinical trials. Clinical Trials 2008;5:93-106.

    Examples
    --------
    >>> round(float(predictive_probability(23, 40, 28, (0.6, 0.4))[16]), 4)  # Lee & Liu, page 97
    0.5656
    """
    x = np.arange(n + 1)
    needed = np.clip(reject - x, 0, total - n + 1)
    return np.asarray(_more(n, total, prior)[x, needed])


def critical_counts(rule: BetaBinomial, thresholds: Thresholds) -> MultiStage:
    """Return the critical counts that thresholds mean.

    Raises
    ------
    InputError : thresholds that are no probabilities or out of order

    Examples
    --------
    >>> rule = BetaBinomial((10, 20, 36), "predictive", 0.2, (0.2, 0.8))
    >>> critical_counts(rule, Thresholds(0.9, 0.05, 0.99))
    MultiStage(n=(10, 20, 36), accept=(1, 3, 10), reject=(7, 9, 11))
    """
    _check(rule, thresholds)
    total = rule.n[-1]
    last = int(np.searchsorted(posterior_above(total, rule.prior, rule.standard), thresholds.final))
    early = thresholds.final if thresholds.efficacy == "final" else thresholds.efficacy
    accept, reject = [], []
    for n in rule.n[:-1]:
        r = n + 1 if early is None else int(np.searchsorted(look_probability(rule, n, last), early))
        accept.append(min(int(np.searchsorted(look_probability(rule, n, last, rule.margin), thresholds.futility)) - 1, r - 1))
        reject.append(r)
    return MultiStage(rule.n, (*accept, last - 1), (*reject, last))


def with_thresholds(rule: BetaBinomial, thresholds: Thresholds, p0: float, p1: float, binding: bool = True) -> BayesianStages:
    """Return the design of given thresholds with its exact operating characteristics."""
    counts = critical_counts(rule, thresholds)
    return BayesianStages(thresholds, counts, stage_errors(counts, p0, p1, binding))


def look_probability(rule: BetaBinomial, n: int, last: int, margin: float = 0.0) -> Array:
    """Return the probability by which a look of n patients stops, for 0 … n responders; `last` is the last look's critical count."""
    if rule.kind == "predictive":
        return predictive_probability(n, rule.n[-1], last, rule.prior)
    return posterior_above(n, rule.prior, rule.standard, margin)


def _check(rule: BetaBinomial, thresholds: Thresholds) -> None:
    t = thresholds
    numbers = [t.final, t.futility, *([] if t.efficacy is None or isinstance(t.efficacy, str) else [t.efficacy])]
    if not all(0 <= x <= 1 for x in numbers):
        raise InputError(f"beta-binomial rule: thresholds are {numbers}; allowed: probabilities within [0, 1]")
    if isinstance(t.efficacy, str) and (t.efficacy != "final" or rule.kind != "posterior"):
        raise InputError(
            f"beta-binomial rule: the efficacy threshold is {t.efficacy!r}; allowed: a probability, null, or final with posterior"
        )


def _frozen(values: Array) -> Array:
    out = np.asarray(values, dtype=np.float64)
    out.setflags(write=False)
    return out
