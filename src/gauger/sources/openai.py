"""OpenAI: pairs of a request and its answer, of chat completions or of the Responses API."""

from collections.abc import Mapping

from gauger.sources.batches import ReadOptions
from gauger.sources.pairs import is_pair, pair_row, request_of, response_of


class OpenAISource:
    """Source for pairs in the shape of OpenAI's API, whoever serves it."""

    name = "openai"

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """Columns of `EDGE_SCHEMA` that a pair cannot hold: none."""
        del options
        return frozenset()

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether a record is a pair; the Anthropic source is asked first."""
        return is_pair(record)

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Values by canonical column; the answer's own time stands in for a missing one."""
        row = pair_row(record, options)
        request, response = request_of(record), response_of(record)
        if row["provider_name"] is None:
            row["provider_name"] = "openai"
        if row.get("occurred_at") is None:
            row["occurred_at"] = response.get("created") or response.get("created_at")
        row["request_id"] = row.get("request_id") or response.get("id")
        row["end_user_id"] = row.get("end_user_id") or request.get("safety_identifier") or request.get("user")
        row["conversation_id"] = row.get("conversation_id") or _conversation_id(request)
        return row


def _conversation_id(request: Mapping[str, object]) -> object:
    """Conversation of the Responses API: an id, or an object that holds one."""
    given = request.get("conversation")
    return given.get("id") if isinstance(given, dict) else given
