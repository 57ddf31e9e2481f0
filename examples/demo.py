"""The demonstration: five weeks of simulated traffic, one scan of it, and what was planted beside what was found.

    python examples/demo.py --out demo

The logs are those a gateway would have written; the scan is the public command. Only the last lines read the truth that
the simulator wrote beside the logs. The folder is made anew every time; a folder that this program did not make is left
alone.
"""
# ruff: noqa: T201 - a demonstration prints

import argparse
import csv
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gauger.lab import simulate_to
from gauger.store.keys import create_master_key

SEED = 1
MARK = ".made-by-gauger-demo"
FOLDERS = ("logs", "report")

Finding = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration and return the exit code: 0 when what was planted was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the logs and the report")
    out: Path = parser.parse_args(arguments).out
    refusal = prepare(out)
    if refusal:
        print(f"{out}: {refusal}; name another folder with --out", file=sys.stderr)
        return 2
    logs, report = out / "logs", out / "report"
    print("Simulating five weeks of traffic of some 360 accounts ...", flush=True)
    simulate_to("demo", seed=SEED, out=logs)
    keep_key(report)
    if code := scan(logs, report):
        return code
    return compare(json.loads((report / "findings.json").read_text()), logs)


def keep_key(report: Path) -> None:
    """Put the same key into every demonstration's workspace, so that all show the same; a real one is drawn."""
    for folder in (report, report / ".workspace"):
        folder.mkdir(mode=0o700)
    create_master_key(report / ".workspace" / "keys" / "master.key", random_bytes=lambda n: bytes(range(n)))


def prepare(out: Path) -> str | None:
    """Empty the folder of an earlier demonstration, or make one; return why not, where it is somebody else's."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        return "this is not a folder"
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        return "this folder holds other things and was not made by the demonstration"
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()
    for name in FOLDERS:
        if (out / name).is_symlink():
            return f"{name} in it is a link"
        shutil.rmtree(out / name, ignore_errors=True)
    return None


def scan(logs: Path, report: Path) -> int:
    """Run the public command on the logs, as an operator would."""
    options = ["--accounts", logs / "accounts.csv", "--events", logs / "events.csv", "--out", report]
    command = ["gauger", "scan", str(logs / "*.jsonl.gz"), *map(str, options)]
    print(f"\n$ {shlex.join(command)}", flush=True)
    return subprocess.run([sys.executable, "-m", *command], check=False).returncode  # noqa: S603 - our own words


def compare(document: dict[str, Any], logs: Path) -> int:
    """Say what the simulator planted and what Gauger found; return 0 where the two agree."""
    planted = {row["account_id"] for row in rows(logs / "truth.csv") if row["campaign"]}
    viral = {row["account_id"] for row in rows(logs / "truth_exchanges.csv") if row["class"] == "viral_template"}
    agent = {row["account_id"] for row in rows(logs / "truth.csv") if row["class"] == "agent"}
    certified = [one for one in document["findings"] if one["verdict"] == "campaign"]
    observed = [one for one in document["findings"] if one["verdict"] == "observed"]
    named = {account for one in certified for account in accounts_of(one)}
    pasted = max((accounts_of(one) for one in observed), key=lambda accounts: likeness(accounts, viral), default=set())
    cleared = max((group["n_accounts"] for group in document["cleared"]), default=0)
    accused = max((len(agent & accounts_of(one)) for one in certified), default=0)
    verdicts = [
        (
            f"planted: a campaign of {len(planted)} accounts; found: {len(certified)} campaign"
            f" with {len(named & planted)} of them and {len(named - planted)} others",
            len(certified) == 1 and likeness(named, planted) >= 0.9,
        ),
        (
            f"planted: a template gone viral among {len(viral)} strangers; found: observed only,"
            f" {len(pasted & viral)} of them, no campaign",
            likeness(pasted, viral) >= 0.8 and not named & viral,
        ),
        (
            f"planted: a popular agent of {len(agent)} strangers; found: a group of {cleared} cleared,"
            f" {accused} of the strangers in a campaign",
            cleared >= len(agent) / 2 > 0 and not accused,
        ),
    ]
    print("\nAgainst the truth, which the scan did not see:")
    for text, agrees in verdicts:
        print(f"  {'agrees' if agrees else 'DIFFERS'}  {text}")
    return 0 if all(agrees for _, agrees in verdicts) else 1


def accounts_of(finding: Finding) -> set[str]:
    """Return the accounts that a finding lists."""
    return {member["account_id"] for member in finding["accounts"]}


def likeness(one: set[str], other: set[str]) -> float:
    """Return the Jaccard index of two sets of accounts."""
    return len(one & other) / max(len(one | other), 1)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file."""
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


if __name__ == "__main__":
    sys.exit(main())
