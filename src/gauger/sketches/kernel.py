"""The sketch kernel: from the bytes of texts to numbers, in one pass and without a Python object per row.

A row goes through these steps, each a function of its own:

1. *fold* (`fold_ascii`, `fold_unicode`): the text is rewritten, casefolded, into a scratch buffer in which words stand
   apart by zero bytes (rules: `gauger.sketches.normalise`);
2. *scan* (`scan_words`): words are cut eight bytes at a time. A word leaves its last block and the SipHash state
   before it;
3. *finish* (`finish_words`): SipHash-1-3 of every word under the key, and a hash without the key for intents. The loop
   has no branch, so that the compiler turns it into vector instructions;
4. everything else reads word hashes: shingles, MinHash bins, the chain over the turn, cues, the projection.

Words are handled `CHUNK` at a time, so scratch memory does not grow with their number and 10 MB take ten times as long
as 1 MB. Rows are independent: threads take stretches of rows and give the same numbers for any cut.

Whatever the bytes are, nothing outside the text is read: malformed UTF-8 separates words.

Numba keeps the compiled code where NUMBA_CACHE_DIR says (the command line points it to the user's cache folder).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gauger.sketches.arrow import Strings, is_valid
from gauger.sketches.normalise import (
    ALONE,
    IGNORED,
    INTERACTS,
    KIND_BITS,
    LETTER,
    REPLACED,
    SEPARATOR,
    CharacterTables,
)
from gauger.sketches.schema import INTENTS, N_BANDS, N_PROJECTION
from gauger.sketches.siphash import (
    U64,
    SipKey,
    State,
    compiled,
    inlined,
    load_block,
    sip_absorb,
    sip_finish,
    sip_finish_again,
    sip_start,
)

Bytes = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]
Integer = int | np.int64

CHUNK: Final = 1024  # words in scratch: 6 arrays of 8 KiB stay in the first two caches
CARRIED: Final = 3  # words that a 4-word shingle reaches back
N_BINS: Final = 64
ROWS_PER_BAND: Final = N_BINS // N_BANDS
N_INTENTS: Final = len(INTENTS)
PROJECTION_ROWS: Final = 1 << 12
#: One standard deviation of a projection component, in steps: words that do not repeat reach +-4 before they clip.
PROJECTION_STEPS: Final = 32.0
TOPIC_BYTES: Final = U64(4)  # shorter ASCII words carry no topic
CUE_SLOTS: Final = 1 << 13
CUE_FILTER_BITS: Final = 1 << 16
#: A folded character takes at most this many bytes: a separating zero and four of UTF-8.
FOLDED_BYTES: Final = 5

#: How the rows of a text column must be read.
ASCII: Final = 0
UNICODE: Final = 1
NORMALISE_FIRST: Final = 2

_BIN_SHIFT: Final = U64(58)
_BIN_VALUE: Final = U64((1 << 58) - 1)
_EMPTY: Final = U64(0xFFFFFFFFFFFFFFFF)
_LOW_BITS: Final = U64(0x0101010101010101)
_HIGH_BITS: Final = U64(0x8080808080808080)
_HIGH_BITS_OF_SEVEN: Final = U64(0x0080808080808080)
#: Odd constants: the golden ratio and the finaliser of MurmurHash3.
_GOLDEN: Final = U64(0x9E3779B97F4A7C15)
_MIX_1: Final = U64(0xFF51AFD7ED558CCD)
_MIX_2: Final = U64(0xC4CEB9FE1A85EC53)


class TextKeys(NamedTuple):
    """What the key gives for one namespace: two SipHash keys, three odd multipliers, a mask before and after mixing."""

    word: SipKey
    chain: SipKey
    multiplier_1: np.uint64
    multiplier_2: np.uint64
    multiplier_3: np.uint64
    mask_before: np.uint64
    mask_after: np.uint64


class Cues(NamedTuple):
    """The cues of intents as an open-addressed table of hashed words and word pairs.

    Attributes
    ----------
    present
        uint64 bit map of 2^16 bits: a cue's bit is set, so most words are dismissed by one look.
    tags
        uint64[2^13] hashes of the cues, 0 where a slot is empty.
    weights
        int32[2^13, 7], thousandths of log-odds.
    """

    present: Hashes
    tags: Hashes
    weights: npt.NDArray[np.int32]


class Scratch(NamedTuple):
    """What one thread writes on.

    Functions take the arrays they touch, never the whole: handing over all of them costs more than most of them do.
    """

    folded: Bytes
    states: Hashes  # [4, CHUNK]: SipHash state of a word before its last block
    last: Hashes  # a word's last block: up to seven bytes, its length in the top byte
    prefixes: Hashes  # hash without the key of the blocks before, 0 where there is none
    words: Hashes  # CARRIED words of the chunk before, then this chunk's
    plain: Hashes  # one word of the chunk before, then this chunk's
    pairs: Hashes
    shingles: Hashes
    bins: Hashes
    filled: Hashes
    empty: npt.NDArray[np.int64]  # which bins still are
    seen: Hashes  # shingles met in this row
    seen_in: npt.NDArray[np.int64]  # row that met it; rows count from 1
    met_in: npt.NDArray[np.int64]  # row that met a cue last
    cue_sums: npt.NDArray[np.int64]
    topics: npt.NDArray[np.int64]
    votes: npt.NDArray[np.int32]


class Limits(NamedTuple):
    """How much of a text is shingled."""

    max_words: int
    sampling: int


class Sketched(NamedTuple):
    """Where the results go; `shingles` is filled from its start and `n_shingles` counts them by row."""

    shingles: Hashes
    n_shingles: npt.NDArray[np.int64]
    turn_hash: Hashes
    cue_sums: npt.NDArray[np.int64]
    projection: npt.NDArray[np.int8]
    n_words: npt.NDArray[np.int64]


# --- surveying: how a row must be read -----------------------------------------------------------------------------


@compiled
def survey(
    texts: Strings, tables: CharacterTables, form: npt.NDArray[np.uint8], folded_bytes: npt.NDArray[np.int64]
) -> None:
    """Write each row's form (`ASCII`, `UNICODE`, `NORMALISE_FIRST`) and the bytes its folded text may take."""
    for row in range(form.size):
        if not is_valid(texts.validity, texts.first_bit + row):
            form[row], folded_bytes[row] = ASCII, 0
            continue
        text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
        if is_ascii(text):
            form[row], folded_bytes[row] = ASCII, text.size
        else:
            form[row], folded_bytes[row] = survey_unicode(text, tables)


