"""Scenarios: which populations a world holds, and their knobs.

A part is one population. Every knob has its unit in its name or in its line; defaults describe an ordinary log. Vary a
scenario with `dataclasses.replace`. A part's chance depends on the seed and on the part's place in the scenario alone,
so innocents stay the same when a knob of a campaign behind them changes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from gauger.errors import UsageError
from gauger.lab.attack_phrases import Language

Assignment = Literal["deal", "shard", "random", "rollouts"]
Timing = Literal["diurnal", "naive", "jittered"]


@dataclass(frozen=True, slots=True)
class ChatPersons:
    """Persons who chat: Dirichlet tastes over topics, own hours, retries, a style, conversations of several turns."""

    n: int
    label: str = "chat"
    taste: float = 0.3  # concentration of the Dirichlet: small = few topics a person
    retry_share: float = 0.12  # of exchanges that repeat the one before, verbatim or slightly edited
    styled_share: float = 0.4  # of persons who open or close with a phrase of their own
    foreign_share: float = 0.08  # of persons who write Chinese or Japanese
    shared_site: bool = False  # all behind one network (a NAT of strangers), each with an own card
    site_share: float = 0.8  # of sessions that come from that network
    weekly_exchanges: float | None = None  # an account; default: the scenario's


@dataclass(frozen=True, slots=True)
class Developers:
    """Developers who ask about one project each: its name and its files recur; some send tools."""

    n: int
    retry_share: float = 0.12
    tools_share: float = 0.3


@dataclass(frozen=True, slots=True)
class TemplateApps:
    """Customers with one fixed template around the words of their end users."""

    n: int
    keys: int = 1  # accounts of each customer, declared as one principal
    label: str = "app"
    weekly_exchanges: float | None = None  # an account; default: the scenario's
    system_share: float = 0.5  # of customers whose template stands in the system prompt
    from_week: int = 0  # the week of the log in which the template goes into use


@dataclass(frozen=True, slots=True)
class UndeclaredKeys:
    """One customer behind many accounts that declares none: one card, one office network, one client, one template."""

    keys: int = 40
    label: str = "undeclared_keys"
    limited_share: float = 0.0  # of requests that are limited (429), and sent again with another key within minutes


@dataclass(frozen=True, slots=True)
class PopularAgent:
    """Strangers who use one agent: its fixed prompt, frame and tools, around tasks of their own projects."""

    n: int
    release: bool = False  # in the tested stretch whole sentences of the prompt and of the frame change
    releases: tuple[int, ...] = ()  # days of the log, ascending, on which they change as well
    follows: bool = False  # the agent moves all of them to the new model within six hours of its release
    ci_share: float = 0.0  # of sessions of the tested stretch that run on a shared build service, never used before
    retry_share: float = 0.15
    weekly_exchanges: float | None = None  # an account; default: the scenario's


@dataclass(frozen=True, slots=True)
class EvaluationRuns:
    """Accounts that each run the same items of a suite through one public template, once in every run."""

    n: int = 3
    suite: str = "math"
    items: int = 300
    first_item: int = 0  # of the suite
    runs: tuple[int, ...] = (1, -1)  # weeks of the log; -1 is the last
    own: bool = False  # a template that no other suite has, in place of the public one


@dataclass(frozen=True, slots=True)
class ViralPrompt:
    """Persons of the world who, once in the tested stretch, paste the very same prompt."""

    accounts: int = 40


@dataclass(frozen=True, slots=True)
class ViralTemplate:
    """Persons of the world who, once in the tested stretch, fill the same frame, each with a fill of their own."""

    accounts: int = 40


@dataclass(frozen=True, slots=True)
class UniversityClass:
    """Students behind one network with one assignment: its text and a question of their own, several times."""

    n: int = 60
    site_share: float = 0.85  # of sessions that come from the campus
    one_card: bool = False  # the university pays for all
    asks: int = 5  # about the assignment in the tested stretch, a student's mean, retries apart
    retry_share: float = 0.2


@dataclass(frozen=True, slots=True)
class Countermeasures:
    """What a campaign does so as not to be found. As it stands, nothing."""

    paraphrase: float = (
        0.0  # chance that a sentence of the wrapping is worded anew for a request; 1 = all, in any order
    )
    languages: tuple[Language, ...] = ("en",)  # of the wrapping, one a request at random
    rotation_days: float | None = None  # the wrappings take turns of so many days; default: one at random each time
    own_wrapping: bool = False  # every account keeps to one of the wrappings
    retry_share: float = 0.0  # of hostile exchanges that are sent again within minutes, edited, as persons do
    decoys: int = 0  # viral prompts that every account sends once in the tested stretch, the same in all
    poisoned_share: float = 0.0  # of the tested stretch's hostile volume, sent in history too; seasoned accounts only
    providers: int = 1  # the list is dealt over so many; this log is one's
    greeting: Literal["none", "made_up", "sent"] = "none"  # before each hostile request; only sent ones are in the log

    def __post_init__(self) -> None:
        for knob in ("paraphrase", "retry_share", "poisoned_share"):
            if not 0 <= getattr(self, knob) <= 1:
                raise UsageError(f"{knob} is {getattr(self, knob)}", todo="choose a share from 0 to 1")
        if not self.languages or self.providers < 1 or self.decoys < 0:
            raise UsageError("a campaign needs a language and a provider, and no negative number of decoys")
        if self.rotation_days is not None and self.rotation_days <= 0:
            raise UsageError(f"rotation_days is {self.rotation_days}", todo="choose more than 0")

    @property
    def is_reworded(self) -> bool:
        """Whether wrappings come from the wordings rather than from the fixed sentences."""
        return self.paraphrase > 0 or self.languages != ("en",)


@dataclass(frozen=True, slots=True)
class Campaign:
    """Accounts that send disjoint slices of one list, hidden in cover traffic.

    `hostile_each`, where given, replaces `share`: exactly so many hostile exchanges an account in the tested stretch.
    With `begins="older"` the campaign runs through the whole log at the same weekly pace. Other attacks are made of
    campaigns: their knobs hold there too.
    """

    name: str = "campaign"
    n: int = 30
    exchanges: float = 60.0  # an account's mean in a stretch of seven days, cover and hostile
    share: float = 1.0  # of an account's exchanges that are hostile
    hostile_each: int | None = None
    list_name: str = "coding"
    assignment: Assignment = "deal"
    rollouts: int = 4  # requests an item, with assignment "rollouts"
    wrappers: int = 1  # distinct wrappings of an item, of 5 x 5 x 5 sentences; 0 = the bare item
    wrapper_in_system: bool = False
    begins: Literal["tested", "older"] = "tested"
    timing: Timing = "diurnal"  # as persons; at a constant rate, by chance; in rounds that all accounts share
    payment_share: float = 0.5  # of accounts paid with the campaign's cards
    cards: int = 1
    network_share: float = 0.0  # of accounts that come from one /24
    signups: Literal["fresh", "seasoned"] = "fresh"  # within ten days before it begins, or as everybody
    more_lists: tuple[str, ...] = ()  # shuffled in with the first; places of items count on from it
    jitter_s: float = 60.0  # mean delay after the round's begin, with timing "jittered"
    pivot_share: float = 0.0  # of accounts that move to the new model within a day of its release; the others never
    plan: str | None = None  # of all accounts; default: as everybody
    one_client: bool = False  # all accounts send one SDK's user agent
    with_tools: bool = False  # hostile requests offer the campaign's tools
    wrapper_as_suffix: bool = False  # the whole wrapping stands behind the item, as something injects it
    later_turns: int = 0  # of an agent's conversation, behind each hostile exchange: results of tools
    limited_share: float = 0.0  # of hostile requests that are limited (429), besides those that fail by chance
    handed_on_share: float = 1.0  # of the limited ones that another of the accounts sends again
    handed_on_s: float = 120.0  # seconds after which it does, on average
    countermeasures: Countermeasures = Countermeasures()

    def __post_init__(self) -> None:
        if not 0 <= self.wrappers <= 125:
            raise UsageError(f"{self.wrappers} wrappers were asked for", where=self.name, todo="choose 0 to 125")
        for knob, value in (
            ("share", self.share),
            ("payment_share", self.payment_share),
            ("network_share", self.network_share),
            ("pivot_share", self.pivot_share),
            ("limited_share", self.limited_share),
            ("handed_on_share", self.handed_on_share),
        ):
            if not 0 <= value <= 1:
                raise UsageError(f"{knob} is {value}", where=self.name, todo="choose a share from 0 to 1")
        if min(self.n, self.cards, self.rollouts, self.later_turns + 1) < 1:
            raise UsageError("accounts, cards and rollouts must be 1 or more, later turns 0 or more", where=self.name)
        for knob, seconds in (("jitter_s", self.jitter_s), ("handed_on_s", self.handed_on_s)):
            if seconds < 0:
                raise UsageError(f"{knob} is {seconds}", where=self.name, todo="choose 0 or more")
        if self.countermeasures.poisoned_share > 0 and self.signups == "fresh":
            raise UsageError(
                "accounts that sign up afresh send nothing in history", where=self.name, todo='set signups="seasoned"'
            )

    @property
    def lists(self) -> tuple[str, ...]:
        """Names of all its lists."""
        return (self.list_name, *self.more_lists)


@dataclass(frozen=True, slots=True)
class MixedPathways:
    """One campaign through several doors: each pathway has its own kind of account, list, wrapping and client.

    The pathways' own names do not count. Items are numbered through all lists, each list once.
    """

    name: str = "pathways"
    pathways: tuple[Campaign, ...] = (Campaign(),)

    def __post_init__(self) -> None:
        if not self.pathways:
            raise UsageError("a campaign needs a pathway", where=self.name)


class _OfPool:
    """An attack that is called after its pool."""

    __slots__ = ()
    pool: Campaign

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.pool.name


@dataclass(frozen=True, slots=True)
class PoolFailover(_OfPool):
    """A campaign whose accounts are banned in the tested stretch, and a second pool that goes on with the list.

    Before the ban come requests that are limited (429), after it some that are refused (403); the second pool sends
    their items again.
    """

    pool: Campaign = Campaign(name="failover", wrapper_as_suffix=True)
    second_n: int = 20  # accounts of the second pool; they sign up after the ban
    second_cards: bool = True  # the second pool has cards of its own
    banned_day: float = 3.0  # of the tested stretch, when the ban of the first pool begins
    ban_spread_h: float = 2.0  # hours over which the first pool's accounts are banned
    takeover_h: float = 6.0  # hours from the ban's begin to the second pool's first hostile exchange
    refused_each: int = 2  # requests of an account that are limited before its ban, and as many refused after it

    def __post_init__(self) -> None:
        if self.second_n < 1 or self.refused_each < 0:
            raise UsageError("a second pool needs accounts, and no negative number of refusals", where=self.name)
        if min(self.banned_day, self.ban_spread_h, self.takeover_h) < 0:
            raise UsageError("times of a ban are 0 or more", where=self.name)


@dataclass(frozen=True, slots=True)
class ServeAndHarvest(_OfPool):
    """A service that answers its own users with another's model and keeps the dialogues: every exchange is hostile.

    Of the pool's knobs those about accounts hold; the list, the wrapping and the countermeasures do not. The place in
    the list is the dialogue's number, in order of time.
    """

    pool: Campaign = Campaign(name="serve-and-harvest", payment_share=0.0)
    end_users: int = 300  # persons behind the service
    harness: Literal["popular", "own", "none"] = "popular"  # prompt and tools left in: a popular agent's, unique, none
    sticky_s: float = 3_600.0  # a conversation stays so long on one account

    def __post_init__(self) -> None:
        _check_relay(self.end_users, self.sticky_s, where=self.name)


@dataclass(frozen=True, slots=True)
class Reseller(_OfPool):
    """Accounts that honest end users share through a relay, and a list dealt over the same accounts.

    The pool's `share` is the part of every account's traffic that is hostile; `hostile_each` and `poisoned_share` do
    not hold. Honest exchanges have the class "relay_user".
    """

    pool: Campaign = Campaign(name="reseller", n=200, share=0.05, one_client=True, payment_share=0.0)
    end_users_each: float = 4.0  # honest persons to an account, on average
    sticky_s: float = 3_600.0  # a conversation stays so long on one account

    def __post_init__(self) -> None:
        _check_relay(self.end_users, self.sticky_s, where=self.name)

    @property
    def end_users(self) -> int:
        """Honest persons behind all accounts."""
        return round(self.end_users_each * self.pool.n)


def _check_relay(end_users: int, sticky_s: float, *, where: str) -> None:
    if end_users < 1 or sticky_s <= 0:
        raise UsageError("a relay needs end users, and sessions longer than nothing", where=where)


@dataclass(frozen=True, slots=True)
class Probe(_OfPool):
    """Varied tries to draw out reasoning, mostly refused, and then the one that worked around a whole list.

    Tries have the places 0 to tries - 1, the list's items those behind. The pool sends the list once the tries are
    over, in the wrapping of the winner: knobs of its wrapping and countermeasures against likeness do not hold.
    """

    pool: Campaign = Campaign(name="probe", wrappers=0)
    tries: int = 12_000
    explorers: int = 20  # accounts that try, beside the pool
    refused_share: float = 0.95  # of tries, with HTTP 400
    explore_days: float = 3.0  # from the tested stretch's begin

    def __post_init__(self) -> None:
        if self.tries < 1 or self.explorers < 1 or self.explore_days <= 0:
            raise UsageError("a probe needs tries, accounts and days", where=self.name)
        if not 0 <= self.refused_share < 1:
            raise UsageError(f"refused_share is {self.refused_share}", where=self.name, todo="choose 0 to under 1")


@dataclass(frozen=True, slots=True)
class ReplayedReasoning(_OfPool):
    """A campaign that sends reasoning blocks of its answers again, from other accounts, to have them written out.

    A replay is a later turn of a conversation that another account began; it carries the item's number and the block.
    """

    pool: Campaign = Campaign(name="replay")
    replayed_share: float = 0.3  # of the hostile exchanges whose block is replayed
    tries: int = 2  # accounts that replay a block
    within_h: float = 12.0  # hours over which they do

    def __post_init__(self) -> None:
        if not 0 <= self.replayed_share <= 1:
            raise UsageError(f"replayed_share is {self.replayed_share}", where=self.name, todo="choose 0 to 1")
        if self.tries < 1 or self.within_h <= 0:
            raise UsageError("a replay needs tries and hours", where=self.name)


@dataclass(frozen=True, slots=True)
class CompromisedKeys(_OfPool):
    """Persons of the world whose keys somebody else uses for some days, from elsewhere and with another client.

    It overlays persons, so it comes after them. Of the pool's knobs `n`, `hostile_each` and those of the list and the
    wrapping hold.
    """

    pool: Campaign = Campaign(name="compromised", n=15, hostile_each=8)
    days: float = 4.0  # the stolen keys are in use, somewhere in the tested stretch
    proxies: bool = False  # every exchange comes from some home, in place of one network for all

    def __post_init__(self) -> None:
        if self.pool.hostile_each is None or self.days <= 0:
            raise UsageError("stolen keys need hostile_each and days", where=self.name)


Attack = (
    Campaign | MixedPathways | PoolFailover | ServeAndHarvest | Reseller | Probe | ReplayedReasoning | CompromisedKeys
)


@dataclass(frozen=True, slots=True)
class Born:
    """A part that comes into the world on a day of the log, perhaps before its first, and lives for some weeks.

    The part sees a log of its own that begins on that day and is tested as a whole.
    """

    part: "Population"
    weeks: int
    at_day: int


Population = (
    ChatPersons
    | Developers
    | TemplateApps
    | UndeclaredKeys
    | PopularAgent
    | EvaluationRuns
    | ViralPrompt
    | ViralTemplate
    | UniversityClass
    | Campaign
    | Born
    | Attack
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world's make: populations in order, and the log's length in whole weeks.

    Attributes
    ----------
    name
        Its name in the registry.
    parts
        Populations; those that overlay others (`ViralPrompt`, `ViralTemplate`) come after the persons.
    start
        First instant of the log, UTC.
    history_weeks, tested_weeks
        The tested stretch is the end of the log.
    weekly_exchanges
        Mean of an ordinary account's exchanges in a week.
    text_days
        Where above 0, innocents' texts are dealt to this many days by turns, so that nothing is asked anew within so
        many days but what is popular or an account's own repetition: every day is as new as every other. At 0 the
        tested stretch alone has texts of its own.
    release_at
        Where in the log the one model release lies, as a share of its length.
    roaming_days
        Where above 0, everybody's home network becomes another after so many days on average: dynamic addresses.
    reasoning_share
        Share of the accounts, innocent or not, whose answers come with a signed reasoning block. The exchanges of a
        conversation carry its first one.
    """

    name: str
    parts: tuple[Population, ...]
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    history_weeks: int = 4
    tested_weeks: int = 1
    weekly_exchanges: float = 60.0
    text_days: int = 0
    release_at: float = 0.45
    roaming_days: float = 0.0
    reasoning_share: float = 0.0

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise UsageError("the start has no time zone", where=f"scenario {self.name}", todo="give it in UTC")
        if self.history_weeks < 0 or self.tested_weeks < 1:
            raise UsageError("a log needs a tested week and no negative history", where=f"scenario {self.name}")

    @property
    def weeks(self) -> int:
        """Weeks of the whole log."""
        return self.history_weeks + self.tested_weeks

    @property
    def campaigns(self) -> tuple[Attack, ...]:
        """The campaigns among the parts, of every kind."""
        return tuple(part for part in self.parts if isinstance(part, Attack))


