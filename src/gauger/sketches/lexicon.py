"""The cues of intents, in the project's own words: intent -> weight -> words and word pairs.

A cue is written folded, as the kernel sees it: small letters, words apart by a space, no punctuation; every Han or kana
character is a word, so "步 骤" is a pair of characters.
"""

LEXICON: dict[str, dict[float, str]] = {"grading": {0.5: "rubric,score the"}, "coding": {0.3: "python"}}