@inlined
def is_ascii(text: Bytes) -> bool:
    """Whether no byte has its high bit set."""
    together = np.uint8(0)
    for byte in text:
        together = np.uint8(together | byte)
    return bool(together < 128)


@inlined
def survey_unicode(text: Bytes, tables: CharacterTables) -> tuple[int, int]:
    """Return the form of a text that is not ASCII, and the bytes its folded text may take."""
    position, folded_bytes = 0, 0
    interacts, malformed = False, False
    while position < text.size:
        end = end_of_ascii(text, position)
        folded_bytes += end - position + 1
        position = end
        if position == text.size:
            break
        code_point, width = decode(text, position)
        position += width
        if code_point < 0:
            malformed = True
            continue
        traits = tables.traits[code_point]
        if traits & INTERACTS != 0:
            interacts = True
        n_characters = 1
        if traits & KIND_BITS == REPLACED:
            index = tables.replacement[code_point]
            n_characters = tables.replacement_start[index + 1] - tables.replacement_start[index]
        folded_bytes += FOLDED_BYTES * n_characters
    form = NORMALISE_FIRST if interacts and not malformed else UNICODE
    return form, folded_bytes


@inlined
def end_of_ascii(text: Bytes, position: int) -> int:
    """Return where the run of ASCII that begins at `position` ends; it may be empty."""
    while position + 8 <= text.size and load_block(text, U64(position)) & _HIGH_BITS == 0:
        position += 8
    while position < text.size and text[position] < 0x80:
        position += 1
    return position


