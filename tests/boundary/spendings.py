"""The reference rows' names of spending functions."""

from sim.boundary.spending import HwangShihDeCani, KimDeMets, LanDeMetsOBrienFleming, LanDeMetsPocock


def named(name, parameter):
    """The spending function that lrstat, rpact or gsDesign calls by this name."""
    return {
        "sfLDOF": lambda: LanDeMetsOBrienFleming(),
        "sfOF": lambda: LanDeMetsOBrienFleming(),
        "sfLDPocock": lambda: LanDeMetsPocock(),
        "sfP": lambda: LanDeMetsPocock(),
        "sfHSD": lambda: HwangShihDeCani(parameter),
        "sfPower": lambda: KimDeMets(parameter),
        "sfKD": lambda: KimDeMets(parameter),
    }[name]()
