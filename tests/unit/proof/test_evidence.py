"""A bundle of evidence: what it says, and that nothing in it can be changed without a sign."""

import base64
import hashlib
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from scipy.stats import norm

from gauger.errors import GaugerError, InputError
from gauger.evidence.records import rounded_up
from gauger.proof import evidence
from gauger.proof.commitments import next_entry
from gauger.proof.document import about, write
from gauger.proof.evidence import EVIDENCE, LOG, MANIFEST, PAGE, Evidence, Manifest, input_file, sealed
from gauger.proof.examination import Row
from gauger.proof.keys import Terms
from gauger.proof.page import render_evidence
from gauger.proof.verdicts import Served
from gauger.proof.verification import verify as verified

GOLDEN = Path(__file__).parents[2] / "golden" / "proof"
COMMITTED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = SIGNER.public_key().public_bytes_raw()
SERVED = Served("the 41 accounts of C-17", COMMITTED + timedelta(days=1), COMMITTED + timedelta(days=31))


KGW = Terms(scheme="kgw", context=1, gamma=0.25)
#: Drawing ended in its first batch.
FEW = {"n_null_keys": 250}
#: Where wrong keys rank.
WRONG = (0.31, 0.77, 0.08, 0.52, 0.94)
VERSION = "0.1"


def verify(files, **more):
    """Return manifest and evidence of a bundle that holds for the version that made it."""
    found = verified(files, gauger_version=VERSION, **more)
    assert found.is_page_compared
    return found.manifest, found.evidence


def log(terms: Terms = KGW):
    entries = []
    for n, campaign in enumerate(("C-16", "C-17")):
        entries.append(
            next_entry(
                entries,
                campaign=campaign,
                terms=terms,
                commit=lambda rotation, campaign=campaign: hashlib.sha256(
                    f"{campaign}/{rotation}".encode()
                ).hexdigest(),
                now=COMMITTED + timedelta(hours=n - 1),
                public_key=PUBLIC,
                sign=SIGNER.sign,
            )
        )
    return entries


def row(subject: str, role: str, p_value: float, **more: object) -> Row:
    fields = {
        "subject": subject,
        "role": role,
        "key": "C-17/1",
        "method": "teacher",
        "p_value": p_value,
        "adjusted_p_value": None,
        "z_score": 9.0,
        "tail_p_value": float(norm.sf(more.get("z_score", 9.0) or 0.0)),
        "n_cells": 5_120,
        "n_positions": 22_000,
        "n_null_keys": 1_999_999,
        "wrong_keys": [],
    }
    if n := more.get("n_null_keys", fields["n_null_keys"]):
        fields["wrong_keys"] = [rounded_up(int(share * n) / n) for share in WRONG]
    return Row(**(fields | more))


@pytest.fixture
def found() -> Evidence:
    rows = [
        row("suspect.jsonl", "suspect", 5e-7, adjusted_p_value=1e-6),
        row("other.jsonl", "suspect", 0.4, adjusted_p_value=0.4, z_score=0.1, **FEW),
        *(row(f"{name}.jsonl", "control", p, z_score=z, **FEW) for name, p, z in
          (("llama", 20 / 40, 0.0), ("qwen", rounded_up(20 / 22), -1.2), ("base", rounded_up(20 / 87), 0.8))),
        row("ours.jsonl", "positive", 5e-7, z_score=31.0),
    ]  # fmt: skip
    report = write(rows, log()[1:], alpha=1e-6, null_keys=1_999_999, n_tests=2, served=SERVED)
    files = [input_file(one.role, one.subject, one.subject.encode()) for one in rows if one.subject != "other.jsonl"]
    return Evidence(
        schema=evidence.SCHEMA,
        made_at=datetime(2026, 6, 1, tzinfo=UTC),
        gauger_version=VERSION,
        suspect="suspect.jsonl",
        inputs=files,
        report=about(report, "suspect.jsonl"),
    )


@pytest.fixture
def bundle(found) -> dict[str, bytes]:
    return sealed(found, render_evidence(found, log()), log(), public_key=PUBLIC, sign=SIGNER.sign)


