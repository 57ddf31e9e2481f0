"""An endpoint that behaves, and many that do not: a reply or a fault, in bounded time and size."""

import gzip
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sources.endpoints import answer, drip, drip_headers, serving, well

from gauger.errors import SettingsError, UsageError
from gauger.sources.endpoint import HIDDEN, Address, Asking, Endpoint, Limits, check_key, trust
from gauger.sources.prompts import Question, read_prompts
from gauger.sources.replies import LASTING, Fault, Reply, read_reply

QUESTION = Question(0, 0, "what is a still?", ({"role": "user", "content": "what is a still?"},))


def endpoint(url: str, *, key=None, interface="chat", timeout_s=5.0, max_bytes=10_000) -> Endpoint:
    return Endpoint(
        Address.parse(url, allow_plain=False), Asking("m", interface, 64, 0.7), Limits(timeout_s, max_bytes), key
    )


def ask(behave, **more):
    with serving(behave) as server:
        return endpoint(server.url, **more).ask(QUESTION), server


def test_a_question_goes_out_and_the_answer_comes_back():
    said, server = ask(well, key="sk-1")
    assert said == Reply(
        text="you said what is a still?",
        reasoning=None,
        claimed_model="suspect-1",
        finish_reason="stop",
        input_tokens=7,
        output_tokens=6,
    )
    assert server.bodies == [
        {
            "model": "m",
            "max_tokens": 64,
            "stream": False,
            "temperature": 0.7,
            "messages": [{"role": "user", "content": "what is a still?"}],
        }
    ]
    assert server.headers[0]["Authorization"] == "Bearer sk-1"