@inlined
def decode(text: Bytes, position: int) -> tuple[Integer, int]:
    """Return the code point at `position` and its width in bytes; (-1, 1) where the bytes are not well-formed UTF-8.

    Bytes past the end of the text count as zero, which continues no character.
    """
    left = text.size - position
    first = np.int64(text[position])
    second = np.int64(text[position + 1]) ^ 0x80 if left > 1 else 0x80
    third = np.int64(text[position + 2]) ^ 0x80 if left > 2 else 0x80
    fourth = np.int64(text[position + 3]) ^ 0x80 if left > 3 else 0x80
    if first < 0x80:
        return first, 1
    if 0xC2 <= first <= 0xDF and second < 0x40:
        return (first & 0x1F) << 6 | second, 2
    if 0xE0 <= first <= 0xEF and (second | third) < 0x40:
        code_point = (first & 0x0F) << 12 | second << 6 | third
        if code_point >= 0x800 and not 0xD800 <= code_point <= 0xDFFF:
            return code_point, 3
    elif 0xF0 <= first <= 0xF4 and (second | third | fourth) < 0x40:
        code_point = (first & 0x07) << 18 | second << 12 | third << 6 | fourth
        if 0x10000 <= code_point <= 0x10FFFF:
            return code_point, 4
    return -1, 1


# --- folding: words apart by zero bytes ----------------------------------------------------------------------------


@inlined
def fold(text: Bytes, form: int, tables: CharacterTables, folded: Bytes) -> Integer:
    """Write the folded text and eight zero bytes; return its length without them."""
    length = fold_ascii(text, folded) if form == ASCII else fold_unicode(text, tables, folded)
    for i in range(8):
        folded[length + i] = 0
    return length


@inlined
def fold_ascii(text: Bytes, folded: Bytes) -> int:
    """Small letters and digits as they are, capitals made small, all else zero. No branch: vector instructions."""
    for i in range(text.size):
        byte = text[i]
        small = np.uint8(byte | np.uint8(0x20))
        is_letter = np.uint8(small - np.uint8(0x61)) < np.uint8(26)
        is_digit = np.uint8(byte - np.uint8(0x30)) < np.uint8(10)
        folded[i] = small if is_letter else (byte if is_digit else np.uint8(0))
    return text.size


@inlined
def fold_unicode(text: Bytes, tables: CharacterTables, folded: Bytes) -> int:
    """Fold runs of ASCII at once, other characters by table. `open_word` is the kind of word open, or `SEPARATOR`.

    (What is done per character hands over numbers alone: an array costs forty cycles of counting references.)
    """
    position, length, open_word = 0, 0, SEPARATOR
    while position < text.size:
        if text[position] < 0x80:
            end = end_of_ascii(text, position)
            if open_word == ALONE:
                folded[length] = 0
                length += 1
            length += fold_ascii(text[position:end], folded[length:])
            open_word = SEPARATOR if folded[length - 1] == 0 else LETTER
            position = end
            continue
        code_point, width = decode(text, position)
        kind = SEPARATOR if code_point < 0 else tables.traits[code_point] & KIND_BITS
        if kind == REPLACED:
            length, open_word = put_replacement(code_point, tables, folded, length, open_word)
        else:
            if ends_word(kind, open_word):
                folded[length] = 0
                length += 1
            open_word = word_after(kind, open_word)
            if is_written(kind, open_word):
                for i in range(width):
                    folded[length + i] = text[position + i]
                length += width
        position += width
    return length


@inlined
def put_replacement(
    code_point: Integer, tables: CharacterTables, folded: Bytes, length: int, open_word: int
) -> tuple[int, int]:
    """Write what a character becomes, each of its characters as its own kind demands."""
    index = tables.replacement[code_point]
    for j in range(tables.replacement_start[index], tables.replacement_start[index + 1]):
        kind = tables.replaced_kind[j]
        if ends_word(kind, open_word):
            folded[length] = 0
            length += 1
        open_word = word_after(kind, open_word)
        if is_written(kind, open_word):
            for i in range(tables.replaced_start[j], tables.replaced_start[j + 1]):
                folded[length] = tables.replaced[i]
                length += 1
    return length, open_word


