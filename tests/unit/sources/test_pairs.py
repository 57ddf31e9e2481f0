"""OpenAI and Anthropic: a request, its answer, and what the gateway says beside them."""

import json

import pytest

from gauger.exchanges.turns import earlier_turns


@pytest.fixture
def openai(read_path, log_folder):
    outcome = read_path(log_folder / "openai_pairs.jsonl")
    assert not outcome.faults
    return outcome.rows


@pytest.fixture
def anthropic(read_path, log_folder):
    outcome = read_path(log_folder / "anthropic_pairs.jsonl")
    assert not outcome.faults
    return outcome.rows


@pytest.fixture
def read_pair(read_bytes):
    def read(request, response=None, **beside):
        beside = {"timestamp": "2025-11-21T08:00:00Z", "account_id": "acct-1"} | beside
        return read_bytes(json.dumps({**beside, "request": request, "response": response}).encode())

    return read


def chat(*turns):
    return {"model": "m", "messages": [{"role": role, "content": content} for role, content in turns]}


def test_chat_completion_with_its_side_car(openai):
    row = openai[0]
    assert (row["account_id"], row["organisation_id"], row["api_key_id"]) == ("acct-1", "org-1", "key-1")
    assert (row["request_id"], row["end_user_id"]) == ("chatcmpl-b1", "end-3")
    assert (row["client_address"], row["user_agent"]) == ("198.51.100.7", "OpenAI/JS 6.1.0")
    assert row["client_fingerprint"] == "lang=js; runtime=node"
    assert (row["http_status"], row["latency_ms"], row["finish_reason"]) == (200, 812, "stop")
    assert (row["system_prompt"], row["user_prompt"]) == ("Answer in one line.", "Name a tool for sounding depth.")
    assert (row["response"], row["max_tokens"], row["reasoning_tokens"]) == ("A lead line.", 50, 0)


def test_results_of_tools_alone_are_the_last_user_turn(openai):
    row = openai[1]
    assert row["user_prompt"] == "shipped\n\npacked"
    assert earlier_turns(row["conversation_prefix"]) == ["Where is order 77?"]
    assert [message["role"] for message in json.loads(row["conversation_prefix"])] == ["user", "assistant"]


def test_answer_by_tool_call_is_written_as_a_call(openai):
    assert openai[1]["response"] == 'find_order({"number":"79"})'


def test_first_hop_and_milliseconds_are_understood(openai):
    assert openai[1]["client_address"] == "198.51.100.8"
    assert openai[1]["occurred_at"].isoformat() == "2025-11-21T08:01:00.123000+00:00"


def test_responses_api_with_a_bare_input(openai):
    row = openai[2]
    assert (row["system_prompt"], row["user_prompt"]) == ("Be exact.", "How many fathoms are 30 metres?")
    assert (row["response"], row["finish_reason"]) == ("About 16.4.", "completed")
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (18, 140, 128)
    assert (row["conversation_id"], row["client_address"]) == ("conv_9", "2001:db8::5")


def test_responses_api_with_items(openai):
    row = openai[3]
    assert (row["system_prompt"], row["user_prompt"]) == ("Be exact.", "depth 12 m")
    assert earlier_turns(row["conversation_prefix"])[0] == "Read the chart.\n\n[image]"
    assert row["tool_names"] == ["zoom", "web_search"]
    assert (row["response"], row["finish_reason"]) == ('zoom({"by":2})', "max_output_tokens")


def test_reasoning_block_returned_once_is_met_again_where_it_is_sent_back(openai, anthropic):
    assert openai[2]["reasoning_block"] == openai[3]["reasoning_block"] == "gAAAAB-sealed-1"
    assert openai[2]["account_id"] == openai[3]["account_id"]
    assert anthropic[0]["reasoning_block"] == anthropic[1]["reasoning_block"] == "EqQBCkgIARABGAIiQL-signed-1"
    assert anthropic[0]["account_id"] != anthropic[1]["account_id"]


def test_refused_call_keeps_its_prompt_and_its_error(openai):
    row = openai[4]
    assert (row["user_prompt"], row["response"]) == ("Hello?", None)
    assert (row["http_status"], row["error_code"]) == (429, "rate_limit_exceeded")


