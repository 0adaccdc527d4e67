"""Level: double programming where a figure computes (Kaplan-Meier), developer elsewhere."""

import re
from importlib import resources

import matplotlib
import numpy as np
import pandas as pd
import pytest

from sim.report import figures
from sim.report.figures import style
from tests.report.example import calibration, cohort, occupancy, operating_characteristics, power_curve, published_medians
from tests.report.page import Page

OS = "OS from progression"


def drawings():
    return {
        "km": lambda: figures.kaplan_meier(cohort(), published_medians(), OS),
        "forest": lambda: figures.forest(calibration()),
        "power": lambda: figures.power_curve(power_curve().query("cell == 'randomised_pfs'")),
        "oc": lambda: figures.operating_characteristics(operating_characteristics(), {"randomised_pfs": 0.025}),
        "occupancy": lambda: figures.occupancy(occupancy().query("time_zero == 'progression' and kind == 'state' and group == 'all'")),
    }


@pytest.mark.parametrize("name", ["km", "forest", "power", "oc", "occupancy"])
def test_same_table_same_figure_whatever_the_caller_set(name):
    first = drawings()[name]()
    with matplotlib.rc_context({"font.size": 23, "svg.hashsalt": "other", "svg.fonttype": "path", "axes.grid": True}):
        assert drawings()[name]() == first
        assert matplotlib.rcParams["font.size"] == 23
    assert Page(first).errors == []
    assert "http" not in first
    assert not re.search(r"\d{4}-\d\d-\d\dT", first)


@pytest.mark.parametrize("name", ["km", "forest", "power", "oc", "occupancy"])
def test_ids_carry_the_name_of_the_figure(name):
    page = Page(drawings()[name]())
    assert page.ids
    assert all(i.startswith(f"{name}-") for i in page.ids)
    assert {link[1:] for link in page.links} <= set(page.ids)


def product_limit_median(time, event):
    """The first time at which the product-limit estimate is at most one half, step by step."""
    survival = 1.0
    for t in sorted(set(time[event == 1])):
        survival *= 1 - np.sum((time == t) & (event == 1)) / np.sum(time >= t)
        if survival <= 0.5:
            return t
    return np.inf


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_medians_and_numbers_at_risk_are_the_plain_ones():
    data = cohort()
    shown = texts(figures.kaplan_meier(data, published_medians(), OS))
    ticks = [float(t) for t in shown[: shown.index("Months")]]
    assert ticks[0] == 0
    assert ticks[-1] == 24
    for group in ("all failures", "refractory at day 30", "others"):
        rows = data[(data["endpoint"] == OS) & (data["group"] == group)]
        time, event = rows["time"].to_numpy(), rows["event"].to_numpy()
        [label] = [t for t in shown if t.startswith(f"{group}: ")]
        # printed to one decimal
        assert float(label.split(": ")[1].split(";")[0]) == pytest.approx(product_limit_median(time, event), abs=0.0500001)
        end = shown.index(group)
        assert [int(t) for t in shown[end - len(ticks) : end]] == [np.sum(time >= t) for t in ticks]


def test_published_medians_and_intervals_are_printed():
    shown = " ".join(texts(figures.kaplan_meier(cohort(), published_medians(), OS)))
    for words in ("published 5.5 (4.6 to 6.6)", "published 2.9 (2.2 to 3.7)", "published 8 (6.2 to 10)"):
        assert words in shown
    assert "published 2.8" not in shown  # another endpoint


def test_a_curve_that_never_reaches_one_half():
    data = pd.DataFrame({"group": "long", "time": [5.0, 6.0, 7.0, 8.0], "event": [1, 0, 0, 0], "endpoint": "OS"})
    medians = published_medians().head(1).assign(endpoint="OS", group="long", ci_low=np.nan, ci_high=np.nan)
    shown = texts(figures.kaplan_meier(data, medians, "OS"))
    assert "long: not reached; published 5.5" in shown


def test_forest_shows_every_judged_figure_and_names_what_leaves_the_axis():
    shown = texts(figures.forest(calibration()))
    judged = calibration()[calibration()["difference_se"].notna()]
    assert set(judged["id"]) <= set(shown)
    assert "enrolment_range" not in shown
    assert "+9.4" in shown
    assert {"met", "within interval", "outside interval", "known contradiction"} <= set(shown)


def test_power_curve_names_target_size_and_interval():
    shown = set(texts(drawings()["power"]()))
    assert {"target power 0.8", "patients needed: 164", "95 % interval for n: 160 to 169", "Patients enrolled"} <= shown
    without = power_curve().drop(columns=["target_power", "n_required", "n_low", "n_high"]).query("cell == 'randomised_pfs'")
    assert not {t for t in texts(figures.power_curve(without)) if "target" in t or "needed" in t}


def test_no_rates_no_dots():
    sizes_only = operating_characteristics().query("metric == 'n'")
    assert figures.operating_characteristics(sizes_only) == ""


def contrast(one, other):
    """WCAG 2 contrast ratio of two colours."""

    def luminance(colour):
        c = np.array(matplotlib.colors.to_rgb(colour))
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    a, b = sorted((luminance(one), luminance(other)))
    return (b + 0.05) / (a + 0.05)


def test_words_stand_out_on_the_light_and_on_the_dark_page():
    css = (resources.files("sim.report") / "templates" / "report.css").read_text(encoding="utf-8")
    pages = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]]
    assert pages[0]["fig-ink"] == style.INK
    assert pages[0]["fig-muted"] == style.MUTED
    for colours in pages:
        # WCAG 2.1: 4.5 for text (1.4.3), 3 for marks (1.4.11)
        assert (
            min(contrast(colours[name], colours["page"]) for name in ("ink", "muted", "accent", "warn", "good", "fig-ink", "fig-muted"))
            >= 4.5
        )
        marks = [
            colours.get(f"fig-{name}", drawn)
            for name, drawn in (("blue", style.BLUE), ("vermilion", style.VERMILION), ("green", style.GREEN))
        ]
        assert min(contrast(mark, colours["page"]) for mark in marks) >= 3


def test_the_stack_of_states_names_each_state_and_ends_at_one():
    svg = drawings()["occupancy"]()
    assert {"Waiting (invented)", "Dead (invented)", "Months"} <= set(texts(svg))
    # nothing is drawn for a state that the table has not
    assert "Cured by CAR-T" not in texts(svg)