@pytest.mark.parametrize("name", [PAGE, EVIDENCE, LOG, MANIFEST])
def test_bundle_is_golden(name, bundle):
    path = GOLDEN / name
    if os.environ.get("GAUGER_REWRITE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle[name])
    assert bundle[name] == path.read_bytes()


def test_a_bundle_holds_and_gives_back_what_went_in(bundle, found):
    manifest, read = verify(bundle, public_key=PUBLIC, inputs={"anywhere": b"suspect.jsonl"})
    assert read == found
    assert manifest.log_line == log()[-1].digest
    assert [one.word for one in read.report.verdicts] == ["proof"]
    assert "other.jsonl" not in bundle[EVIDENCE].decode() + bundle[PAGE].decode()


def test_the_sentence_says_what_and_to_whom_and_how_else(found):
    (verdict,) = found.report.verdicts
    assert verdict.sentence.startswith(
        "Proof at alpha = 1e-06: suspect.jsonl was trained on text carrying key C-17/1, p = 1e-06; C-17/1 was served"
        " only to the 41 accounts of C-17 from 2026-03-02T09:30:00Z to 2026-04-01T09:30:00Z; other routes by which that"
        " text could reach a trainer: "
    )


@pytest.mark.parametrize("name", [PAGE, EVIDENCE, LOG, MANIFEST])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.77, 0.999])
def test_no_byte_of_any_file_can_be_changed(name, place, bundle):
    content = bytearray(bundle[name])
    at = min(int(place * len(content)), len(content) - 1)
    content[at] = content[at] ^ 1
    with pytest.raises(GaugerError):
        verify({**bundle, name: bytes(content)})


def test_no_file_can_be_left_out_or_added(bundle):
    for name in bundle:
        with pytest.raises(GaugerError):
            verify({other: content for other, content in bundle.items() if other != name})
    with pytest.raises(GaugerError, match="does not name"):
        verify({**bundle, "more.txt": b""})


def test_another_signer_is_seen_where_the_right_one_is_known(found):
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    forged = sealed(found, "page", log(), public_key=other.public_key().public_bytes_raw(), sign=other.sign)
    with pytest.raises(GaugerError, match="signed by somebody else"):
        verify(forged, public_key=PUBLIC)
    with pytest.raises(GaugerError, match="signed by somebody else"):
        verify(forged)  # the log is the first signer's


def resealed(found: Evidence, entries=None, page: str | None = None) -> dict[str, bytes]:
    """Return the bundle of other evidence, signed; with its own page unless that cannot be made."""
    entries = entries or log()
    return sealed(found, page or render_evidence(found, entries), entries, public_key=PUBLIC, sign=SIGNER.sign)


def test_whoever_signs_cannot_sign_a_verdict_that_does_not_follow(found):
    """The signature shows who, not that it is right: words and sentences are made again from the figures."""
    verdicts = [msgspec.structs.replace(found.report.verdicts[0], word="consistent with")]
    with pytest.raises(GaugerError, match="do not follow"):
        verify(
            resealed(msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, verdicts=verdicts)))
        )
    other = msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, verdicts=verdicts))
    with pytest.raises(GaugerError, match="do not follow") as refused:
        verified(resealed(other), gauger_version="0.2")
    assert "Gauger 0.1 made it" in refused.value.todo
    late = [msgspec.structs.replace(found.report.keys[0], committed_at=COMMITTED - timedelta(days=9))]
    with pytest.raises(GaugerError, match="do not follow"):
        verify(resealed(msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, keys=late))))
    with pytest.raises(GaugerError, match="not in the log"):
        verify(resealed(found, log()[:1]))


def changed(found: Evidence, number: int, **fields: object) -> Evidence:
    """Return the evidence with other figures of one test, judged as they would be."""
    tests = list(found.report.tests)
    tests[number] = msgspec.structs.replace(tests[number], **fields)
    return msgspec.structs.replace(found, report=msgspec.structs.replace(found.report, tests=tests))


