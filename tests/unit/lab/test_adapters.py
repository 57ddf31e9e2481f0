"""Local copies of public data, in small: the columns and values are of the published shape, the words our own."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from gauger.errors import InputError, UsageError
from gauger.lab import ChatPersons, LocalCopies, Scenario, simulate
from gauger.lab.adapters import FIELDS, arrivals_of, talks, with_talks
from gauger.lab.pools import PART_ENDS


def said(person, number, *more):
    """A conversation as WildChat and LMSYS-Chat-1M publish it."""
    turns = [f"How do I fold paper boat {number} of {person}?", *more]
    return [
        {"role": role, "content": text if role == "user" else "Fold it twice."}
        for text in turns
        for role in ("user", "assistant")
    ]


def wildchat(n=60):
    languages = ["English", "English", "Chinese", "Unknown"]
    return [
        {
            "conversation_hash": f"hash{number}",
            "model": "gpt-4-0314",
            "conversation": said(number % 7, number, "And with wet paper?"),
            "turn": 2,
            "language": languages[number % 4],
            "toxic": False,
            "redacted": False,
            "state": "Texas",
            "country": "United States",
            "hashed_ip": f"ip{number % 7}",
        }
        for number in range(n)
    ]


def lmsys(n=60):
    return [
        {
            "conversation_id": f"id{number}",
            "model": "vicuna-13b",
            "conversation": said("lmsys", number),
            "turn": 1,
            "language": "English",
            "redacted": False,
        }
        for number in range(n)
    ]


def as_parquet(path, rows):
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)


def as_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize("rows", [wildchat(), lmsys()], ids=["WildChat", "LMSYS-Chat-1M"])
@pytest.mark.parametrize(("write", "suffix"), [(as_parquet, "parquet"), (as_jsonl, "jsonl")])
def test_published_conversations_become_talks(rows, write, suffix, tmp_path):
    write(tmp_path / f"train-00000.{suffix}", rows)
    found = list(talks(tmp_path))
    assert len(found) == len(rows)
    for talk, row in zip(found, rows, strict=True):
        assert list(talk.turns) == [message["content"] for message in row["conversation"] if message["role"] == "user"]
        assert talk.language == row["language"].lower()
        assert talk.person == row.get("hashed_ip", "")


def test_files_of_a_folder_are_read_in_order(tmp_path):
    (tmp_path / "data").mkdir()
    for number in (2, 0, 1):
        as_jsonl(tmp_path / "data" / f"train-0000{number}.jsonl", [{"prompt": f"question {number}"}])
    (tmp_path / "README.md").write_text("words")
    assert [talk.turns for talk in talks(tmp_path)] == [("question 0",), ("question 1",), ("question 2",)]


def test_a_person_of_the_data_set_stays_in_one_topic(pools):
    topics = with_talks(pools, _talks(wildchat(400)), where="here").topics
    homes = {}
    for name, shelf in topics.items():
        for part in shelf.texts.values():
            for text in part:
                if not name.startswith("chinese:"):
                    homes.setdefault(text.split(" of ")[1], set()).add(name)
    assert {len(found) for found in homes.values()} == {1}
    assert "chinese:talks" in topics
    assert not any(name.startswith("unknown") for name in topics)


def _talks(rows):
    from gauger.lab.adapters import Talk

    return (
        Talk(
            tuple(m["content"] for m in row["conversation"] if m["role"] == "user"),
            row["language"].lower(),
            row.get("hashed_ip", ""),
        )
        for row in rows
    )


def test_later_turns_become_follow_ups_and_no_text_has_two_parts(pools):
    made = with_talks(pools, _talks(wildchat(400)), where="here")
    assert any("And with wet paper?" in part for part in made.follow_ups.texts.values())
    parts = {part: {text for shelf in made.topics.values() for text in shelf.texts[part]} for part in PART_ENDS}
    assert sum(map(len, parts.values())) == len(set().union(*parts.values())) == 400


def test_csv_with_a_named_field(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text('id,ask,language\n1,"two\nlines, quoted",English\n2,plain,\n3,,English\n')
    found = list(talks(path, field="ask"))
    assert [talk.turns for talk in found] == [("two\nlines, quoted",), ("plain",)]
    assert [talk.language for talk in found] == ["english", ""]


@pytest.mark.parametrize("field", FIELDS)
def test_usual_columns_are_found(field, tmp_path):
    as_jsonl(tmp_path / "a.jsonl", [{"id": 1, field: "What is a fjord?"}, {"id": 2, field: None}, {"id": 3}])
    assert [talk.turns for talk in talks(tmp_path)] == [("What is a fjord?",)]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl", "csv"])
def test_a_column_that_is_not_there_is_named_with_those_that_are(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        as_parquet(path, [{"title": "x", "body": "y"}])
    elif suffix == "jsonl":
        as_jsonl(path, [{"title": "x", "body": "y"}])
    else:
        path.write_text("title,body\nx,y\n")
    with pytest.raises(InputError, match="there is no column words; there are title, body"):
        list(talks(path, field="words"))


def test_absent_damaged_and_empty_prompts_are_refused(tmp_path, pools):
    with pytest.raises(InputError, match="no Parquet, JSON-lines or CSV file"):
        list(talks(tmp_path / "nowhere"))
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match="cannot be read"):
        list(talks(tmp_path / "a.parquet"))
    (tmp_path / "b.jsonl").write_text('{"prompt": "fine"}\n[1, 2]\n')
    with pytest.raises(InputError, match="no JSON object") as refused:
        list(talks(tmp_path / "b.jsonl"))
    assert "line 2" in str(refused.value)
    as_jsonl(tmp_path / "c.jsonl", [{"prompt": " "}])
    with pytest.raises(InputError, match="no prompt was found"):
        LocalCopies(prompts=tmp_path / "c.jsonl").into(pools)
    with pytest.raises(UsageError, match="no prompts are given"):
        LocalCopies(field="prompt")


def test_persons_of_a_world_say_what_the_copy_holds(tmp_path, pools):
    as_parquet(tmp_path / "train.parquet", wildchat(400))
    own = LocalCopies(prompts=tmp_path).into(pools)
    scenario = Scenario(name="test", parts=(ChatPersons(n=20, styled_share=0.0),), weekly_exchanges=5.0)
    world = simulate(scenario, seed=1, pools=own)
    assert np.mean(["paper boat" in text for text in world.exchanges["user_prompt"].to_pylist()]) > 0.2
    assert world.exchanges.equals(simulate(scenario, seed=1, pools=LocalCopies(prompts=tmp_path).into(pools)).exchanges)


# -- arrivals

BURST = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,230,1317,Conversation log
100,GPT-4,417,276,693,API log
118,ChatGPT,1360,0,1360,API log
160,ChatGPT,185,431,616,API log
"""


