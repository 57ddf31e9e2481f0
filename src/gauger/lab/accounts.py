"""Accounts: who they are to the operator, and where they come from.

Every address is of a range that belongs to nobody: 10.0.0.0/8 and 172.16.0.0/12 (private), 198.18.0.0/15 (benchmark),
2001:db8::/32 (documentation). Mail addresses lie under example.com; some have a disposable domain of the public list.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from disposable_email_domains import blocklist
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.lab.clock import HOUR_S, weekly_profile
from gauger.lab.pools import NOTHING, Floats, Ints, Texts

Bools = NDArray[np.bool_]

DAY_S: Final = 24 * HOUR_S

#: Network numbers: homes (IPv4, then the same number as IPv6), popular networks, sites.
N_HOMES: Final = 65_536
POPULAR: Final = 200_000
SITES: Final = 300_000
N_POPULAR: Final = 320
_POPULARITY: Final = np.arange(1, N_POPULAR + 1) ** -1.1 / np.sum(np.arange(1, N_POPULAR + 1) ** -1.1)

#: Shares of ordinary accounts (declared, not measured).
IPV6_SHARE: Final = 0.3
POPULAR_HOME_SHARE: Final = 0.12
FAMILY_SHARE: Final = 0.03
DISPOSABLE_SHARE: Final = 0.04
RECENT_SHARE: Final = 0.06
SUSPENDED_SHARE: Final = 0.003

MODELS: Final = ("atlas-mini", "atlas-large", "atlas-code")
SUCCESSOR: Final = {"atlas-large": "atlas-large-2"}
PROVIDER: Final = "atlas"

PLANS: Final = np.array(["free", "pro", "team", "api"], dtype=object)
TIERS: Final = np.array([None, "email", "card", "identity"], dtype=object)
USES: Final = np.array([None, "product", "research", "education", "evaluation"], dtype=object)
REGIONS: Final = np.array(["BR", "CN", "DE", "FR", "GB", "IN", "JP", "KR", "SG", "US"], dtype=object)
_DISPOSABLE: Final = np.array(sorted(blocklist)[::40], dtype=object)

BROWSERS: Final = np.array(
    [
        f"Mozilla/5.0 ({system}) {engine}/{version}.0"
        for system in (
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 14_5",
            "X11; Linux x86_64",
            "iPhone; CPU iPhone OS 18_1",
        )
        for engine in ("Chrome", "Firefox", "Safari")
        for version in (138, 139, 140, 141)
    ],
    dtype=object,
)
CLIENTS: Final = np.array(
    [
        f"{client}/{version}"
        for client in ("atlas-python", "atlas-node", "atlas-go", "python-httpx", "okhttp")
        for version in ("1.4.0", "1.5.2", "1.6.1", "1.7.0", "2.0.3")
    ],
    dtype=object,
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The accounts of one population; every array has one entry an account.

    Attributes
    ----------
    account_id, principal_id, organisation_id, api_key_id, label, campaign, payment, email, plan, tier, use, region
        object, strings or None.
    user_agent, model
        object, the account's habit.
    temperature
        float64, NaN where the client sends none.
    signed_up_s, suspended_s
        float64, seconds since the start of the log; infinite where never.
    adopts_s
        float64, when the account moves to a successor of its model.
    home, away
        int64, network numbers.
    home_share
        float64, share of sessions from home.
    rate
        float64, mean exchanges in a week.
    profile
        float64[n, 168], hour 0 is Monday 00:00 UTC.
    """

    account_id: Texts
    principal_id: Texts
    organisation_id: Texts
    api_key_id: Texts
    label: Texts
    campaign: Texts
    payment: Texts
    email: Texts
    plan: Texts
    tier: Texts
    use: Texts
    region: Texts
    user_agent: Texts
    model: Texts
    temperature: Floats
    signed_up_s: Floats
    suspended_s: Floats
    adopts_s: Floats
    home: Ints
    away: Ints
    home_share: Floats
    rate: Floats
    profile: Floats

    def __len__(self) -> int:
        return len(self.account_id)


def tokens(prefix: str, n: int, *, rng: np.random.Generator) -> Texts:
    """Return n identifiers: the prefix and 13 hexadecimal digits, object[n]."""
    return np.array([f"{prefix}{number:013x}" for number in rng.integers(0, 2**52, n).tolist()], dtype=object)


