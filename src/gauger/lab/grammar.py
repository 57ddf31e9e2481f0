"""The built-in grammar: prompts of many kinds in our own wording, so that the lab works without any data set."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from string import Formatter
from typing import Final

import numpy as np

from gauger.errors import UsageError
from gauger.lab import phrases
from gauger.lab.attack_phrases import ATTACK_LIST_FRAMES, ATTACK_LIST_WORDS
from gauger.lab.phrases import Bank
from gauger.lab.pools import Arrivals, Pools, Shelf, Texts, as_texts, shelf
from gauger.sources.json_text import canonical

#: Share of chat prompts that begin with a context or end with a wish.
CONTEXT_SHARE: Final = 0.4
WISH_SHARE: Final = 0.45


def sentences(frames: Sequence[str], words: Mapping[str, Sequence[str]], n: int, *, rng: np.random.Generator) -> Texts:
    """Return n sentences: a frame at random, every slot filled at random, a slot that recurs alike: object[n]."""
    chosen = rng.integers(0, len(frames), n)
    made = np.empty(n, dtype=object)
    for number, frame in enumerate(frames):
        rows = np.flatnonzero(chosen == number)
        pattern, slots = _pattern(frame)
        fills = {
            slot: np.array(words[slot], dtype=object)[rng.integers(0, len(words[slot]), len(rows))] for slot in slots
        }
        made[rows] = (
            [pattern % fill for fill in zip(*(fills[slot] for slot in slots), strict=True)] if slots else pattern % ()
        )
    return made


def _pattern(frame: str) -> tuple[str, list[str]]:
    """Return the frame as a pattern for the % operator, and the slots in order."""
    pieces = list(Formatter().parse(frame))
    pattern = "".join(literal.replace("%", "%%") + ("" if slot is None else "%s") for literal, slot, _, _ in pieces)
    return pattern, [slot for _, slot, _, _ in pieces if slot is not None]


def grammar_pools(seed: int = 0, *, per_topic: int = 4_000) -> Pools:
    """Return pools made by the grammar alone.

    Parameters
    ----------
    seed
        Another seed gives other texts.
    per_topic
        Prompts drawn for each topic and line of business; duplicates are dropped, so a little fewer remain. Campaign
        lists are four times as long.
    """
    rng = np.random.default_rng(seed)
    return Pools(
        topics={topic: shelf(topic_texts(topic, per_topic, rng=rng)) for topic in phrases.TOPICS},
        code=shelf(code_texts(8 * per_topic, rng=rng)),
        inputs={business: shelf(business_texts(business, per_topic, rng=rng)) for business in phrases.BUSINESSES},
        follow_ups=follow_ups(per_topic, rng=rng),
        answers=answers(rng=rng),
        lists={
            **{name: list_texts(name, 4 * per_topic, rng=rng) for name in phrases.LIST_FRAMES},
            **attack_lists(4 * per_topic, rng=np.random.default_rng([seed, 1])),
        },
        suites={"math": as_texts(sentences(phrases.SUITE_FRAMES, phrases.SUITE_WORDS, 2_000, rng=rng))},
        arrivals=declared_arrivals(),
    )


def declared_arrivals() -> Arrivals:
    """Return arrivals without a trace: 999 quantiles each, so that no chance is spent.

    Seconds between turns are lognormal with median 125 and sigma 1.0; three of four conversations have one turn and
    each further turn follows with chance 0.4; gaps of programs are lognormal with sigma 1.1 and mean 1; answers are
    lognormal with median 130 tokens and sigma 0.9. The medians are near those of the public traces that `data_pools`
    reads.
    """
    normal = np.array([NormalDist().inv_cdf(step / 1_000) for step in range(1, 1_000)])
    gaps = np.exp(1.1 * normal)
    turns = np.repeat(np.arange(1, 9), [750, 150, 60, 24, 9, 4, 1, 1])
    return Arrivals(
        turns=turns.astype(np.int64),
        think_s=125.0 * np.exp(normal),
        machine_gaps=gaps / gaps.mean(),
        output_tokens=np.rint(130 * np.exp(0.9 * normal)).astype(np.int64),
    )


def topic_texts(topic: str, n: int, *, rng: np.random.Generator) -> Texts:
    """Return distinct prompts on a topic, some with a context before and a wish after the question."""
    frames, own = phrases.TOPICS[topic]
    words: Bank = {**phrases.EVERYDAY, **own}
    asks = sentences(frames, words, n, rng=rng)
    if ":" not in topic:
        before = sentences(phrases.CONTEXTS, words, n, rng=rng) + " "
        after = " " + sentences(phrases.WISHES, words, n, rng=rng)
        asks = _maybe(before, share=CONTEXT_SHARE, rng=rng) + asks + _maybe(after, share=WISH_SHARE, rng=rng)
    return as_texts(_capital(text) for text in asks)


def code_texts(n: int, *, rng: np.random.Generator) -> Texts:
    """Return distinct questions of developers."""
    return as_texts(_capital(text) for text in sentences(phrases.CODE_ASKS, phrases.SOFTWARE, n, rng=rng))


def business_texts(business: str, n: int, *, rng: np.random.Generator) -> Texts:
    """Return distinct words of end users of a line of business."""
    frames, own = phrases.BUSINESSES[business]
    return as_texts(sentences(frames, {**phrases.EVERYDAY, **own}, n, rng=rng))


def follow_ups(n: int, *, rng: np.random.Generator) -> Shelf:
    """Return later turns of conversations."""
    return shelf(sentences(phrases.FOLLOW_UPS, phrases.EVERYDAY, n, rng=rng))


def answers(n: int = 1_000, *, rng: np.random.Generator) -> Texts:
    """Return short answers."""
    return as_texts(_capital(text) for text in sentences(phrases.ANSWERS, phrases.ANSWER_WORDS, n, rng=rng))


def list_texts(name: str, n: int, *, rng: np.random.Generator) -> Texts:
    """Return the distinct items of a campaign's list."""
    words: Bank = {**phrases.EVERYDAY, **phrases.SOFTWARE, **phrases.SUITE_WORDS, **phrases.LIST_WORDS}
    return as_texts(sentences(phrases.LIST_FRAMES[name], words, n, rng=rng))


