"""Anthropic Messages: pairs of a request and its answer."""

from collections.abc import Mapping

from gauger.sources.batches import ReadOptions
from gauger.sources.json_text import as_object
from gauger.sources.pairs import is_pair, pair_row, request_of, response_of


class AnthropicSource:
    """Source for pairs in the shape of the Anthropic Messages API."""

    name = "anthropic"

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """Columns of `EDGE_SCHEMA` that the API does not have: `n`, `seed`, `top_logprobs`."""
        del options
        return frozenset({"choice_count", "seed", "top_logprobs"})

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether a record is a pair whose answer, or whose request when it has none, is Anthropic's."""
        if not is_pair(record):
            return False
        request, response = request_of(record), response_of(record)
        if "choices" in response or "output" in response or "messages" not in request:
            return False
        return _is_message(response) or _is_request(request)

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Values by canonical column."""
        row = pair_row(record, options)
        request, response = request_of(record), response_of(record)
        if row["provider_name"] is None:
            row["provider_name"] = "anthropic"
        row["request_id"] = row.get("request_id") or response.get("id")
        row["end_user_id"] = row.get("end_user_id") or as_object(request.get("metadata")).get("user_id")
        return row


def _is_message(response: Mapping[str, object]) -> bool:
    return response.get("type") == "message" or "stop_reason" in response


def _is_request(request: Mapping[str, object]) -> bool:
    """Whether a request without an answer has what only this API has."""
    model = request.get("model")
    return "system" in request or "anthropic_version" in request or (isinstance(model, str) and "claude" in model)