@inlined
def ends_word(kind: int, open_word: int) -> bool:
    """Whether a character of this kind ends the word before it."""
    return (kind in (ALONE, SEPARATOR) and open_word != SEPARATOR) or (kind == LETTER and open_word == ALONE)


@inlined
def word_after(kind: int, open_word: int) -> int:
    """Return the kind of word that is open after a character of this kind; marks and ignored ones change nothing."""
    return kind if kind in (SEPARATOR, LETTER, ALONE) else open_word


@inlined
def is_written(kind: int, open_word: int) -> bool:
    """Whether a character is part of the word that is open after it."""
    return open_word != SEPARATOR and kind != IGNORED


# --- words ---------------------------------------------------------------------------------------------------------


@inlined
def scan_words(
    folded: Bytes, length: Integer, position: Integer, key: SipKey, states: Hashes, last: Hashes, prefixes: Hashes
) -> tuple[Integer, int]:
    """Cut up to `CHUNK` words from the folded text; return where to go on and how many were cut."""
    start_0, start_1, start_2, start_3 = sip_start(key)
    at, stop = U64(position), U64(length)
    n = 0
    while n < CHUNK:
        while at < stop and folded[at] == 0:
            at += U64(1)
        if at >= stop:
            break
        v0, v1, v2, v3 = start_0, start_1, start_2, start_3
        prefix, n_bytes = U64(0), U64(0)
        block = load_block(folded, at)
        zeros = (block - _LOW_BITS) & ~block & _HIGH_BITS
        while zeros == 0:
            v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, block)
            prefix = mix(prefix ^ block) | U64(1)
            n_bytes += U64(8)
            block = load_block(folded, at + n_bytes)
            zeros = (block - _LOW_BITS) & ~block & _HIGH_BITS
        inside = ((zeros & (~zeros + U64(1))) >> U64(7)) - U64(1)  # ones in the bytes before the first zero
        n_bytes += ((inside & _LOW_BITS) * _LOW_BITS) >> U64(56)
        states[0, n], states[1, n], states[2, n], states[3, n] = v0, v1, v2, v3
        last[n] = (block & inside) | (n_bytes << U64(56))
        prefixes[n] = prefix
        at += n_bytes
        n += 1
    return np.int64(at), n


@inlined
def mix(x: np.uint64) -> np.uint64:
    """Return the 64-bit finaliser of MurmurHash3 (Appleby): a permutation in which every bit depends on every bit."""
    x = (x ^ (x >> U64(33))) * _MIX_1
    x = (x ^ (x >> U64(33))) * _MIX_2
    return x ^ (x >> U64(33))


@inlined
def finish_words(n: int, states: Hashes, last: Hashes, words: Hashes) -> None:
    """Write the keyed hashes of the chunk's words behind the `CARRIED` ones."""
    v0, v1, v2, v3, block = states[0, :n], states[1, :n], states[2, :n], states[3, :n], last[:n]
    finished = words[CARRIED : CARRIED + n]
    for i in range(n):
        a, b, c, d = sip_absorb(v0[i], v1[i], v2[i], v3[i], block[i])
        finished[i] = sip_finish(a, b, c, d)


@inlined
def finish_plain(n: int, last: Hashes, prefixes: Hashes, plain: Hashes, pairs: Hashes) -> None:
    """Write the hashes without the key: of the words, behind the carried one, and of the pairs that end at each."""
    block, prefix, before, word, pair = last[:n], prefixes[:n], plain[:n], plain[1 : n + 1], pairs[:n]
    for i in range(n):
        word[i] = mix(prefix[i] ^ block[i])
    for i in range(n):
        pair[i] = mix(before[i] * _GOLDEN + word[i])


@inlined
def carry(n: int, words: Hashes) -> None:
    """Keep the chunk's last `CARRIED` words before those of the next chunk."""
    for i in range(CARRIED):
        words[i] = words[n + i]