def ordinary(
    n: int, *, label: str, rate: float, first_home: int, log_s: float, rng: np.random.Generator, floor: float = 0.0
) -> Cast:
    """Return ordinary accounts, each of its own owner.

    Parameters
    ----------
    n
        Accounts.
    label
        Their class in the truth.
    rate
        Mean exchanges in a week; an account's own is lognormal around it (sigma 0.5).
    first_home
        Number of the first account's home network: accounts of a world have distinct ones.
    log_s
        Length of the log.
    rng
        Source of chance.
    floor
        Share of the activity that is spread evenly over the week.
    """
    if first_home + n > N_HOMES:
        raise UsageError(f"a world holds at most {N_HOMES} accounts", todo="make its populations smaller")
    plan = rng.choice(PLANS, n, p=[0.2, 0.35, 0.15, 0.3])
    payment = _families(tokens("card-", n, rng=rng), rng=rng)
    programmatic = plan == "api"
    return Cast(
        account_id=tokens("acct-", n, rng=rng),
        principal_id=tokens("cust-", n, rng=rng),
        organisation_id=np.where(plan == "team", tokens("org-", n, rng=rng), NOTHING),
        api_key_id=tokens("key-", n, rng=rng),
        label=_same(label, n),
        campaign=_same(None, n),
        payment=np.where(plan == "free", NOTHING, payment),
        email=_emails(n, rng=rng),
        plan=plan,
        tier=rng.choice(TIERS, n, p=[0.1, 0.4, 0.4, 0.1]),
        use=rng.choice(USES, n, p=[0.7, 0.2, 0.04, 0.05, 0.01]),
        region=rng.choice(REGIONS, n),
        user_agent=np.where(programmatic, rng.choice(CLIENTS, n), rng.choice(BROWSERS, n)),
        model=rng.choice(np.array(MODELS, dtype=object), n, p=[0.4, 0.45, 0.15]),
        temperature=np.where(programmatic & (rng.random(n) < 0.6), np.round(rng.uniform(0, 1, n), 1), np.nan),
        signed_up_s=np.where(rng.random(n) < RECENT_SHARE, rng.uniform(0, log_s, n), -rng.exponential(200 * DAY_S, n)),
        suspended_s=np.where(rng.random(n) < SUSPENDED_SHARE, rng.uniform(0.2, 1, n) * log_s, np.inf),
        adopts_s=rng.exponential(10 * DAY_S, n),
        home=_homes(n, first_home=first_home, rng=rng),
        away=POPULAR + rng.choice(N_POPULAR, n, p=_POPULARITY),
        home_share=rng.beta(5, 1.6, n),
        rate=rate * rng.lognormal(-0.125, 0.5, n),
        profile=weekly_profile(n, rng=rng, floor=floor),
    )


def concatenate(casts: Sequence[Cast]) -> Cast:
    """Return the accounts of all casts, in order."""
    return Cast(**{field.name: np.concatenate([getattr(cast, field.name) for cast in casts]) for field in fields(Cast)})


def addresses(network: Ints, host: Ints) -> list[str]:
    """Return the text of each address; `network` as in `Cast.home`, `host` 1 to 254 in it."""
    return [_address(number, machine) for number, machine in zip(network.tolist(), host.tolist(), strict=True)]


def _address(network: int, host: int) -> str:
    if network >= SITES:
        site = network - SITES
        return f"172.{16 + site // 256 % 16}.{site % 256}.{host}"
    if network >= POPULAR:
        popular = network - POPULAR
        return f"198.{18 + popular // 256}.{popular % 256}.{host}"
    if network >= N_HOMES:
        return f"2001:db8:{network - N_HOMES:x}::{host:x}"
    return f"10.{network // 256}.{network % 256}.{host}"


def _same(value: object, n: int) -> Texts:
    return np.full(n, value, dtype=object)


def _homes(n: int, *, first_home: int, rng: np.random.Generator) -> Ints:
    # Multiplying by an odd number is a bijection modulo 2^16: neighbours in the cast are no neighbours in the network.
    number = (first_home + np.arange(n)) * 40_503 % N_HOMES + np.where(rng.random(n) < IPV6_SHARE, N_HOMES, 0)
    popular = POPULAR + rng.choice(N_POPULAR, n, p=_POPULARITY)
    return np.where(rng.random(n) < POPULAR_HOME_SHARE, popular, number)


def _families(payment: Texts, *, rng: np.random.Generator) -> Texts:
    """Return the cards with a few shared by two or three accounts: families and small companies."""
    shared = payment.copy()
    members = rng.permutation(len(payment))[: round(FAMILY_SHARE * len(payment))]
    start = 0
    while start < len(members):
        size = int(rng.integers(2, 4))
        family = members[start : start + size]
        shared[family] = payment[family[0]]
        start += size
    return shared


def _emails(n: int, *, rng: np.random.Generator) -> Texts:
    domains = np.array(
        [f"mail{number}.example.com" for number in range(12)] + ["example.org", "example.net"], dtype=object
    )
    domain = np.where(rng.random(n) < DISPOSABLE_SHARE, rng.choice(_DISPOSABLE, n), rng.choice(domains, n))
    return tokens("u", n, rng=rng) + "@" + domain
