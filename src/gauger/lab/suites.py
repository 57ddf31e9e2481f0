"""Suites: the worlds that a benchmark is made of, by name."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from gauger.lab.scenarios import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    Developers,
    PopularAgent,
    Population,
    Scenario,
    TemplateApps,
    ViralPrompt,
    ViralTemplate,
)

#: What a power curve is drawn over: hostile share of an account's exchanges, accounts, hostile exchanges an account.
Axis = Literal["share", "accounts", "requests"]

#: Lists that campaigns deal out, by turns of the seed.
LISTS: Final = ("tool_traces", "coding")


@dataclass(frozen=True, slots=True)
class Point:
    """A cell's place on a power curve: the axis, which line, and where on the axis."""

    axis: Axis
    series: str
    x: float


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of world.

    Attributes
    ----------
    name
        Words parted by "/", unique in the suite; an exported world lies in folders of these names.
    scenario
        Its make.
    rotates
        Whether the campaign's list goes by turns of the seed through `LISTS`.
    points
        Its places on power curves.
    """

    name: str
    scenario: Scenario
    rotates: bool = False
    points: tuple[Point, ...] = ()

    def scenario_of(self, seed: int) -> Scenario:
        """Return the scenario of one seed's world."""
        if not self.rotates:
            return self.scenario
        return _with(self.scenario, list_name=LISTS[seed % len(LISTS)])


@dataclass(frozen=True, slots=True)
class Suite:
    """Kinds of worlds that are run together, and how many seeds of each unless told otherwise."""

    name: str
    meaning: str
    seeds: int
    cells: tuple[Cell, ...]


def _with(scenario: Scenario, **knobs: object) -> Scenario:
    """Return a scenario with its campaigns' knobs changed."""
    parts = [replace(part, **knobs) if isinstance(part, Campaign) else part for part in scenario.parts]  # type: ignore[arg-type]
    return replace(scenario, parts=tuple(parts))


def _beside_viral(name: str, **knobs: object) -> Scenario:
    """Return a named scenario with its campaign's knobs changed, a viral prompt and a viral template before it."""
    scenario = _with(SCENARIOS[name], **knobs)
    others = [part for part in scenario.parts if not isinstance(part, Campaign)]
    overlays: list[Population] = [ViralPrompt(), ViralTemplate()]
    missing = [one for one in overlays if type(one) not in map(type, others)]
    return replace(scenario, parts=(*others, *missing, *scenario.campaigns))


def _shared(what: str) -> dict[str, float]:
    """Return the knobs of a campaign half of whose accounts share a card, a network, or nothing."""
    return {"payment_share": 0.5 * (what == "payment"), "network_share": 0.5 * (what == "network")}


#: Lines of power curves: what half of the campaign's accounts share.
LINES: Final = {"payment": "half on one card", "network": "half on one network", "nothing": "nothing shared"}


def _pool(share: float, shared: str) -> Cell:
    scenario = _beside_viral("pool", share=share, **_shared(shared))
    return Cell(f"pool/{share:g}/{shared}", scenario, rotates=True, points=(Point("share", LINES[shared], share),))


def _wrapped(share: float) -> Cell:
    scenario = _beside_viral("pool", share=share, wrappers=125)
    points = (Point("share", f"{LINES['payment']}, 125 wrappers", share),)
    return Cell(f"pool/{share:g}/payment/125-wrappers", scenario, rotates=True, points=points)


def quiet_scenario() -> Scenario:
    """Return the large quiet world, its agent and its NAT sending less each so that a hundred worlds can be run."""
    parts = [
        replace(part, weekly_exchanges=6.0)
        if isinstance(part, PopularAgent)
        else replace(part, weekly_exchanges=10.0)
        if isinstance(part, ChatPersons) and part.shared_site
        else part
        for part in SCENARIOS["quiet-large"].parts
    ]
    return replace(SCENARIOS["quiet-large"], parts=tuple(parts))


def _detection() -> tuple[Cell, ...]:
    shares = (1.0, 0.5, 0.2, 0.1, 0.05)
    return (
        *(_pool(share, shared) for share in shares for shared in ("payment", "network")),
        *(_wrapped(share) for share in (0.2, 0.05)),
        *(_pool(share, "nothing") for share in shares),
        Cell("one-each/nothing", _beside_viral("one-each")),
        *(
            Cell(f"old/0.5/{shared}", _beside_viral("old-campaign", **_shared(shared)))
            for shared in ("payment", "network", "nothing")
        ),
    )


def _sized(n: int) -> Cell:
    scenario = _beside_viral("pool", n=n, hostile_each=6)
    return Cell(f"accounts/{n}", scenario, rotates=True, points=(Point("accounts", LINES["payment"], n),))


def _each(n: int) -> Cell:
    scenario = _beside_viral("pool", hostile_each=n)
    return Cell(f"requests/{n}", scenario, rotates=True, points=(Point("requests", LINES["payment"], n),))


def _small(name: str, *parts: Population) -> Scenario:
    """Return a world of a few thousand exchanges."""
    return Scenario(name=name, parts=(*_FEW, *parts), history_weeks=2, weekly_exchanges=25.0)


_FEW: Final = (ChatPersons(n=60), Developers(n=10), TemplateApps(n=10), PopularAgent(n=25), ViralTemplate(accounts=20))


def _small_pool(share: float) -> Cell:
    campaign = Campaign(name="pool", n=20, exchanges=25.0, share=share)
    return Cell(f"pool/{share:g}", _small("smoke-pool", campaign), points=(Point("share", LINES["payment"], share),))


#: The suites by name.
SUITES: Final[dict[str, Suite]] = {
    suite.name: suite
    for suite in (
        Suite(
            name="smoke",
            meaning="Small worlds, a minute or two: does it run, is a plain campaign found?",
            seeds=3,
            cells=(Cell("quiet", _small("smoke-quiet")), *(_small_pool(share) for share in (0.5, 0.2, 0.1))),
        ),
        Suite(
            name="detection",
            meaning="Pools hidden in cover traffic, rotated wrappers, one exchange each, campaigns older than the log.",
            seeds=10,
            cells=_detection(),
        ),
        Suite(
            name="power",
            meaning="Pools of more and of fewer accounts, and of more and fewer hostile exchanges each.",
            seeds=10,
            cells=(*(_sized(n) for n in (5, 10, 20, 40)), *(_each(n) for n in (1, 2, 3, 6, 12))),
        ),
        Suite(
            name="quiet",
            meaning="Large worlds without a campaign: every alarm is a false one.",
            seeds=100,
            cells=(Cell("quiet", quiet_scenario()),),
        ),
    )
}