@pytest.mark.parametrize(
    ("number", "fields", "said"),
    [
        (0, {"key": "Z/9"}, "a key that the report does not name"),
        (0, {"p_value": 0.0}, "a p-value is none"),
        (0, {"p_value": -1.0}, "cannot be read"),
        (1, {"p_value": 1.5}, "cannot be read"),
        (0, {"p_value": 1e-9, "adjusted_p_value": 1e-9}, "not what its test could give"),
        (1, {"p_value": 0.01}, "not what its test could give"),
        (4, {"p_value": 1e-9}, "not what its test could give"),
        (0, {"n_null_keys": 10**9, "p_value": 1e-9}, "more other keys"),
        (0, {"adjusted_p_value": 1e-7}, "not corrected"),
        (0, {"adjusted_p_value": 1.1e-6}, "not corrected"),
        (0, {"adjusted_p_value": None}, "a suspect has none"),
        (1, {"adjusted_p_value": 0.5}, "a control has a corrected p-value"),
        (0, {"subject": "other.jsonl"}, "another suspect"),
    ],
)
def test_figures_that_no_test_can_give_are_refused_before_they_are_judged(number, fields, said, found):
    with pytest.raises(InputError, match=said):
        verify(resealed(changed(found, number, **fields), page="never looked at"))


@pytest.mark.parametrize("alpha", [0.5, 0.0, 5e-324])
def test_an_alpha_that_is_none_is_refused(alpha, found):
    report = msgspec.structs.replace(found.report, alpha=alpha)
    with pytest.raises(InputError, match="alpha is no level"):
        verify(resealed(msgspec.structs.replace(found, report=report)))


def test_a_log_that_does_not_hold_is_a_fault_of_the_bundle(found):
    broken = [msgspec.structs.replace(log()[0], signature="00" * 64), log()[1]]
    with pytest.raises(InputError, match="its signature does not fit"):
        verify(resealed(found, broken))


def test_keys_and_hashes_are_64_digits_and_nothing_else(bundle):
    manifest = msgspec.json.decode(bundle[MANIFEST], type=Manifest)
    for key in (PUBLIC.hex().upper(), PUBLIC.hex(" ")):
        unsigned = msgspec.structs.replace(manifest, public_key=key, signature="")
        signed = msgspec.structs.replace(unsigned, signature=SIGNER.sign(unsigned.signed_bytes).hex())
        with pytest.raises(InputError, match="hash, key or signature"):
            verify({**bundle, MANIFEST: msgspec.json.encode(signed)})


def test_a_file_that_was_not_tested_is_told(bundle):
    with pytest.raises(GaugerError, match="not among its inputs"):
        verify(bundle, inputs={"x.jsonl": b"other"})


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[]", b"\xff", b'{"schema": "gauger/evidence-manifest/2"}'])
def test_a_manifest_that_is_none_is_told(manifest, bundle):
    with pytest.raises(GaugerError):
        verify({**bundle, MANIFEST: manifest})


def test_a_signature_of_nothing_does_not_pass(bundle):
    manifest = msgspec.json.decode(bundle[MANIFEST], type=Manifest)
    for changes in ({"signature": ""}, {"signature": "zz"}, {"public_key": "00"}, {"suspect": "x"}):
        changed = msgspec.json.encode(msgspec.structs.replace(manifest, **changes))
        with pytest.raises(GaugerError):
            verify({**bundle, MANIFEST: changed})


def test_hostile_names_stay_text(found):
    hostile = "<script>alert(1)</script>\"'{{7*7}}\x1b[31m\u202e"
    rows = [msgspec.structs.replace(one, subject=hostile) for one in found.report.tests]
    report = write(rows, log()[1:], alpha=1e-6, null_keys=1, n_tests=1, served=Served(hostile, None, None, hostile))
    page = render_evidence(msgspec.structs.replace(found, suspect=hostile, report=report), log())
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "{{7*7}}" in page


def test_the_page_needs_and_allows_nothing_from_outside(bundle):
    page = bundle[PAGE].decode()
    (style,) = re.findall(r"<style>(.*)</style>", page, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'" in page
    assert not re.search(r"://|<script|<img|<link|url\(|@import", page)
    assert set(re.findall(r'href="([^"]+)"', page)) == {"commitments.jsonl", "manifest.json", "evidence.json"}
