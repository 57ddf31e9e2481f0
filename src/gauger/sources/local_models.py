"""A suspect on this disk: a model of Transformers, asked as an endpoint is. Needs the extra `transformers`.

Nothing is fetched and nothing of the folder is run: local files alone, no code that comes with a model, weights from
safetensors and never from a pickle. Every question has a seed of its own, which follows from the run's, so a run that
was interrupted goes on as if it had not been.
"""

import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gauger.errors import InputError, UsageError
from gauger.sources.endpoint import Interface
from gauger.sources.model_files import only_named
from gauger.sources.prompts import Question
from gauger.sources.replies import Fault, Reply

#: Stands where a token that was cut off, or is none, left bytes that are no UTF-8.
_REPLACED: Final = "\ufffd"
_MAX_TOLD: Final = 200
#: Nothing is fetched, and no code of a folder is run.
_SAFE: Final = {"local_files_only": True, "trust_remote_code": False}
#: What a tokenizer is made with, as keyword arguments.
_TOKENIZERS: Final = ("tokenizer_config.json", "special_tokens_map.json")
_SAVE: Final = "give the folder as `save_pretrained` writes it"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a local model answers.

    Attributes
    ----------
    interface
        "chat" goes by the tokenizer's chat template where it has one; otherwise, and by "completions", text is
        continued as it is.
    max_tokens
        Most tokens of an answer.
    temperature
        0 takes the likeliest token each time; None is what the model's own `generation_config.json` says, or 1.
    seed
        Of the run.
    """

    interface: Interface
    max_tokens: int
    temperature: float | None
    seed: int


def require_transformers() -> None:
    """Refuse where the extra is not installed.

    Raises
    ------
    UsageError
        PyTorch or Transformers is missing.
    """
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"a local model needs the package {missing[0]}",
            where="--model-dir",
            todo="install it: pip install 'gauger[transformers]'",
        )


def load_model(folder: Path, sampling: Sampling, *, device: str = "cpu") -> "LocalModel":
    """Return the model in a folder, ready to be asked.

    Parameters
    ----------
    folder
        As `save_pretrained` writes it, with its tokenizer.
    sampling
        How it answers.
    device
        As PyTorch calls it: cpu, cuda, cuda:1, mps.

    Raises
    ------
    UsageError
        The extra is not installed.
    InputError
        It cannot be loaded, takes its weights, configuration or tokenizer from elsewhere than everybody does, or its
        weights are not all there: Transformers would make some up.
    """
    require_transformers()
    import transformers  # noqa: PLC0415 - an extra

    with _loading(folder, device) as named:
        _check_tokenizer(folder)
        model = _weights(folder, named).to(device).eval()
        return LocalModel(model, transformers.AutoTokenizer.from_pretrained(str(named), **_SAFE), sampling)


def load_weights(folder: Path) -> Any:
    """Return the model in a folder as Transformers has it, on the CPU, without its tokenizer (errors: `load_model`)."""
    require_transformers()
    with _loading(folder, "cpu") as named:
        return _weights(folder, named)


@contextmanager
def _loading(folder: Path, device: str) -> Iterator[Path]:
    """Yield where the files of a model are loaded from, and say what is wrong with them."""
    with only_named(folder) as named:
        try:
            yield named
        except InputError:
            raise
        except Exception as error:
            # Whatever a library makes of a folder that somebody else wrote: its tree of errors is no contract.
            told = f"{type(error).__name__}: {error}".replace(str(named), str(folder)).split("\n")[0][:_MAX_TOLD]
            raise InputError(f"this model cannot be loaded ({told})", where=str(folder), todo=_todo(device)) from error


def _weights(folder: Path, named: Path) -> Any:
    import transformers  # noqa: PLC0415 - an extra

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    _check_configuration(folder)
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        str(named), use_safetensors=True, dtype="auto", output_loading_info=True, **_SAFE
    )
    lacking = sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))
    if lacking:
        raise InputError(
            f"{len(lacking)} of its weights are missing or of another shape, such as {lacking[0][:_MAX_TOLD]}",
            where=str(folder),
            todo="give the whole model",
        )
    return model


class LocalModel:
    """A model on this disk that may be asked from several threads; one question at a time is answered.

    Parameters
    ----------
    model, tokenizer
        Of Transformers (`load_model`).
    sampling
        How it answers.
    """

    def __init__(self, model: Any, tokenizer: Any, sampling: Sampling) -> None:
        self._model, self._tokenizer, self._sampling = model, tokenizer, sampling
        self._choice = _choice(model.generation_config, sampling.temperature)
        self._lock, self._is_over = threading.Lock(), threading.Event()

    def ask(self, question: Question) -> Reply | Fault:
        """Return the answer; "refused" where the question does not fit the model, "broken" where it fails."""
        with self._lock:
            # Whatever a library makes of a folder that somebody else wrote: its tree of errors is no contract.
            try:
                prompt = self._encoded(question)
            except Exception:  # noqa: BLE001 - a role or an order of messages that its template does not take
                return Fault("refused")
            try:
                room = self._room(prompt["input_ids"].shape[1])
                if room < 1:
                    return Fault("refused")
                said = self._generated(prompt, room, _seed(self._sampling.seed, question))
                return Fault("cut off") if self._is_over.is_set() else self._reply(said, prompt["input_ids"].shape[1])
            except Exception:  # noqa: BLE001 - out of memory, no number, weights that do not fit
                return Fault("broken")

    def hang_up(self) -> None:
        """End the answer that is being written, and any later one, at its next token."""
        self._is_over.set()

    def _encoded(self, question: Question) -> dict[str, Any]:
        """Return `input_ids` and `attention_mask`, int64[1, n]; where the tokenizer makes no mask, all is read."""
        import torch  # noqa: PLC0415 - an extra

        if self._sampling.interface == "chat" and self._tokenizer.chat_template:
            found = self._tokenizer.apply_chat_template(
                list(question.messages), add_generation_prompt=True, return_dict=True, return_tensors="pt"
            )
        else:
            found = self._tokenizer(question.text, return_tensors="pt")
        mask = found.get("attention_mask", torch.ones_like(found["input_ids"]))
        return {
            name: ids.to(self._model.device).long()
            for name, ids in (("input_ids", found["input_ids"]), ("attention_mask", mask))
        }

    def _room(self, n_prompt: int) -> int:
        """Return how many tokens may be written; fewer than one where there is no prompt, or it is too long."""
        limit = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        most = self._sampling.max_tokens
        return 0 if not n_prompt else most if limit is None else min(most, limit - n_prompt)

    def _generated(self, prompt: dict[str, Any], room: int, seed: int) -> list[int]:
        import torch  # noqa: PLC0415 - an extra
        from transformers import StoppingCriteriaList  # noqa: PLC0415 - an extra

        device = self._model.device
        with torch.inference_mode(), torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            written = self._model.generate(
                **prompt,
                **self._choice,
                max_new_tokens=room,
                num_beams=1,
                num_return_sequences=1,
                return_dict_in_generate=False,
                stopping_criteria=StoppingCriteriaList([self._interrupted]),
            )
        ids: list[int] = written[0, prompt["input_ids"].shape[1] :].tolist()
        return ids

    def _interrupted(self, input_ids: Any, _scores: Any, **_more: Any) -> Any:
        import torch  # noqa: PLC0415 - an extra

        return torch.full((input_ids.shape[0],), self._is_over.is_set(), device=input_ids.device)

    def _reply(self, said: Sequence[int], n_prompt: int) -> Reply:
        text = self._tokenizer.decode(said, skip_special_tokens=True)
        return Reply(
            text=text,
            reasoning=None,
            claimed_model=None,
            finish_reason="stop" if said and said[-1] in self._ends() else "length",
            input_tokens=n_prompt,
            output_tokens=len(said),
            is_exact=_REPLACED not in text,
        )

    def _ends(self) -> Sequence[int]:
        own = self._model.generation_config.eos_token_id
        return own if isinstance(own, list) else [] if own is None else [own]


def _check_configuration(folder: Path) -> None:
    """Refuse one that has others beside it, or names its weights, at any depth: they could be a pickle."""
    said = set(_keys(json.loads((folder / "config.json").read_bytes())))
    if "transformers_weights" in said:
        raise InputError("its config.json says where its weights are", where=str(folder), todo=_SAVE)
    if "configuration_files" in said:
        raise InputError("its config.json names other configurations", where=str(folder), todo=_SAVE)


def _check_tokenizer(folder: Path) -> None:
    """Refuse one whose settings name a file elsewhere: Transformers would open it, and no hash names it."""
    for name in _TOKENIZERS:
        path = folder / name
        said = json.loads(path.read_bytes()) if path.is_file() else {}
        if any(isinstance(value, str) and _is_elsewhere(value, folder) for value in said.values()):
            raise InputError(f"its {name} names a file outside the folder", where=str(folder), todo=_SAVE)


def _is_elsewhere(name: str, folder: Path) -> bool:
    path = Path(name).absolute()
    is_own = path.parent == folder.absolute() and not path.name.startswith(".")
    # Not `Path.is_file`: a chat template is longer than a name may be, and that raises.
    return os.path.isfile(path) and not is_own  # noqa: PTH113


def _keys(document: Any) -> Iterator[str]:
    """Yield the keys of a JSON document at every depth: a model of texts and images has configurations in its own."""
    if isinstance(document, dict):
        yield from document
    if isinstance(document, dict | list):
        for part in document.values() if isinstance(document, dict) else document:
            yield from _keys(part)


def _choice(own: Any, temperature: float | None) -> dict[str, Any]:
    """Return how a token is chosen: as the model's own configuration says, but always drawn unless 0 is asked for."""
    if temperature == 0:
        return {"do_sample": False}
    chosen = own.temperature if temperature is None else temperature
    # Transformers' own default for top-k is 50 where nobody said anything; endpoints have none.
    return {
        "do_sample": True,
        "temperature": chosen or 1.0,
        "top_k": own.top_k or 0,
        "top_p": 1.0 if own.top_p is None else own.top_p,
    }


def _seed(run: int, question: Question) -> int:
    """Return the seed of one question, 63 bits."""
    digest = hashlib.sha256(f"gauger/local-model/1\n{run}\n{question.prompt}\n{question.sample}\n".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _todo(device: str) -> str:
    elsewhere = "" if device == "cpu" else f", and that there is a device {device}"
    return f"check that config.json, *.safetensors and tokenizer.json belong together{elsewhere}"
