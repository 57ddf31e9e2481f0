"""A model by the hashes of its files: all of them, and none that lies elsewhere."""

import hashlib
import json
import subprocess

import pytest

from gauger.errors import InputError
from gauger.sources.model_files import ModelFile, digest_of, read_model_files

#: As its documentation says it can be made again.
BY_HAND = r"find . -xtype f -not -path '*/.*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum"


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "a model"
    (folder / "sub folder").mkdir(parents=True)
    (folder / ".git").mkdir()
    contents = {
        "config.json": "{}", "model.safetensors": "weights", "sub folder/é.jinja": "x",
        ".git/HEAD": "h", ".hidden": "h", "A.txt": "a", "b.txt": "",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_text(content)
    (tmp_path / "blob").write_text("from the cache")
    (folder / "tokenizer.json").symlink_to(tmp_path / "blob")
    return folder


def test_every_file_is_named_but_the_hidden_ones(model):
    files = read_model_files(model)
    names = ["A.txt", "b.txt", "config.json", "model.safetensors", "sub folder/é.jinja", "tokenizer.json"]
    assert [one.name for one in files] == names
    weights = hashlib.sha256(b"weights").hexdigest()
    assert files[3] == ModelFile(name="model.safetensors", sha256=weights, size_bytes=7)


def test_anybody_can_make_the_hash_again(model):
    done = subprocess.run(["bash", "-c", BY_HAND], cwd=model, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == digest_of(read_model_files(model))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "sub folder/é.jinja"])
def test_any_change_is_another_model(name, model):
    before = digest_of(read_model_files(model))
    (model / name).write_text("other")
    assert digest_of(read_model_files(model)) != before


def test_progress_ends_at_all_bytes(model):
    seen = []
    read_model_files(model, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == sum(one.size_bytes for one in read_model_files(model))


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_weights_or_configuration_is_none(missing, model):
    (model / missing).unlink()
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04.")  # a pickle is not taken for weights
    with pytest.raises(InputError, match="no model in safetensors"):
        read_model_files(model)


def test_what_lies_elsewhere_is_refused(model):
    (model / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="adapter"):
        read_model_files(model)
    (model / "adapter_config.json").unlink()
    (model / "w.bin").write_bytes(b"\x80\x04.")
    for named, said in (
        ("../other.safetensors", "outside"),
        ("/etc/passwd", "outside"),
        (".x", "outside"),
        ("gone.safetensors", "outside"),
        ("w.bin", "not in safetensors"),  # Transformers would open a pickle
    ):
        (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": named}}))
        with pytest.raises(InputError, match=said):
            read_model_files(model)
    for index in ("[]", "{", '{"weight_map": 3}'):
        (model / "model.safetensors.index.json").write_text(index)
        with pytest.raises(InputError, match="no index"):
            read_model_files(model)
    (model / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"w": "model.safetensors"}}))
    assert len(read_model_files(model)) == 8


def test_a_name_that_cannot_be_written_down_is_refused(model):
    (model / "a\nb").write_text("")
    with pytest.raises(InputError, match="name"):
        read_model_files(model)


@pytest.mark.parametrize("target", [".", "..", "sub folder"])
def test_a_link_to_a_folder_is_refused_and_may_have_no_end(target, model):
    (model / "sub folder" / "linked").symlink_to(model / target)
    with pytest.raises(InputError, match="no links to folders"):
        read_model_files(model)


def test_a_model_may_be_named_by_a_link_and_a_hidden_one_is_none_of_it(model, tmp_path):
    (tmp_path / "named").symlink_to(model)
    (model / ".cache").symlink_to(model)
    assert read_model_files(tmp_path / "named") == read_model_files(model)


def test_no_folder_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_model_files(tmp_path / "nothing")
