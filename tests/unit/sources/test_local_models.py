"""A model on this disk as a suspect: a tiny GPT-2 with random weights, loaded and asked for real."""

import json
import pickle
import socket

import pytest
from tests.unit.sources.models import N_POSITIONS, TEMPLATE, WORDS, sampling, write_model

from gauger.errors import InputError
from gauger.sources.local_models import load_model
from gauger.sources.model_files import only_named, read_model_files
from gauger.sources.prompts import Question
from gauger.sources.replies import Fault, Reply

pytestmark = pytest.mark.slow  # seconds, but they need transformers, which `make test-slow` installs


@pytest.fixture(scope="module")
def folder(transformers_installed, tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "plain")


def question(text="w3 w4 w5", number=0, sample=0, role="user"):
    return Question(number, sample, text, ({"role": role, "content": text},))


def texts(model, n=6):
    return [model.ask(question(number=number)).text for number in range(n)]


def test_each_question_has_a_seed_of_its_own_whatever_came_before(folder):
    model = load_model(folder, sampling())
    forwards = texts(model)
    assert len(set(forwards)) == 6
    again = load_model(folder, sampling())
    assert [again.ask(question(number=number)).text for number in (5, 2, 0)] == [forwards[n] for n in (5, 2, 0)]
    assert again.ask(question(number=0, sample=1)).text != forwards[0]
    assert texts(load_model(folder, sampling(seed=4))) != forwards


def test_asking_leaves_the_generator_of_everybody_else_alone(folder):
    import torch

    model = load_model(folder, sampling())
    torch.manual_seed(9)
    undisturbed = torch.rand(3)
    torch.manual_seed(9)
    model.ask(question())
    assert torch.equal(torch.rand(3), undisturbed)


def test_temperature_zero_takes_the_likeliest_and_others_draw(folder):
    assert len(set(texts(load_model(folder, sampling(temperature=0))))) == 1
    cold, hot = (
        "".join(texts(load_model(folder, sampling(temperature=heat, max_tokens=60)))).split() for heat in (0.02, 5.0)
    )
    assert len(set(cold)) < len(set(hot))


def test_nobody_cuts_the_vocabulary_unless_the_model_says_so(folder, tmp_path):
    """Transformers keeps the fifty likeliest tokens where nobody said anything; an endpoint keeps all."""
    most = sampling(temperature=50.0, max_tokens=120)
    assert set(" ".join(texts(load_model(folder, most), 20)).split()) >= set(WORDS)
    own = write_model(tmp_path / "own")
    said = json.loads((own / "generation_config.json").read_text())
    (own / "generation_config.json").write_text(json.dumps({**said, "top_k": 1, "temperature": 0.7}))
    assert len(set(texts(load_model(own, sampling())))) == 1


def test_the_template_is_used_where_there_is_one_and_chat_is_asked_for(folder, tmp_path):
    chatty = write_model(tmp_path / "chatty", template=TEMPLATE)
    assert load_model(chatty, sampling()).ask(question("w3")).input_tokens == 4  # user w3 w0 w1
    assert load_model(chatty, sampling(interface="completions")).ask(question("w3")).input_tokens == 1
    assert load_model(folder, sampling()).ask(question("w3")).input_tokens == 1
    picky = write_model(tmp_path / "picky", template="{{ raise_exception('only users may speak') }}")
    assert load_model(picky, sampling()).ask(question()) == Fault("refused")


def test_an_answer_ends_where_the_model_ends_it_or_there_is_no_room(folder, tmp_path):
    ending = load_model(write_model(tmp_path / "ends", ends=True), sampling(max_tokens=120, temperature=9.0))
    replies = [ending.ask(question(number=number)) for number in range(12)]
    assert {one.finish_reason for one in replies} == {"stop", "length"}
    assert all("</s>" not in one.text for one in replies)
    model = load_model(folder, sampling(max_tokens=500))
    assert model.ask(question("w1 " * 100)).output_tokens == N_POSITIONS - 100
    assert model.ask(question("w1 " * N_POSITIONS)) == Fault("refused")
    assert model.ask(question("")) == Fault("refused")