def test_the_older_interface_is_spoken_too():
    body = json.dumps({"model": "m", "choices": [{"text": "copper", "finish_reason": "length"}]}).encode()
    said, server = ask(lambda handler, _body, _n: handler.reply(body), interface="completions")
    assert (said.text, said.finish_reason, said.output_tokens) == ("copper", "length", None)
    assert server.bodies[0]["prompt"] == "what is a still?"
    assert "Authorization" not in server.headers[0]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HOSTILE = {
    "too many": (lambda h, _b, _n: h.reply(b"{}", 429, Retry_After=3), Fault("limited", 429, 3.0)),
    "too many, until a date": (
        lambda h, _b, _n: h.reply(b"{}", 429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        Fault("limited", 429, 0.0),
    ),
    "too many, nonsense": (lambda h, _b, _n: h.reply(b"{}", 429, Retry_After="soon"), Fault("limited", 429)),
    "too many, for less than nothing": (lambda h, _b, _n: h.reply(b"", 429, Retry_After=-5), Fault("limited", 429)),
    "an error of its own": (lambda h, _b, _n: h.reply(b"secret", 503), Fault("busy", 503)),
    "wrong key": (lambda h, _b, _n: h.reply(b"sk-1 is no key", 401), Fault("denied", 401)),
    "elsewhere": (lambda h, _b, _n: h.reply(b"", 302, Location="http://127.0.0.1:1/"), Fault("moved", 302)),
    "bad question": (lambda h, _b, _n: h.reply(b"{}", 400), Fault("refused", 400)),
    "a page": (
        lambda h, _b, _n: h.reply(b"<html>log in</html>", Content_Type="text/html"),
        Fault("broken"),
    ),
    "nothing": (lambda h, _b, _n: h.reply(b""), Fault("broken")),
    "no choice": (lambda h, _b, _n: h.reply(b'{"choices": []}'), Fault("broken")),
    "a deep document": (lambda h, _b, _n: h.reply(b"[" * 9_000), Fault("broken")),
    "more announced than sent": (
        lambda h, _b, _n: h.reply(answer("half of it"), Content_Length=9_000),
        Fault("cut off", 200),
    ),
    "less announced than sent": (lambda h, _b, _n: h.reply(answer("more"), Content_Length=40), Fault("broken")),
    "too long": (lambda h, _b, _n: h.reply(answer("x" * 20_000)), Fault("too long", 200)),
    "no end": (lambda h, _b, _n: h.reply(b"x" * 99_999, Content_Length=None), Fault("too long", 200)),
    "compressed": (
        lambda h, _b, _n: h.reply(gzip.compress(answer("x")), Content_Encoding="gzip"),
        Fault("encoded", 200),
    ),
    "no HTTP": (lambda h, _b, _n: h.wfile.write(b"220 mail.example ESMTP\r\n"), Fault("cut off")),
    "a hundred headers": (
        lambda h, _b, _n: h.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 500 + b"\r\n"),
        Fault("cut off"),
    ),
    "a broken chunk": (
        lambda h, _b, _n: h.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc"),
        Fault("cut off"),
    ),
    "a chunk of less than nothing": (lambda h, _b, _n: h.wfile.write(CHUNKED + b"-5\r\nxxxxx"), Fault("cut off")),
    "more about chunks than in them": (
        lambda h, _b, _n: h.wfile.write(CHUNKED + (b"1;" + b"x" * 9_000 + b"\r\n \r\n") * 99),
        Fault("too long", 200),
    ),
    **{
        f"too many, until {date}": (
            lambda h, _b, _n, date=date: h.reply(b"", 429, Retry_After=date),
            Fault("limited", 429),
        )
        for date in (
            "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
            "Mon, 01 Jan 2020 00:00:00 +99999999999999999999",
        )
    },
    "a stream that is cut off": (
        lambda h, _b, _n: h.reply(
            b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n', Content_Type="text/event-stream"
        ),
        Fault("cut off"),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_an_endpoint_does_wrong_becomes_a_fault(name):
    behave, expected = HOSTILE[name]
    assert ask(behave, key="sk-1")[0] == expected


@pytest.mark.parametrize("behave", [drip, drip_headers])
def test_a_slow_drip_is_cut_at_the_time_of_the_whole_request(behave):
    started = time.monotonic()
    said, _ = ask(behave, timeout_s=0.4)
    assert said == Fault("timeout")
    assert time.monotonic() - started < 1.5


def test_nobody_at_home_is_a_fault():
    with serving(well) as server:
        url = server.url
    assert endpoint(url).ask(QUESTION) == Fault("unreachable")


def test_a_stream_is_put_together():
    events = [
        {"model": "m-2", "choices": [{"delta": {"content": "cop"}}]},
        {"choices": [{"delta": {"content": "per"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"completion_tokens": 2}},
    ]
    body = "".join(f"data: {json.dumps(one)}\n\n" for one in events) + "data: [DONE]\n\n"
    said, _ = ask(lambda h, _b, _n: h.reply(body.encode(), Content_Type="text/event-stream; charset=utf-8"))
    assert (said.text, said.claimed_model, said.finish_reason, said.output_tokens) == ("copper", "m-2", "stop", 2)


def event(text: str) -> str:
    return f"data: {json.dumps({'choices': [{'delta': {'content': text}}]}, ensure_ascii=False)}\n\n"


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\u3000"])
def test_a_line_of_a_stream_ends_where_json_cannot_go_on(sign):
    body = event("one ") + event(f"two{sign} three ").replace("\n", "\r") + event("four").replace("\n", "\r\n")
    said = read_reply(f": hello\n\ndata:\n\n{body}data: [DONE]\n\n".encode(), is_stream=True)
    assert (said.text, said.is_exact) == (f"one two{sign} three four", True)


@pytest.mark.parametrize(
    ("odd", "fault"),
    [
        ('{"error": {"message": "overloaded"}}', Fault("cut off")),
        ('{"choices": [{"del', Fault("broken")),
        ("7", Fault("broken")),
    ],
)
def test_a_stream_that_goes_wrong_is_no_answer(odd, fault):
    body = f"{event('half')}data: {odd}\n\ndata: [DONE]\n\n"
    assert read_reply(body.encode(), is_stream=True) == fault
    assert fault.code not in LASTING


def test_bytes_that_are_no_utf8_are_kept_as_well_as_can_be_and_said_so():
    said, _ = ask(lambda h, _b, _n: h.reply(answer("still").replace(b"still", b"still\xe9")))
    assert (said.text, said.is_exact) == ("still\ufffd", False)
    half, _ = ask(lambda h, _b, _n: h.reply(b'{"choices": [{"message": {"content": "a\\ud800b"}}]}'))
    assert (half.text, half.is_exact) == ("a?b", False)


def test_an_endpoint_that_repeats_the_key_does_not_get_it_kept():
    said, _ = ask(
        lambda h, _b, _n: h.reply(answer("you sent " + h.headers["Authorization"], model="sk-secret-1")),
        key="sk-secret-1",
    )
    assert said.text == f"you sent Bearer {HIDDEN}"
    assert said.claimed_model == HIDDEN
    assert "sk-secret-1" not in repr(said)
    assert "sk-secret-1" not in repr(endpoint("http://127.0.0.1:1/v1", key="sk-secret-1"))


def test_empty_answers_and_answers_in_parts_are_answers():
    empty = b'{"choices": [{"message": {"content": null, "reasoning_content": "hm"}}]}'
    parts = b'{"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}, 7]}}]}'
    assert read_reply(empty, is_stream=False).text == ""
    assert read_reply(empty, is_stream=False).reasoning == "hm"
    assert read_reply(parts, is_stream=False).text == "ab"


@given(st.binary(max_size=300), st.booleans())
def test_no_body_is_too_strange(body, is_stream):
    assert isinstance(read_reply(body, is_stream=is_stream), Reply | Fault)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "message", "content", "text", "usage", "prompt_tokens", "model", "delta"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_no_document_is_too_strange(document, is_stream):
    body = json.dumps(document)
    body = f"data: {body}\n\ndata: [DONE]\n\n" if is_stream else body
    assert isinstance(read_reply(body.encode(), is_stream=is_stream), Reply | Fault)


@pytest.mark.parametrize(
    "url",
    [
        "host/v1",
        "ftp://host",
        "https://",
        "https://host:port/v1",
        "https://user:sk-secret@host/v1",
        "https://host/v1?key=sk-secret",
        "https://[::1/v1",
        "http://host.example/v1",
        "http://127.0.0.1.example/v1",
        "https://a host/v1",
        "https://host/sk-secret v1",
        "https://host/sk-secret\u20ac",
        "https://host..example/v1",
        "https://" + "h" * 64 + "/v1",
    ],
)
def test_addresses_that_are_none_or_not_safe_are_refused_without_quoting_them(url):
    with pytest.raises(UsageError) as refused:
        Address.parse(url, allow_plain=False)
    assert "sk-secret" not in str(refused.value)


def test_plain_http_is_for_this_machine_unless_one_insists():
    assert Address.parse("http://[::1]:8000/v1/", allow_plain=False) == Address(False, "::1", 8000, "/v1")
    assert Address.parse("http://localhost/v1", allow_plain=False).host == "localhost"
    assert Address.parse("http://host.example/v1", allow_plain=True).is_secure is False
    assert Address.parse("https://host.example", allow_plain=False) == Address(True, "host.example", None, "")


@pytest.mark.parametrize("key", ["", " \n", "sk\r\nX-Evil: 1", "schlüssel", "a\x00b"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_and_not_quoted(key):
    with pytest.raises(SettingsError) as refused:
        check_key(key, "file")
    assert not key.strip() or key not in str(refused.value)


def test_prompts_are_texts_or_conversations():
    content = (
        b'{"prompt": "a"}\n\n{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}\n'
    )
    asked = read_prompts(content, where="p", samples=2)
    assert [one.number for one in asked] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert asked[1].text == "s\nu"
    assert asked[0].messages == ({"role": "user", "content": "a"},)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Key and certificate of 127.0.0.1, signed by itself, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "suspect")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def over_tls(url: str, ca_file: str | None, *, timeout_s=5.0) -> Endpoint:
    address = Address.parse(url, allow_plain=False)
    return Endpoint(address, Asking("m", "chat", 64), Limits(timeout_s, 10_000), "sk-1", trust(address, ca_file))


def test_over_tls_only_a_trusted_certificate_gets_question_and_key(certificate):
    with serving(well, certificate=certificate) as server:
        assert over_tls(server.url, None).ask(QUESTION) == Fault("not trusted")
        assert server.bodies == []
        assert over_tls(server.url, str(certificate)).ask(QUESTION).text == "you said what is a still?"
        elsewhere = server.url.replace("127.0.0.1", "localhost")
        assert over_tls(elsewhere, str(certificate)).ask(QUESTION) == Fault("not trusted")
    with pytest.raises(SettingsError):
        trust(Address.parse("https://h", allow_plain=False), "/nowhere.pem")


def test_time_spent_on_connecting_counts(monkeypatch):
    connect = socket.create_connection

    def slowly(*given, **more):
        time.sleep(0.6)
        return connect(*given, **more)

    monkeypatch.setattr(socket, "create_connection", slowly)
    started = time.monotonic()
    said, server = ask(drip, timeout_s=0.3)
    assert said == Fault("timeout")
    assert server.bodies == []
    assert time.monotonic() - started < 2


def test_hanging_up_ends_a_handshake_too():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reached = over_tls(f"https://127.0.0.1:{silent.getsockname()[1]}/v1", None, timeout_s=4.0)
        threading.Timer(0.3, reached.hang_up).start()
        started = time.monotonic()
        assert isinstance(reached.ask(QUESTION), Fault)
        assert time.monotonic() - started < 2


def test_a_chunk_of_less_than_nothing_is_not_read_to_the_end_of_the_stream():
    ended = threading.Event()

    def endless(handler, _body, _n) -> None:
        handler.wfile.write(CHUNKED + b"-1\r\n" + answer("x" * 5_000))
        ended.wait(3)

    with serving(endless) as server:
        assert endpoint(server.url, timeout_s=0.8).ask(QUESTION) == Fault("cut off")
        ended.set()


@pytest.mark.parametrize("behave", [drip, drip_headers])
def test_a_slow_drip_over_tls_is_cut_too(behave, certificate):
    started = time.monotonic()
    with serving(behave, certificate=certificate) as server:
        assert over_tls(server.url, str(certificate), timeout_s=0.5).ask(QUESTION) == Fault("timeout")
    assert time.monotonic() - started < 2


def test_a_handshake_that_never_ends_is_cut():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/v1"
        assert over_tls(url, None, timeout_s=0.3).ask(QUESTION) == Fault("timeout")


def test_no_proxy_of_the_environment_gets_anything(monkeypatch):
    with serving(well) as proxy, serving(well) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert endpoint(server.url).ask(QUESTION).text
    assert proxy.bodies == []


def test_hanging_up_ends_what_is_under_way():
    with serving(drip) as server:
        reached = endpoint(server.url)
        threading.Timer(0.2, reached.hang_up).start()
        started = time.monotonic()
        assert isinstance(reached.ask(QUESTION), Fault)
        assert time.monotonic() - started < 2
