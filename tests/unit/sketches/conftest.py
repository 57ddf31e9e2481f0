"""A slow reference of everything the kernel computes, written from the definitions with Python's own tools."""

import hashlib
import math
import unicodedata
from itertools import pairwise

import pytest

from gauger.sketches.intents import intent_weights

M64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
MIX_1 = 0xFF51AFD7ED558CCD
MIX_2 = 0xC4CEB9FE1A85EC53


def signed(x):
    return x - (1 << 64) if x >> 63 else x


def mix(x):
    x &= M64
    x ^= x >> 33
    x = x * MIX_1 & M64
    x ^= x >> 33
    x = x * MIX_2 & M64
    return x ^ (x >> 33)


class Sip:
    """SipHash-c-d of 64-bit blocks, as published."""

    def __init__(self, key, c=1, d=3):
        low, high = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
        self.c, self.d = c, d
        self.v = [
            low ^ 0x736F6D6570736575,
            high ^ 0x646F72616E646F6D,
            low ^ 0x6C7967656E657261,
            high ^ 0x7465646279746573,
        ]

    def rounds(self, n):
        def rotl(x, b):
            return (x << b | x >> (64 - b)) & M64

        a, b, c, d = self.v
        for _ in range(n):
            a = (a + b) & M64
            b = rotl(b, 13) ^ a
            a = rotl(a, 32)
            c = (c + d) & M64
            d = rotl(d, 16) ^ c
            a = (a + d) & M64
            d = rotl(d, 21) ^ a
            c = (c + b) & M64
            b = rotl(b, 17) ^ c
            c = rotl(c, 32)
        self.v = [a, b, c, d]

    def absorb(self, block):
        self.v[3] ^= block
        self.rounds(self.c)
        self.v[0] ^= block

    def finish(self):
        before = list(self.v)
        self.v[2] ^= 0xFF
        self.rounds(self.d)
        a, b, c, d = self.v
        self.v = before
        return a ^ b ^ c ^ d

    def finish_again(self):
        self.v[1] ^= 0xDD
        return self.finish()


def siphash(key, data, c=1, d=3):
    sip = Sip(key, c, d)
    n_full = len(data) // 8 * 8
    for i in range(0, n_full, 8):
        sip.absorb(int.from_bytes(data[i : i + 8], "little"))
    sip.absorb(int.from_bytes(data[n_full:], "little") | (len(data) % 256) << 56)
    return sip.finish()


SCRIPTS_WITHOUT_SPACES = [
    (0x1100, 0x11FF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x30FF), (0x3130, 0x318F), (0x31F0, 0x31FF),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0xFF66, 0xFFDC),
    (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF),
]  # fmt: skip


def words(text):
    """The rules of `gauger.sketches.normalise`, character by character."""
    found, is_open, is_alone = [], False, False
    for c in unicodedata.normalize("NFKC", text or "").casefold():
        if unicodedata.category(c) == "Cf" or 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF:
            continue
        if unicodedata.category(c).startswith("M"):
            if is_open:
                found[-1] += c
        elif not c.isalnum():
            is_open = is_alone = False
        else:
            alone = any(low <= ord(c) <= high for low, high in SCRIPTS_WITHOUT_SPACES)
            if is_open and not alone and not is_alone:
                found[-1] += c
            else:
                found.append(c)
            is_open, is_alone = True, alone
    return found


def borrow_order():
    draws = hashlib.shake_256(b"gauger borrow order").digest(64 * 64 * 8)
    numbers = [int.from_bytes(draws[i : i + 8], "little") for i in range(0, len(draws), 8)]
    return [sorted(range(64), key=numbers[64 * i : 64 * i + 64].__getitem__) for i in range(64)]


BORROW_ORDER = borrow_order()


class TextReference:
    def __init__(self, key, namespace, max_words=220, sampling=1):
        label = f"gauger text {namespace}".encode()
        stream = hashlib.shake_256(len(key).to_bytes(8, "little") + key + label).digest(72 + 4096 * 8)
        self.word_key, self.chain_key = stream[:16], stream[16:32]
        odd = [int.from_bytes(stream[i : i + 8], "little") | 1 for i in (32, 40, 48)]
        self.multipliers = [odd[2], odd[1], odd[0], 1]
        self.before, self.after = (int.from_bytes(stream[i : i + 8], "little") for i in (56, 64))
        self.signs = stream[72:]
        self.max_words, self.sampling = max_words, sampling

    def shingles(self, hashes):
        if not hashes:
            return []
        padded = [0] * 3 + hashes
        ends = range(3, len(hashes)) if len(hashes) > 3 else [len(hashes) - 1]
        return [
            mix(sum(m * h for m, h in zip(self.multipliers, padded[i : i + 4], strict=True)) ^ self.before) ^ self.after
            for i in ends
        ]

    def bands(self, text):
        hashes = [siphash(self.word_key, w.encode()) for w in words(text)]
        if not hashes:
            return [0] * 8
        shingles = self.shingles(hashes)
        bins = [None] * 64
        for s in shingles:
            value = s & ((1 << 58) - 1)
            bins[s >> 58] = value if bins[s >> 58] is None else min(bins[s >> 58], value)
        full = [next(b for b in (bins[i], *map(bins.__getitem__, BORROW_ORDER[i])) if b is not None) for i in range(64)]
        bands = []
        for band in range(8):
            chained = (band + 1) * GOLDEN & M64
            for value in full[band::8]:
                chained = (chained ^ value) * MIX_1 & M64
                chained ^= chained >> 32
            bands.append(signed(chained))
        return bands

    def projection(self, text_words, hashes):
        voters = [h for w, h in zip(text_words, hashes, strict=True) if not w.isascii() or len(w) >= 4]
        if not voters:
            return [0] * 64
        table = {h: int.from_bytes(self.signs[(h >> 52) * 8 : (h >> 52) * 8 + 8], "little") for h in voters}
        votes = [sum(1 if table[h] >> j & 1 else -1 for h in voters) for j in range(64)]
        scale = 32.0 / math.sqrt(len(voters))
        return [int(min(127, max(-127, math.floor(v * scale + 0.5)))) for v in votes]

    def intents(self, text_words):
        present = {(w,) for w in text_words} | set(pairwise(text_words))
        model = intent_weights()
        sums = [
            sum(column)
            for column in zip(model.biases, *(model.by_cue.get(cue, [0] * 7) for cue in present), strict=True)
        ]
        return [1 / (1 + math.exp(-total / 1000)) if text_words else 0.0 for total in sums]

    def sketch(self, text):
        text_words = words(text)
        hashes = [siphash(self.word_key, w.encode()) for w in text_words]
        kept = [s for s in dict.fromkeys(self.shingles(hashes[: self.max_words])) if (s >> 32) % self.sampling == 0]
        turn = Sip(self.chain_key)
        for h in hashes:
            turn.absorb(h)
        n = len(text_words)
        return {
            "shingles": [signed(s) for s in kept],
            "turn_hash": [signed(turn.finish()), signed(turn.finish_again())] if n else [0, 0],
            "intents": self.intents(text_words),
            "projection": self.projection(text_words, hashes),
            "n_words": n,
        }


@pytest.fixture(scope="session")
def reference_words():
    return words


@pytest.fixture(scope="session")
def reference_siphash():
    return siphash


@pytest.fixture(scope="session")
def text_reference():
    return TextReference


@pytest.fixture(scope="session")
def key():
    return bytes(range(100, 132))