# --- shingles and MinHash ------------------------------------------------------------------------------------------


@inlined
def make_shingles(n: int, keys: TextKeys, words: Hashes, shingles: Hashes) -> None:
    """Hash the four words that end at each word: a polynomial in secret multipliers, then mixing between two masks."""
    oldest, older, old, newest = words[:n], words[1 : n + 1], words[2 : n + 2], words[3 : n + 3]
    shingle = shingles[:n]
    for i in range(n):
        together = oldest[i] * keys.multiplier_3 + older[i] * keys.multiplier_2 + old[i] * keys.multiplier_1 + newest[i]
        shingle[i] = mix(together ^ keys.mask_before) ^ keys.mask_after


@inlined
def update_bins(shingles: Hashes, bins: Hashes) -> None:
    """One-permutation MinHash (Li, Owen and Zhang, 2012): six bits choose the bin, the rest compete for its minimum."""
    for shingle in shingles:
        at = shingle >> _BIN_SHIFT
        bins[at] = min(bins[at], shingle & _BIN_VALUE)


@inlined
def fill_bins(borrow_order: Bytes, bins: Hashes, filled: Hashes, empty: npt.NDArray[np.int64]) -> None:
    """Copy the bins, an empty one taking the first full one in an order of its own; one must be full.

    The orders are random permutations, the same for all texts: "optimal densification" (Shrivastava, 2017). Borrowing
    from the nearest full bin would be three times as fast, but makes the bands of short texts agree or differ together.
    """
    n_empty = 0
    for i in range(N_BINS):
        filled[i], empty[n_empty] = bins[i], i
        n_empty += 1 if bins[i] == _EMPTY else 0
    attempt = 0
    while n_empty > 0:  # every bin that is still empty tries its next one; the list of them shrinks without a branch
        n_left = 0
        for i in empty[:n_empty]:
            value = bins[borrow_order[i, attempt]]
            filled[i], empty[n_left] = value, i
            n_left += 1 if value == _EMPTY else 0
        n_empty = n_left
        attempt += 1


@inlined
def fold_bands(filled: Hashes, bands: Hashes) -> None:
    """Hash the 64 full bins to 8 bands of 8; a band takes every eighth bin, so that the inner loop is one vector."""
    for band in range(N_BANDS):
        bands[band] = U64(band + 1) * _GOLDEN
    for row in range(ROWS_PER_BAND):
        for band in range(N_BANDS):
            chained = (bands[band] ^ filled[row * N_BANDS + band]) * _MIX_1
            bands[band] = chained ^ (chained >> U64(32))


@inlined
def keep_distinct(
    shingles: Hashes, sampling: int, stamp: int, seen: Hashes, seen_in: npt.NDArray[np.int64], kept: Hashes
) -> int:
    """Write the sampled shingles that this row has not met yet; return how many."""
    slots = U64(seen.size - 1)
    sampled_out = U64(sampling - 1)
    n_kept = 0
    for shingle in shingles:
        if (shingle >> U64(32)) & sampled_out != 0:
            continue
        slot = shingle & slots
        while seen_in[slot] == stamp and seen[slot] != shingle:
            slot = (slot + U64(1)) & slots
        if seen_in[slot] != stamp:
            seen[slot], seen_in[slot] = shingle, stamp
            kept[n_kept] = shingle
            n_kept += 1
    return n_kept


# --- the turn as a whole, cues, projection -------------------------------------------------------------------------


@inlined
def chain_words(words: Hashes, state: State) -> State:
    """SipHash state after more words, a word's hash being one block."""
    v0, v1, v2, v3 = state
    for word in words:
        v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, word)
    return v0, v1, v2, v3