def attack_lists(n: int, *, rng: np.random.Generator) -> dict[str, Texts]:
    """Return the further lists of campaigns by name, up to n distinct items each."""
    words: Bank = {**phrases.EVERYDAY, **phrases.SOFTWARE, **phrases.SUITE_WORDS, **ATTACK_LIST_WORDS}
    return {name: as_texts(sentences(frames, words, n, rng=rng)) for name, frames in ATTACK_LIST_FRAMES.items()}


def names(n: int, *, rng: np.random.Generator) -> Texts:
    """Return names of projects and companies, mostly distinct: object[n]."""
    return sentences(("{first}-{second}", "{first}{second}", "{second}-{first}"), phrases.PROJECT, n, rng=rng)


def file_names(n: int, *, rng: np.random.Generator) -> Texts:
    """Return names of source files: object[n]."""
    return sentences(
        ("{folder}/{file}.{suffix}", "{folder}/{file}/{file}.{suffix}", "{file}.{suffix}"), phrases.PROJECT, n, rng=rng
    )


def templates(owners: Texts, *, rng: np.random.Generator) -> Texts:
    """Return the prompt of one application of each owner: object[n]."""
    n = len(owners)
    words: Bank = {**phrases.EVERYDAY, **phrases.TEMPLATE_WORDS}
    parts = [_named(group, words, owners, rng=rng) for group in phrases.TEMPLATE_GROUPS]
    return np.array([" ".join(rows) for rows in zip(*parts, strict=True)], dtype=object) if n else owners


def _named(group: Sequence[str], words: Bank, owners: Texts, *, rng: np.random.Generator) -> list[str]:
    made = sentences([frame.replace("{name}", "\0") for frame in group], words, len(owners), rng=rng)
    return [text.replace("\0", owner.title()) for text, owner in zip(made, owners, strict=True)]