def test_what_fails_while_it_writes_is_a_fault(folder, monkeypatch):
    model = load_model(folder, sampling())
    monkeypatch.setattr(model._model, "generate", lambda **_: (_ for _ in ()).throw(RuntimeError("out of memory")))
    assert model.ask(question()) == Fault("broken")


@pytest.mark.parametrize(
    "template",
    [
        "{{ 1 // 0 }}",
        "{{ 2.0 ** 100000 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ ['a'] * 10**18 }}",
        "{{ messages.append(1) }}",
        "{{ (none).x.y }}",
    ],
)
def test_what_fails_in_a_template_is_a_fault_and_the_next_question_is_asked(template, tmp_path, transformers_installed):
    model = load_model(write_model(tmp_path / "m", template=template), sampling())
    assert [model.ask(question(number=number)) for number in range(2)] == [Fault("refused")] * 2


def test_a_tokenizer_that_makes_no_mask_is_read_whole(folder, tmp_path):
    model = write_model(tmp_path / "m")
    configured(model, "tokenizer_config.json", model_input_names=["input_ids"])
    assert texts(load_model(model, sampling())) == texts(load_model(folder, sampling()))


@pytest.mark.parametrize(
    "own", [{"suppress_tokens": "abc"}, {"bad_words_ids": 5}, {"stop_strings": ["a"]}, {"eos_token_id": "x"}]
)
def test_a_generation_config_that_is_none_is_a_fault(own, tmp_path, transformers_installed):
    model = write_model(tmp_path / "m")
    configured(model, "generation_config.json", **own)
    try:
        loaded = load_model(model, sampling())
    except InputError:
        return
    assert loaded.ask(question()) == Fault("broken")


def test_nothing_is_fetched(folder, monkeypatch):
    def refuse(*_args, **_more):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert isinstance(load_model(folder, sampling()).ask(question()), Reply)


class Opened:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_a_pickle_is_never_opened_and_no_code_of_the_folder_runs(tmp_path, transformers_installed):
    trace = tmp_path / "trace"
    evil = write_model(tmp_path / "evil")
    (evil / "pytorch_model.bin").write_bytes(pickle.dumps(Opened(trace)))
    assert isinstance(load_model(evil, sampling()).ask(question()), Reply)
    (evil / "model.safetensors").unlink()
    with pytest.raises(InputError, match="no model in safetensors"):
        load_model(evil, sampling())
    own = write_model(tmp_path / "own")
    (own / "code.py").write_text(f"open({str(trace)!r}, 'w')\n")
    config = json.loads((own / "config.json").read_text())
    auto = {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}
    (own / "config.json").write_text(json.dumps({**config, "model_type": "nobodys", "auto_map": auto}))
    with pytest.raises(InputError, match="cannot be loaded"):
        load_model(own, sampling())
    assert not trace.exists()


def configured(folder, name="config.json", **more):
    """Write a file of JSON again, with something more in it."""
    said = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(said | more))


@pytest.mark.parametrize(
    "named", [".w.safetensors", "sub/w.safetensors.index.json", "adapter_model.bin", "model.safetensors", ""]
)
def test_weights_are_those_that_the_hash_names_whatever_config_json_says(named, tmp_path, transformers_installed):
    model, other = write_model(tmp_path / "m"), write_model(tmp_path / "other", seed=2)
    (model / "sub").mkdir()
    (other / "model.safetensors").rename(model / ".w.safetensors")
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": "../../outside.safetensors"}}
    (model / "sub" / "w.safetensors.index.json").write_text(json.dumps(index))
    trace = tmp_path / "trace"
    (model / "adapter_model.bin").write_bytes(pickle.dumps(Opened(trace)))
    configured(model, transformers_weights=named)
    with pytest.raises(InputError, match="says where its weights are"):
        load_model(model, sampling())
    assert not trace.exists()