@inlined
def meet_cues(
    hashes: Hashes, cues: Cues, stamp: int, met_in: npt.NDArray[np.int64], sums: npt.NDArray[np.int64]
) -> None:
    """Add the weights of the cues among `hashes`, each cue once per row."""
    for hashed in hashes:
        bit = hashed & U64(CUE_FILTER_BITS - 1)
        if (cues.present[bit >> U64(6)] >> (bit & U64(63))) & U64(1) == 0:
            continue
        slot = hashed >> U64(51)
        while cues.tags[slot] != 0 and cues.tags[slot] != hashed:
            slot = (slot + U64(1)) & U64(CUE_SLOTS - 1)
        if cues.tags[slot] == hashed and met_in[slot] != stamp:
            met_in[slot] = stamp
            for intent in range(N_INTENTS):
                sums[intent] += cues.weights[slot, intent]


@inlined
def find_topics(last: Hashes, prefixes: Hashes, n: int, topics: npt.NDArray[np.int64]) -> int:
    """Write which of the chunk's words carry a topic: all but ASCII words of one to three bytes; return how many."""
    n_topics = 0
    for i in range(n):
        topics[n_topics] = i
        is_long = (prefixes[i] != 0) | (last[i] >> U64(56) >= TOPIC_BYTES)
        n_topics += 1 if is_long | (last[i] & _HIGH_BITS_OF_SEVEN != 0) else 0
    return n_topics


@inlined
def vote(
    words: Hashes, topics: npt.NDArray[np.int64], table: npt.NDArray[np.int8], votes: npt.NDArray[np.int32]
) -> None:
    """Add the sign vectors of the words of topic."""
    for i in topics:
        signs = table[words[i] >> U64(52)]
        for j in range(N_PROJECTION):
            votes[j] += signs[j]


@inlined
def scale_votes(n_voted: int, votes: npt.NDArray[np.int32], projection: npt.NDArray[np.int8]) -> None:
    """Votes over the root of their number, in steps, rounded half up and clipped to +-127."""
    scale = PROJECTION_STEPS / np.sqrt(np.float64(n_voted)) if n_voted else 0.0
    for j in range(N_PROJECTION):
        steps = np.floor(votes[j] * scale + 0.5)
        at_most = 127.0 if steps > 127.0 else steps
        projection[j] = np.int8(-127.0 if at_most < -127.0 else at_most)


# --- rows ----------------------------------------------------------------------------------------------------------


@inlined
def fold_row(row: int, texts: Strings, form: npt.NDArray[np.uint8], tables: CharacterTables, folded: Bytes) -> Integer:
    """Fold one row; return the length, 0 for a null."""
    if not is_valid(texts.validity, texts.first_bit + row):
        return 0
    text = texts.data[texts.offsets[row] : texts.offsets[row + 1]]
    return fold(text, form[row], tables, folded)


@inlined
def begin_words(words: Hashes) -> None:
    """Forget the words of the row before. (Loops: they compile to less than slices do.)"""
    for i in range(CARRIED):
        words[i] = 0


@inlined
def begin_minhash(bins: Hashes) -> None:
    """Empty the bins."""
    for i in range(N_BINS):
        bins[i] = _EMPTY


@inlined
def begin_sums(sums: npt.NDArray[np.int64], votes: npt.NDArray[np.int32]) -> None:
    """Forget the cues and votes of the row before."""
    for intent in range(N_INTENTS):
        sums[intent] = 0
    for j in range(N_PROJECTION):
        votes[j] = 0


@inlined
def first_shingle(n_before: int, n: int) -> int:
    """Where the chunk's shingles begin: the fourth word, or the last one of a text with fewer than four."""
    return 0 if n_before > 0 else min(CARRIED, n - 1)


