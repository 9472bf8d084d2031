"""What an operator sees of a client: its statistics, its log and its spans."""

import asyncio
import json
import logging
import subprocess
import sys
import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import wxlink
from wxlink.sandbox import Server

TOKEN = "SANDBOX-TOKEN"
APPID = "wx0b00000000000001"
# WeChat refuses to link it.
REFUSED = "wx0b000000000000e1"


def link(client: wxlink.Client, appid: str) -> wxlink.Response:
    return client.link_miniprogram(TOKEN, appid, notify_users=False, show_profile=True)


def test_calls_are_counted(client: wxlink.Client) -> None:
    assert client.stats()["endpoints"] == {}
    client.get_linked(TOKEN)
    client.with_options(timeout=30).get_linked(TOKEN)
    with pytest.raises(wxlink.TokenError):
        client.get_linked("wrong")
    link(client, APPID)
    stats = client.stats()
    assert time.time() - 600 < stats["since"] <= time.time()
    assert set(stats["endpoints"]) == {"get", "link"}
    lists = stats["endpoints"]["get"]
    assert (lists["calls"], lists["outcomes"]) == (3, {"OK": 2, "API": 1})
    assert (lists["retries"], lists["delivery_unknown"]) == (0, 0)
    latency = lists["latency"]
    assert sum(bucket["calls"] for bucket in latency["buckets"]) == 3
    assert latency["max_us"] < latency["buckets"][-1]["below_us"]
    assert (stats["in_doubt"], stats["tokens_fetched"]) == (0, 0)
    connections = stats["connections"]
    assert connections["opened"] + connections["reused"] == 4
    assert connections["idle"] == 1


def test_an_async_client_counts_too(server: Server) -> None:
    async def lists() -> int:
        async with server.async_client(timeout=60) as client:
            await client.get_linked(TOKEN)
            return client.stats()["endpoints"]["get"]["calls"]

    assert asyncio.run(lists()) == 1


def test_a_closed_client_has_no_statistics(client: wxlink.Client) -> None:
    client.close()
    with pytest.raises(wxlink.CallCancelledError):
        client.stats()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="wxlink")
    return caplog


def test_each_call_is_one_debug_record(
    client: wxlink.Client, log: pytest.LogCaptureFixture
) -> None:
    client.get_linked(TOKEN)
    with pytest.raises(wxlink.ApiError):
        link(client, REFUSED)
    progress = client.ensure_linked(TOKEN, APPID, notify_users=False, show_profile=True)
    records = [record.__dict__ for record in log.records]
    assert {(r["name"], r["levelname"]) for r in records} == {("wxlink", "DEBUG")}
    seen = [(r["wxlink_call"], r["wxlink_status"], r["wxlink_delivery"]) for r in records]
    assert seen == [
        ("get_linked", "OK", "answered"),
        ("link_miniprogram", "API", "answered"),
        ("ensure_linked", "PENDING", "answered"),
    ]
    listed, refused, ensured = records
    assert json.loads(listed["wxlink_trace"])["attempts"][0]["phase"] == "done"
    assert 0 < listed["wxlink_duration"] < 600
    assert listed["wxlink_trace"] in log.messages[0]
    assert (refused["wxlink_errcode"], refused["wxlink_rid"] != "") == (89013, True)
    assert (ensured["wxlink_state"], ensured["wxlink_posts"]) == ("pending", 1)
    assert ensured["wxlink_trace"] == progress.trace


def test_a_refused_token_of_a_function_is_a_record_of_its_own(
    client: wxlink.Client, log: pytest.LogCaptureFixture
) -> None:
    tokens = iter(["SANDBOX-EXPIRED", TOKEN])
    client.get_linked(lambda: next(tokens))
    assert [r.__dict__["wxlink_status"] for r in log.records] == ["API", "OK"]


def test_the_log_has_no_secrets(server: Server, log: pytest.LogCaptureFixture) -> None:
    platform = server.client(
        timeout=60,
        component_appid="wx0c00000000000001",
        component_appsecret="SANDBOX-COMPONENT-SECRET",
        account="wx0a00000000000001",
    )
    with platform as client:
        with pytest.raises(wxlink.NotSentError):
            client.get_linked()
        client.set_ticket("SANDBOX-TICKET")
        client.add_account("wx0a00000000000001", "SANDBOX-REFRESH-1")
        client.get_linked()
        client.authorization_url("https://shop.example/done")
        client.account_info("wx0a00000000000001")
        with pytest.raises(wxlink.WxError):
            client.accept_authorization("SANDBOX-CODE")
        with pytest.raises(wxlink.ApiError):
            client.get_linked("SANDBOX-EXPIRED")
    calls = [r.__dict__["wxlink_call"] for r in log.records]
    assert calls == [
        "get_linked",
        "set_ticket",
        "add_account",
        "get_linked",
        "authorization_url",
        "account_info",
        "accept_authorization",
        "get_linked",
    ]
    text = str([record.__dict__ for record in log.records]) + log.text
    assert "SANDBOX-" not in text
    assert "preauthcode" not in text.lower().replace("create_preauthcode", "")


def test_the_exception_of_a_token_function_is_not_logged(
    client: wxlink.Client, log: pytest.LogCaptureFixture
) -> None:
    def fails() -> str:
        raise RuntimeError("SECRET")

    with pytest.raises(RuntimeError):
        client.get_linked(fails)
    assert log.records == []


def test_importing_wxlink_imports_neither_logging_nor_opentelemetry() -> None:
    code = (
        "import sys, wxlink; wxlink.Client();"
        "assert not {'logging', 'opentelemetry', 'opentelemetry.trace'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this test. The provider of the process could not be replaced afterwards."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_each_call_is_a_span(client: wxlink.Client, spans: InMemorySpanExporter) -> None:
    with trace.get_tracer("test").start_as_current_span("parent") as parent:
        client.get_linked(TOKEN)
        with pytest.raises(wxlink.ApiError):
            link(client, REFUSED)
    listed, refused, _ = spans.get_finished_spans()
    assert (listed.name, refused.name) == ("wxlink get_linked", "wxlink link_miniprogram")
    for span in (listed, refused):
        assert span.kind is trace.SpanKind.CLIENT
        assert span.parent is not None
        assert span.parent.span_id == parent.get_span_context().span_id
        assert span.events == ()
    assert listed.status.status_code is trace.StatusCode.UNSET
    assert attributes_of(listed)["wxlink.status"] == "OK"
    assert "attempts" in str(attributes_of(listed)["wxlink.trace"])
    assert refused.status.status_code is trace.StatusCode.ERROR
    assert attributes_of(refused)["wxlink.errcode"] == 89013
    assert TOKEN not in listed.to_json() + refused.to_json()


def test_a_span_of_an_async_call_has_the_callers_span_as_parent(
    server: Server, spans: InMemorySpanExporter
) -> None:
    async def call() -> None:
        async with server.async_client(timeout=60) as client:
            with trace.get_tracer("test").start_as_current_span("parent"):
                await client.get_linked(TOKEN)

    asyncio.run(call())
    listed, parent = spans.get_finished_spans()
    assert listed.name == "wxlink get_linked"
    assert listed.parent is not None
    assert parent.context is not None
    assert listed.parent.span_id == parent.context.span_id