def agent_prompts(
    name: str, *, rng: np.random.Generator, releases: int = 1, n: int = 14, changed: int = 6
) -> list[str]:
    """Return an agent's fixed prompt before and after each release: n sentences, `changed` of them replaced."""
    words: Bank = {"name": (name,), **phrases.AGENT_WORDS}
    first, *others = phrases.AGENT_SENTENCES
    made = [str(sentences([frame], words, 1, rng=rng)[0]) for frame in (first, *rng.permutation(others))]
    prompt, spare = made[:n], made[n:]
    prompts = [" ".join(prompt)]
    for _ in range(releases):
        for place in 1 + rng.permutation(n - 1)[: min(changed, len(spare))]:
            prompt[place], spare = spare[0], [*spare[1:], prompt[place]]
        prompts.append(" ".join(prompt))
    return prompts


def agent_frames(name: str) -> list[str]:
    """Return the frames an agent may put around a request."""
    return [frame.format(name=name) for frame in phrases.AGENT_FRAMES]


def tool_schema(names_of_tools: Sequence[str], *, owner: str) -> str:
    """Return a tool schema as canonical JSON."""
    return canonical(
        [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": f"{name.replace('_', ' ')} in {owner}",
                    "parameters": {
                        "type": "object",
                        "properties": {"target": {"type": "string"}},
                        "required": ["target"],
                    },
                },
            }
            for name in names_of_tools
        ]
    )


def wrappers(n: int, *, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return n distinct wrappings of an item, as the text before it and the text after it.

    Five sentences for each of three places (two before the item, one after it) give at most 125.
    """
    bank = [
        [str(sentences([group[k]], phrases.WRAPPER_WORDS, 1, rng=rng)[0]) for k in rng.permutation(len(group))[:5]]
        for group in phrases.WRAPPER_GROUPS
    ]
    chosen = np.unravel_index(rng.permutation(125)[:n], (5, 5, 5))
    return [(f"{bank[0][a]} {bank[1][b]}\n\n", f"\n\n{bank[2][c]}") for a, b, c in zip(*chosen, strict=True)]


def signatures(n: int, *, rng: np.random.Generator) -> Texts:
    """Return phrases with which persons close, mostly distinct: object[n]."""
    return sentences(phrases.SIGNATURES, {**phrases.EVERYDAY, **phrases.PROJECT}, n, rng=rng)


def suite_template(*, rng: np.random.Generator) -> str:
    """Return a template of a suite's own, with a place for its item."""
    words: Bank = {**phrases.EVERYDAY, **phrases.TEMPLATE_WORDS}
    owner = names(1, rng=rng)
    parts = [_named(group, words, owner, rng=rng)[0] for group in phrases.TEMPLATE_GROUPS]
    return f"{' '.join(parts)}\n\n{{item}}"


def viral(n: int, *, rng: np.random.Generator) -> Texts:
    """Return one viral frame with n distinct fills: object[n]. Everything but the gap is the same."""
    words: Bank = {**phrases.EVERYDAY, **phrases.VIRAL_WORDS, "gap": ("\0",)}
    frame = str(sentences(phrases.VIRAL_FRAMES, words, 1, rng=rng)[0])
    gap = as_texts(sentences(phrases.VIRAL_GAPS, phrases.VIRAL_WORDS, 16 * n, rng=rng))[:n]
    if len(gap) < n:
        raise UsageError(f"a viral frame of the grammar has fewer than {n} fills", todo="ask for fewer accounts")
    return np.array([frame.replace("\0", own) for own in gap], dtype=object)


def assignment(*, rng: np.random.Generator) -> str:
    """Return the text of a university assignment."""
    return str(sentences(phrases.ASSIGNMENT, {**phrases.EVERYDAY, **phrases.ASSIGNMENT_WORDS}, 1, rng=rng)[0])


def student_questions(n: int, *, rng: np.random.Generator) -> Texts:
    """Return questions on an assignment: object[n]."""
    return sentences(phrases.STUDENT_QUESTIONS, phrases.STUDENT_WORDS, n, rng=rng)


def _maybe(texts: Texts, *, share: float, rng: np.random.Generator) -> Texts:
    return np.where(rng.random(len(texts)) < share, texts, "").astype(object)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
