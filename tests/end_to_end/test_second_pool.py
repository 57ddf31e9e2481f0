"""A second pool of accounts that takes over after a ban is the same finding by the next night's scan."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gauger.lab import Campaign, ChatPersons, Developers, PoolFailover, Scenario, TemplateApps, simulate, write_world
from gauger.lab.grammar import grammar_pools

BAN = 3.5  # days into the tested week


@pytest.fixture(scope="module", params=[True, False], ids=["new cards", "the old cards"])
def world(request, tmp_path_factory):
    pool = Campaign(name="failover", n=20, list_name="reasoning", wrapper_as_suffix=True, timing="naive")
    attack = PoolFailover(pool=pool, second_n=15, banned_day=BAN, takeover_h=4.0, second_cards=request.param)
    parts = (ChatPersons(n=60), Developers(n=15), TemplateApps(n=15), attack)
    scenario = replace(Scenario(name="failover", parts=parts), history_weeks=3, weekly_exchanges=25.0)
    folder = tmp_path_factory.mktemp("failover")
    made = simulate(scenario, seed=5, pools=grammar_pools())
    return scenario, made, write_world(made, folder), folder


def test_the_second_pool_is_tied_to_the_finding_within_a_day(world, gauger, keyed_workspace, tmp_path):
    scenario, made, logs, folder = world
    banned = scenario.start + timedelta(weeks=scenario.history_weeks, days=BAN)
    table = made.accounts.append_column("campaign", made.truth_accounts["campaign"]).to_pylist()
    members = {row["account_id"]: row["signed_up_at"] for row in table if row["campaign"]}
    second = {account for account, signed_up in members.items() if signed_up >= banned}
    first = set(members) - second
    assert (len(first), len(second)) == (20, 15)

    def night(number: int) -> list[dict]:
        until = (banned + timedelta(days=number)).date()
        known = [log for log in logs if datetime.fromisoformat(log.name[8:18]).replace(tzinfo=UTC).date() <= until]
        out = tmp_path / f"night-{number}"
        given = [*known, "--accounts", folder / "accounts.csv", "--events", folder / "events.csv"]
        done = gauger("scan", *given, "--workspace", keyed_workspace, "--out", out)
        assert done.code == 0, done.err
        return json.loads((out / "findings.json").read_bytes())["findings"]

    def holding(findings: list[dict], accounts: set[str]) -> list[dict]:
        return [one for one in findings if len({a["account_id"] for a in one["accounts"]} & accounts) >= 8]

    before = holding(night(-1), first)[0]
    after = holding(night(1), second)[0]
    assert after["finding_id"] == before["finding_id"]
    assert {account["account_id"] for account in after["accounts"]} <= set(members)