def test_burst_gpt_times_programs_and_sizes_answers(tmp_path, pools):
    path = tmp_path / "BurstGPT_1.csv"
    path.write_text(BURST)
    found = arrivals_of(path, pools.arrivals)
    assert found.machine_gaps.tolist() == [18 / 30, 42 / 30]
    assert sorted(found.output_tokens) == [18, 230, 276, 431]
    assert found.turns is pools.arrivals.turns


def test_burst_gpt_sessions_are_conversations(tmp_path, pools):
    path = tmp_path / "BurstGPT_3.csv"
    path.write_text(
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "0.5,a,1.0,ChatGPT,4,5,9,Conversation log\n"
        "30.5,a,1.0,ChatGPT,4,5,9,Conversation log\n"
        "31.0,b,1.0,ChatGPT,4,5,9,Conversation log\n"
        "40.0,,1.0,ChatGPT,4,5,9,API log\n"
    )
    found = arrivals_of(path, pools.arrivals)
    assert sorted(found.turns) == [1, 2]
    assert found.think_s.tolist() == [30.0]


def test_azure_and_mooncake_traces_are_known(tmp_path, pools):
    azure = tmp_path / "azure.csv"
    azure.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:47.6805900,396,109\n2023-11-16 18:15:50.6805900,879,55\n"
    )
    assert arrivals_of(azure, pools.arrivals).machine_gaps.tolist() == [0.5, 1.5]
    mooncake = tmp_path / "trace.jsonl"
    as_jsonl(
        mooncake,
        [
            {"timestamp": 0, "input_length": 2300, "output_length": 52, "hash_ids": [0, 1, 2, 3, 4]},
            {"timestamp": 9000, "input_length": 2400, "output_length": 26, "hash_ids": [0, 1, 2, 3, 9]},
        ],
    )
    found = arrivals_of(mooncake, pools.arrivals)
    assert (found.turns.tolist(), found.think_s.tolist()) == ([2], [9.0])
    assert found.machine_gaps is pools.arrivals.machine_gaps


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when,what\n1,2\n", "no known kind"),
        (BURST.splitlines()[0] + "\n", "too short"),
        (BURST.splitlines()[0] + "\nsoon,ChatGPT,1,2,3,API log\n", "cannot be read"),
    ],
)
def test_a_trace_that_is_none_is_refused(text, says, tmp_path, pools):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        arrivals_of(path, pools.arrivals)


def test_an_absent_trace_is_refused(tmp_path, pools):
    with pytest.raises(InputError, match="cannot be read"):
        arrivals_of(tmp_path / "none.csv", pools.arrivals)
