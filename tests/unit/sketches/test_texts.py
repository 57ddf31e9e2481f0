"""The kernel says what the slow reference says, for any text, cut and number of threads."""

import time
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import SettingsError
from gauger.settings import SketchSettings
from gauger.sketches.texts import SYSTEM_PROMPT, USER_TURN, hash_words, minhash_bands, sketch_texts

FIELDS = ("turn_hash", "projection", "n_words")

#: Texts that go wrong where words are cut by hand.
AWKWARD = [
    "",
    None,
    "\0",
    "one",
    "one two",
    "one two three",
    "one two three four",
    "Ｆｕｌｌｗｉｄｔｈ ﬁﬂ ㎏ ½ ℀ ㈱ ㍿ ﷺ ẞ İstanbul ŉ",
    "re\u200bason\u00ading so\u200dft \ufeffhyphen",
    "日本語のテキスト、か゛が\u3099ハ\uff9fﾊﾟ ー々〇",
    "한국어 \u1112\u1161\u11ab 텍스트 \u3131",
    "e\u0301 é \u0301lone a\u0323\u0302 \u0915\u094d\u0937 ❤️ 👩‍👩‍👧 ①②",
    "x" * 7 + " " + "y" * 8 + " " + "z" * 9 + " " + "w" * 15 + " " + "v" * 16 + " " + "u" * 300,
    "a\0b\0\0c don't under_score 3.14 C++ A1b2",
    "the cat sat on the mat and the cat sat on the mat " * 60,
    "漢" * 3000,
    " ".join(str(i) for i in range(5000)),
    "\u1e9b\u0323 \u2126 \u212b \u0f71\u0f72 \U0001d15e \U0001f1e6 \U00020bb7野家",
]

characters = st.characters(exclude_categories=("Cs", "Cn", "Co"))
texts = st.lists(
    st.one_of(
        st.none(),
        st.text(characters, max_size=60),
        st.text(st.sampled_from("aB é\u0301\u0323漢か゛한\u1161\u11abﾞ\u200d\ufe0f ,1²ﬁß\0"), max_size=60),
        st.lists(st.sampled_from(["score", "the", "rubric", "of", "1", "10", "step", "by", "python"]), max_size=60).map(
            " ".join
        ),
        st.sampled_from(AWKWARD[:8]),
    ),
    max_size=12,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def large(values):
    return pa.array(values, pa.large_string())


def assert_is_reference(sketches, values, reference):
    for i, (text, (start, stop)) in enumerate(zip(values, pairwise(sketches.shingle_offsets), strict=True)):
        expected = reference.sketch(text)
        assert sketches.shingles[start:stop].tolist() == expected["shingles"], text
        for field in FIELDS:
            assert getattr(sketches, field)[i].tolist() == expected[field], (field, text)
        np.testing.assert_allclose(sketches.intents[i], expected["intents"], atol=1e-6)


def assert_equal(one, other):
    for field in (*FIELDS, "shingle_offsets", "shingles", "intents"):
        left, right = getattr(one, field), getattr(other, field)
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_texts_are_sketched_as_the_reference_does(text, key, text_reference):
    sketches = sketch_texts(large([text]), key, namespace=USER_TURN, settings=SketchSettings())
    assert_is_reference(sketches, [text], text_reference(key, USER_TURN))


@quick
@given(values=texts, sampling=st.sampled_from([1, 2]), max_words=st.sampled_from([16, 220]))
def test_any_text_is_sketched_as_the_reference_does(values, sampling, max_words, key, text_reference):
    limits = SketchSettings(sampling=sampling, max_words=max_words)
    sketches = sketch_texts(large(values), key, namespace=USER_TURN, settings=limits)
    assert_is_reference(sketches, values, text_reference(key, USER_TURN, max_words, sampling))


@quick
@given(
    values=texts,
    cut=st.integers(0, 12),
    threads=st.sampled_from([1, 2]),
    kind=st.sampled_from(["string", "large_string"]),
)
def test_cuts_and_threads_change_nothing(values, cut, threads, kind, key):
    array = pa.array([*AWKWARD, *values], getattr(pa, kind)())
    whole = sketch_texts(array, key, namespace=USER_TURN, settings=SketchSettings())
    assert_equal(whole, sketch_texts(array, key, namespace=USER_TURN, settings=SketchSettings(), threads=2))
    parts = [
        sketch_texts(part, key, namespace=USER_TURN, settings=SketchSettings(), threads=threads)
        for part in (array[:cut], array[cut:])
    ]
    for field in (*FIELDS, "shingles", "intents"):
        np.testing.assert_array_equal(getattr(whole, field), np.concatenate([getattr(p, field) for p in parts]))


def test_more_threads_than_rows_are_harmless(key):
    one = sketch_texts(large(["a b c d e"]), key, namespace=USER_TURN, settings=SketchSettings(), threads=1)
    assert_equal(
        one, sketch_texts(large(["a b c d e"]), key, namespace=USER_TURN, settings=SketchSettings(), threads=7)
    )


def test_no_rows_give_empty_sketches(key):
    sketches = sketch_texts(large([]), key, namespace=USER_TURN, settings=SketchSettings(), threads=2)
    assert sketches.shingle_offsets.tolist() == [0]
    assert minhash_bands(large([]), key, namespace=USER_TURN).shape == (0, 8)
    assert sketches.projection.shape == (0, 64)


def test_a_null_with_bytes_beneath_it_is_empty(key):
    offsets, data = pa.py_buffer(np.array([0, 5, 10], np.int64)), pa.py_buffer(b"alphabravo")
    array = pa.Array.from_buffers(pa.large_string(), 2, [pa.py_buffer(b"\x02"), offsets, data])
    sketches = sketch_texts(array, key, namespace=USER_TURN, settings=SketchSettings())
    assert sketches.n_words.tolist() == [0, 1]
    assert not minhash_bands(array, key, namespace=USER_TURN)[0].any()


def test_namespaces_and_keys_hash_apart(key):
    text = large(["write one line about the sea and the sky"])
    user = sketch_texts(text, key, namespace=USER_TURN, settings=SketchSettings())
    others = [
        sketch_texts(text, key, namespace=SYSTEM_PROMPT, settings=SketchSettings()),
        sketch_texts(text, key[:-1] + b"?", namespace=USER_TURN, settings=SketchSettings()),
    ]
    for other in others:
        assert not set(user.shingles) & set(other.shingles)
        assert not (user.turn_hash == other.turn_hash).any()


def test_short_keys_are_refused():
    with pytest.raises(SettingsError, match="15 bytes"):
        sketch_texts(large(["x"]), b"k" * 15, namespace=USER_TURN, settings=SketchSettings())


@quick
@given(values=texts)
def test_bands_are_those_of_the_reference(values, key, text_reference):
    bands = minhash_bands(large([*AWKWARD, *values]), key, namespace=USER_TURN, threads=2)
    assert bands.tolist() == [text_reference(key, USER_TURN).bands(text) for text in [*AWKWARD, *values]]


def test_words_hash_as_siphash_1_3_of_their_folded_bytes(key, text_reference, reference_siphash):
    expected = 0
    for word in ("cafe", "straße".casefold(), "internationalisation"):
        expected ^= reference_siphash(text_reference(key, USER_TURN).word_key, word.encode())
    assert hash_words(large(["CAFE Straße,", "internationalisation"]), key, namespace=USER_TURN) == expected


def test_the_reference_knows_the_published_vector_of_siphash_2_4(reference_siphash):
    assert reference_siphash(bytes(range(16)), bytes(range(15)), c=2, d=4) == 0xA129CA6149BE45E5


def from_bytes(rows, padding):
    """Rows of arbitrary bytes that claim to be strings, with `padding` before, between the buffer's end and after."""
    data = padding + b"".join(rows) + padding
    offsets = np.cumsum([len(padding), *map(len, rows)]).astype(np.int64)
    return pa.Array.from_buffers(pa.large_string(), len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


broken = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.lists(
            st.sampled_from(
                [b"\xe4\xbd", b"\xf0\x9f", b"\xc3", b"\xff", b"ab ", "é漢".encode(), b"\x80", b"\xed\xa0\x80"]
            )
        ).map(b"".join),
    ),
    min_size=1,
    max_size=8,
)