@compiled
def sketch_rows(
    rows: tuple[int, int],
    texts: Strings,
    form: npt.NDArray[np.uint8],
    tables: CharacterTables,
    keys: TextKeys,
    cues: Cues,
    sign_table: npt.NDArray[np.int8],
    limits: Limits,
    scratch: Scratch,
    out: Sketched,
) -> int:
    """Sketch the rows of a stretch; return how many shingles were written."""
    folded, states, last, prefixes, words, plain, pairs, shingles = scratch[:8]
    seen, seen_in, met_in = scratch.seen, scratch.seen_in, scratch.met_in
    sums, topics, votes = scratch.cue_sums, scratch.topics, scratch.votes
    n_shingles = 0
    for row in range(rows[0], rows[1]):
        length = fold_row(row, texts, form, tables, folded)
        position: Integer = 0
        n_words, n_voted, n_kept = 0, 0, 0
        begin_words(words)
        begin_sums(sums, votes)
        state = sip_start(keys.chain)
        while True:
            position, n = scan_words(folded, length, position, keys.word, states, last, prefixes)
            if n == 0:
                break
            finish_words(n, states, last, words)
            new_words = words[CARRIED : CARRIED + n]

            make_shingles(n, keys, words, shingles)
            first = first_shingle(n_words, n)
            shingled = min(n, limits.max_words - n_words)
            if shingled > first:
                kept = out.shingles[n_shingles + n_kept :]
                n_kept += keep_distinct(shingles[first:shingled], limits.sampling, row + 1, seen, seen_in, kept)

            state = chain_words(new_words, state)

            finish_plain(n, last, prefixes, plain, pairs)
            meet_cues(plain[1 : n + 1], cues, row + 1, met_in, sums)
            first_pair = 1 if n_words == 0 else 0
            meet_cues(pairs[first_pair:n], cues, row + 1, met_in, sums)
            plain[0] = plain[n]

            n_topics = find_topics(last, prefixes, n, topics)
            vote(new_words, topics[:n_topics], sign_table, votes)
            n_voted += n_topics
            carry(n, words)
            n_words += n
        out.n_words[row] = n_words
        out.n_shingles[row] = n_kept
        n_shingles += n_kept
        if n_words > 0:
            out.turn_hash[row, 0] = sip_finish(state[0], state[1], state[2], state[3])
            out.turn_hash[row, 1] = sip_finish_again(state[0], state[1], state[2], state[3])
            for intent in range(N_INTENTS):
                out.cue_sums[row, intent] = sums[intent]
            scale_votes(n_voted, votes, out.projection[row])
    return n_shingles


@compiled
def minhash_rows(
    rows: tuple[int, int],
    texts: Strings,
    form: npt.NDArray[np.uint8],
    tables: CharacterTables,
    keys: TextKeys,
    borrow_order: Bytes,
    scratch: Scratch,
    bands: Hashes,
) -> None:
    """Return the MinHash bands of the rows of a stretch, and nothing else."""
    folded, states, last, prefixes, words = scratch[:5]
    shingles, bins, filled, empty = scratch.shingles, scratch.bins, scratch.filled, scratch.empty
    for row in range(rows[0], rows[1]):
        length = fold_row(row, texts, form, tables, folded)
        position: Integer = 0
        n_words = 0
        begin_words(words)
        begin_minhash(bins)
        while True:
            position, n = scan_words(folded, length, position, keys.word, states, last, prefixes)
            if n == 0:
                break
            finish_words(n, states, last, words)
            make_shingles(n, keys, words, shingles)
            update_bins(shingles[first_shingle(n_words, n) : n], bins)
            carry(n, words)
            n_words += n
        if n_words > 0:
            fill_bins(borrow_order, bins, filled, empty)
            fold_bands(filled, bands[row])


@compiled
def hash_rows(
    rows: tuple[int, int],
    texts: Strings,
    form: npt.NDArray[np.uint8],
    tables: CharacterTables,
    keys: TextKeys,
    scratch: Scratch,
) -> np.uint64:
    """Fold, cut and hash every word and keep nothing but their exclusive or: the floor under any sketch of words."""
    folded, states, last, prefixes, words = scratch[:5]
    together = U64(0)
    for row in range(rows[0], rows[1]):
        length = fold_row(row, texts, form, tables, folded)
        position: Integer = 0
        while True:
            position, n = scan_words(folded, length, position, keys.word, states, last, prefixes)
            if n == 0:
                break
            finish_words(n, states, last, words)
            for word in words[CARRIED : CARRIED + n]:
                together ^= word
    return together