_ORDINARY: Final[tuple[Population, ...]] = (
    ChatPersons(n=170),
    Developers(n=45),
    TemplateApps(n=50),
    TemplateApps(n=3, keys=4),
)

_CITY: Final[tuple[Population, ...]] = (*_ORDINARY, PopularAgent(n=30))
_HARVESTERS: Final = Campaign(name="serve-and-harvest", n=60, network_share=0.3, payment_share=0.0)

#: The scenarios by name.
SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="demo",
            parts=(
                ChatPersons(n=140),
                Developers(n=35),
                TemplateApps(n=30),
                TemplateApps(n=2, keys=5),
                PopularAgent(n=120),
                EvaluationRuns(n=2, items=120),
                ViralTemplate(accounts=40),
                Campaign(name="demo", exchanges=34.0, share=0.2),
            ),
            weekly_exchanges=34.0,
        ),
        Scenario(
            name="quiet",
            parts=(
                *_ORDINARY,
                PopularAgent(n=40),
                EvaluationRuns(),
                UndeclaredKeys(keys=12),
                UniversityClass(n=25),
                ViralPrompt(),
                ViralTemplate(),
            ),
        ),
        Scenario(
            name="quiet-large",
            parts=(
                *_ORDINARY,
                PopularAgent(n=2_000, release=True, weekly_exchanges=15.0),
                EvaluationRuns(n=5, items=1_000),
                TemplateApps(n=1, keys=200, label="declared_keys"),
                UndeclaredKeys(),
                ChatPersons(n=500, label="nat", shared_site=True, weekly_exchanges=20.0),
                UniversityClass(),
                ViralPrompt(),
                ViralTemplate(),
            ),
        ),
        Scenario(
            name="quiet-release",
            parts=(
                *_ORDINARY,
                PopularAgent(n=30, follows=True, release=True),
                PopularAgent(n=60, follows=True, release=True),
                PopularAgent(n=30, ci_share=0.4, release=True),
                PopularAgent(n=60, ci_share=0.4, release=True),
                EvaluationRuns(),
                UniversityClass(n=25),
                ViralPrompt(),
                ViralTemplate(),
            ),
            release_at=0.85,
            roaming_days=10.0,
        ),
        Scenario(name="pool", parts=(*_ORDINARY, PopularAgent(n=30), Campaign(name="pool"))),
        Scenario(
            name="one-each",
            parts=(
                *_ORDINARY,
                PopularAgent(n=30),
                ViralTemplate(),
                Campaign(name="one-each", hostile_each=1, payment_share=0.0, signups="seasoned"),
            ),
        ),
        Scenario(
            name="old-campaign",
            parts=(
                *_ORDINARY,
                PopularAgent(n=30),
                Campaign(
                    name="old",
                    n=60,
                    exchanges=44.0,
                    hostile_each=22,
                    list_name="tool_traces",
                    begins="older",
                    signups="seasoned",
                ),
            ),
        ),
        # Changes of behaviour with nothing else shared.
        Scenario(
            name="pivot-alone",
            parts=(
                *_CITY,
                ChatPersons(n=1_200, weekly_exchanges=20.0),
                Campaign(
                    name="pivot-alone",
                    n=60,
                    share=0.6,
                    list_name="agentic",
                    more_lists=("tool_traces",),
                    with_tools=True,
                    pivot_share=0.5,
                    payment_share=0.0,
                ),
            ),
            release_at=0.87,
        ),
        Scenario(
            name="compromised-proxies",
            parts=(
                *_CITY,
                CompromisedKeys(pool=Campaign(name="compromised-proxies", n=15, hostile_each=8), proxies=True),
            ),
            roaming_days=15.0,
        ),
        Scenario(
            name="replay",
            parts=(
                *_CITY,
                ReplayedReasoning(
                    pool=Campaign(name="replay", n=40, share=0.5, list_name="reasoning", payment_share=0.0)
                ),
            ),
            reasoning_share=0.4,
        ),
        # The twelve of the threat survey, in its order (docs/explanation/simulator.md).
        Scenario(
            name="synchronised",
            parts=(
                *_CITY,
                Campaign(
                    name="synchronised",
                    n=60,
                    share=0.5,
                    list_name="reasoning",
                    more_lists=("grading",),
                    timing="jittered",
                    payment_share=0.6,
                    cards=3,
                ),
            ),
        ),
        Scenario(
            name="pathways",
            parts=(
                *_CITY,
                MixedPathways(
                    pathways=(
                        Campaign(n=80, exchanges=20.0, share=0.5, plan="pro", list_name="coding"),
                        Campaign(
                            n=60,
                            exchanges=20.0,
                            share=0.6,
                            plan="api",
                            list_name="agentic",
                            one_client=True,
                            with_tools=True,
                            wrapper_in_system=True,
                        ),
                        Campaign(
                            n=50, exchanges=20.0, share=0.6, plan="team", list_name="tool_traces", signups="seasoned"
                        ),
                        Campaign(n=40, exchanges=20.0, share=0.5, plan="free", list_name="vision", payment_share=0.0),
                    ),
                ),
            ),
        ),
        Scenario(
            name="pivot",
            parts=(
                *_CITY,
                Campaign(
                    name="pivot",
                    n=60,
                    share=0.6,
                    list_name="agentic",
                    more_lists=("tool_traces",),
                    with_tools=True,
                    pivot_share=0.5,
                ),
            ),
            release_at=0.87,
        ),
        Scenario(
            name="failover",
            parts=(
                *_CITY,
                PoolFailover(
                    pool=Campaign(name="failover", n=40, list_name="reasoning", wrapper_as_suffix=True, timing="naive"),
                    second_n=25,
                ),
            ),
        ),
        Scenario(name="serve-and-harvest", parts=(*_CITY, ServeAndHarvest(pool=_HARVESTERS))),
        Scenario(
            name="cleaner",
            parts=(
                *_CITY,
                Campaign(
                    name="cleaner", n=25, exchanges=80.0, list_name="trace_cleaning", more_lists=("grading",), cards=2
                ),
            ),
        ),
        Scenario(
            name="probe",
            parts=(*_CITY, Probe(pool=Campaign(name="probe", n=40, share=0.8, list_name="reasoning", wrappers=0))),
        ),
        Scenario(
            name="reseller",
            parts=(
                *_CITY,
                Reseller(
                    pool=Campaign(
                        name="reseller",
                        n=200,
                        exchanges=40.0,
                        share=0.05,
                        list_name="reasoning",
                        one_client=True,
                        payment_share=0.0,
                        signups="seasoned",
                    )
                ),
            ),
        ),
        Scenario(name="compromised", parts=(*_CITY, CompromisedKeys())),
        Scenario(
            name="providers",
            parts=(
                *_CITY,
                Campaign(
                    name="providers",
                    n=60,
                    share=0.6,
                    list_name="reasoning",
                    countermeasures=Countermeasures(providers=3),
                ),
            ),
        ),
        Scenario(
            name="patient",
            parts=(
                *_CITY,
                Campaign(
                    name="patient",
                    n=150,
                    exchanges=12.0,
                    hostile_each=2,
                    list_name="reasoning",
                    begins="older",
                    signups="seasoned",
                    payment_share=0.0,
                ),
            ),
        ),
        Scenario(
            name="paraphrase",
            parts=(
                *_CITY,
                Campaign(
                    name="paraphrase",
                    n=40,
                    share=0.5,
                    wrappers=20,
                    countermeasures=Countermeasures(paraphrase=1.0, languages=("en", "zh", "ja")),
                ),
            ),
        ),
    )
}