@quick
@given(rows=broken, padding=st.sampled_from([b"", b"\x80" * 9, b"z" * 9, "漢".encode()]))
def test_malformed_bytes_are_read_no_further_than_the_row(rows, padding, key):
    alone = [sketch_texts(from_bytes([row], b""), key, namespace=USER_TURN, settings=SketchSettings()) for row in rows]
    together = sketch_texts(from_bytes(rows, padding), key, namespace=USER_TURN, settings=SketchSettings())
    for field in (*FIELDS, "shingles"):
        np.testing.assert_array_equal(getattr(together, field), np.concatenate([getattr(one, field) for one in alone]))


@quick
@given(row=st.binary(max_size=60))
def test_malformed_bytes_separate_words(row, key, text_reference):
    decoded = row.decode("utf-8", errors="replace")
    if any(unicodedata.combining(c) for c in unicodedata.normalize("NFKD", decoded)):
        return  # such a row is not normalised as a whole
    sketches = sketch_texts(from_bytes([row], b""), key, namespace=USER_TURN, settings=SketchSettings())
    assert_is_reference(sketches, [decoded], text_reference(key, USER_TURN))


def test_ten_megabytes_take_ten_times_as_long_as_one(key):
    def seconds(n_words):
        array = large([" ".join(f"w{i % 50_021}" for i in range(n_words))])
        start = time.process_time()
        sketches = sketch_texts(array, key, namespace=USER_TURN, settings=SketchSettings())
        assert sketches.n_words.tolist() == [n_words]
        assert len(sketches.shingles) == 217
        return time.process_time() - start

    seconds(1000)
    assert seconds(1_700_000) < 40 * max(seconds(170_000), 0.005)


@pytest.mark.parametrize(("n_shared", "n_own"), [(8, 1), (20, 2), (80, 8), (200, 12)])
def test_bands_agree_as_often_as_theory_says_for_short_texts_too(n_shared, n_own, key):
    """A band of eight rows agrees with chance J^8, the bands independently of one another."""
    rng = np.random.default_rng(n_shared)
    left, right = [], []
    for _ in range(2000):
        shared, own = rng.integers(0, 10**9, n_shared).astype(str), rng.integers(0, 10**9, (2, n_own)).astype(str)
        left.append(" ".join([*shared, *own[0]]))
        right.append(" ".join([*shared, *own[1]]))
    agree = np.equal(*(minhash_bands(large(texts), key, namespace=USER_TURN) for texts in (left, right)))
    jaccard = (n_shared - 3) / (n_shared - 3 + 2 * n_own)
    assert agree.mean() == pytest.approx(jaccard**8, abs=0.03)
    assert agree.any(axis=1).mean() == pytest.approx(1 - (1 - jaccard**8) ** 8, abs=0.06)