def test_anthropic_message(anthropic):
    row = anthropic[0]
    assert row["system_prompt"] == "You are a pilot.\n\nSpeak plainly."
    assert (row["user_prompt"], row["response"]) == ("May I anchor here?", "No, the ground is foul.")
    assert (row["request_id"], row["end_user_id"], row["finish_reason"]) == ("msg_c1", "u-41", "end_turn")
    assert row["input_tokens"] == 20 + 5 + 100  # cached tokens are input too
    assert row["provider_name"] == "anthropic"


def test_anthropic_tool_result_and_tool_use(anthropic):
    row = anthropic[1]
    assert row["user_prompt"] == "foul ground"
    assert earlier_turns(row["conversation_prefix"])[0] == "May I anchor here?"
    assert (row["response"], row["tool_names"]) == ('chart({"area":"C"})', ["chart"])


def test_anthropic_call_without_an_answer_is_still_known(anthropic):
    assert (anthropic[2]["provider_name"], anthropic[2]["http_status"]) == ("anthropic", 529)


def test_thinking_is_no_part_of_the_answer_s_text(anthropic):
    assert "Check the chart." not in str([row["response"] for row in anthropic])


def test_first_turn_has_no_prefix(read_pair):
    row = read_pair(chat(("system", "s"), ("user", "one"))).rows[0]
    assert (row["user_prompt"], row["conversation_prefix"]) == ("one", None)


def test_messages_of_the_user_in_a_row_are_one_turn(read_pair):
    row = read_pair(chat(("user", "context"), ("user", "question"))).rows[0]
    assert (row["user_prompt"], row["conversation_prefix"]) == ("context\n\nquestion", None)


def test_words_put_into_the_assistant_s_mouth_are_not_before_the_last_turn(read_pair):
    row = read_pair(chat(("user", "one"), ("assistant", "Sure:"))).rows[0]
    assert (row["user_prompt"], row["conversation_prefix"]) == ("one", None)


def test_system_messages_are_joined_and_never_in_the_prefix(read_pair):
    talk = chat(("system", "a"), ("user", "one"), ("developer", "b"), ("assistant", "two"), ("user", "three"))
    row = read_pair(talk).rows[0]
    assert row["system_prompt"] == "a\n\nb"
    assert [turn["role"] for turn in json.loads(row["conversation_prefix"])] == ["user", "assistant"]


def test_prefix_and_tools_do_not_depend_on_the_order_of_keys(read_pair):
    turns = [{"role": "user", "content": "one"}, {"content": "two", "role": "assistant"}]
    last = {"role": "user", "content": "three"}
    tools = [{"type": "function", "function": {"name": "f", "strict": True}}]
    row = read_pair({"messages": [*turns, last], "tools": tools}).rows[0]
    turned = [dict(reversed(turn.items())) for turn in turns]
    other = read_pair({"messages": [*turned, last], "tools": [dict(reversed(tools[0].items()))]}).rows[0]
    assert row["conversation_prefix"] == other["conversation_prefix"]
    assert row["tool_schema"] == other["tool_schema"]


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"type": "text", "text": "words"}, "words"),
        ({"type": "input_audio", "input_audio": {"data": "UklG"}}, "[audio]"),
        ({"type": "document", "source": {"data": "JVBE"}}, "[document]"),
        ({"type": "Ünknown kind with words"}, "[part]"),
        ("bare", "bare"),
    ],
)
def test_parts_that_are_no_text_become_a_word(read_pair, part, text):
    assert read_pair({"messages": [{"role": "user", "content": [part]}]}).rows[0]["user_prompt"] == text


@pytest.mark.parametrize("messages", [17, True, [17], [["nested"]]])
def test_messages_that_are_none_cost_the_prompt_alone(read_pair, messages):
    outcome = read_pair({"messages": messages}, {"choices": [{"message": {"content": "fine"}}]})
    assert outcome.rows[0]["response"] == "fine"
    assert outcome.reasons == [(0, "user_prompt", "wrong_type")]


def test_pair_without_an_account_is_quarantined_even_when_the_body_names_a_user(read_bytes):
    record = {"timestamp": 1763712000, "request": {"messages": [], "user": "someone"}, "response": {}}
    assert read_bytes(json.dumps(record).encode()).reasons == [(0, "account_id", "missing_value")]


def test_bodies_kept_as_text_are_opened(read_pair):
    row = read_pair(json.dumps(chat(("user", "one"))), json.dumps({"choices": [{"message": {"content": "1"}}]})).rows[0]
    assert (row["user_prompt"], row["response"]) == ("one", "1")