def test_weights_are_those_that_the_hash_names_in_a_configuration_within_another(tmp_path, transformers_installed):
    """Of a model of texts and images, the library loads the part for texts by a configuration of its own."""
    model = write_model(tmp_path / "m")
    configured(model, model_type="mllama", text_config={"transformers_weights": ".w.safetensors"})
    with pytest.raises(InputError, match="says where its weights are"):
        load_model(model, sampling())


def test_no_hidden_file_is_there_where_a_model_is_loaded(tmp_path, transformers_installed):
    """Beside a part of a distributed checkpoint, the library reads every file of weights: hidden ones, too."""
    model = write_model(tmp_path / "m")
    (model / "model.safetensors").rename(model / ".w.safetensors")
    (model / "other.safetensors").write_bytes((model / ".w.safetensors").read_bytes())
    with only_named(model) as named:
        assert sorted(path.name for path in named.iterdir()) == sorted(one.name for one in read_model_files(model))
    with pytest.raises(InputError, match="cannot be loaded"):
        load_model(model, sampling())
    (model / "shard-00001-model-00001-of-00001.safetensors").write_bytes((model / ".w.safetensors").read_bytes())
    with pytest.raises(InputError, match="checkpoint of a training"):
        load_model(model, sampling())


def test_there_is_one_configuration(tmp_path, transformers_installed):
    model = write_model(tmp_path / "m")
    configured(model, configuration_files=["config.4.0.0.json"])
    said = json.loads((model / "config.json").read_text())
    (model / "config.4.0.0.json").write_text(json.dumps({**said, "n_positions": 7}))
    with pytest.raises(InputError, match="names other configurations"):
        load_model(model, sampling())


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("special_tokens_map.json", "tokenizer_file"),
        ("tokenizer_config.json", "vocab"),
        ("tokenizer_config.json", "vocab_file"),
    ],
)
def test_a_tokenizer_is_the_one_that_the_hash_names(name, field, tmp_path, monkeypatch, transformers_installed):
    """The first is what the library reads in place of the folder's own, the second where there is none of its own."""
    model, other = write_model(tmp_path / "m", template=TEMPLATE), write_model(tmp_path / "other")
    config, own = model / name, {"vocab_file": "tokenizer.json", "merges_file": "/nowhere/merges.txt"}
    said = json.loads(config.read_text()) if config.exists() else {}
    monkeypatch.chdir(model)
    config.write_text(json.dumps(said | own))
    load_model(model, sampling())
    (model / ".hidden.json").write_bytes((other / "tokenizer.json").read_bytes())
    for elsewhere in (str(other / "tokenizer.json"), ".hidden.json", "../other/tokenizer.json"):
        config.write_text(json.dumps(said | {field: elsewhere}))
        with pytest.raises(InputError, match="names a file outside the folder"):
            load_model(model, sampling())


def test_weights_that_are_missing_are_not_made_up(tmp_path, transformers_installed):
    from safetensors.torch import load_file, save_file

    torn = write_model(tmp_path / "torn")
    weights = load_file(torn / "model.safetensors")
    lost = sorted(name for name in weights if "mlp" in name)[0]
    save_file(
        {name: one for name, one in weights.items() if name != lost}, torn / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(InputError, match="1 of its weights are missing"):
        load_model(torn, sampling())


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_that_is_none_is_told(name, tmp_path, transformers_installed):
    broken = write_model(tmp_path / "broken")
    (broken / name).write_bytes(b"\x00\x01")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_model(broken, sampling())


def test_a_device_that_is_none_is_told(folder):
    with pytest.raises(InputError, match="a device no-such"):
        load_model(folder, sampling(), device="no-such")
