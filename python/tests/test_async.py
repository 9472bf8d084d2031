"""The client for asyncio."""

import asyncio
import time

import pytest

import wxlink
from wxlink.sandbox import Server


def test_the_same_verbs(server: Server) -> None:
    async def story() -> None:
        async with server.async_client() as client:
            await client.link_miniprogram(
                server.token, server.appid, notify_users=False, show_profile=True
            )
            with pytest.raises(wxlink.PendingError):
                await client.link_miniprogram(
                    server.token, server.appid, notify_users=False, show_profile=True
                )
            assert len(await client.get_linked(server.token)) == 1
            progress = await client.ensure_linked(
                server.token, server.appid, notify_users=False, show_profile=True
            )
            assert progress.waits_for == "official_account"
            progress = await client.wait_linked(server.token, server.appid, wait=0.1)
            assert progress.state == "pending"
            with pytest.raises(wxlink.InvalidRequestError):
                await client.unlink_miniprogram(server.token, server.appid)
            await client.with_options(timeout=10).get_linked(server.token)

    asyncio.run(story())


def test_every_method_of_the_client_is_there() -> None:
    blocking = {n for n in vars(wxlink.Client) if not n.startswith("_")} - {"cancel", "close"}
    assert blocking <= set(vars(wxlink.AsyncClient))


def test_a_platform_gets_its_tokens(server: Server) -> None:
    async def story() -> None:
        async with wxlink.AsyncClient(
            base_url=server.url,
            component_appid="wx0c00000000000001",
            component_appsecret="SANDBOX-COMPONENT-SECRET",
        ) as client:
            await client.set_ticket("SANDBOX-TICKET")
            account = client.account(server.account)
            await client.add_account(server.account, "SANDBOX-REFRESH-1")
            await account.link_miniprogram(
                None, server.appid, notify_users=False, show_profile=True
            )
            assert len(await account.get_linked()) == 1
            with pytest.raises(wxlink.ArgumentError, match="account"):
                await client.get_linked()

    asyncio.run(story())


async def asked(server: Server) -> None:
    """Returns when a list was requested."""
    while server.counts()["received"]["get"] == 0:
        await asyncio.sleep(0.01)


def test_calls_run_side_by_side(server: Server) -> None:
    async def story() -> None:
        server.fault({"delay_ms": 1000}, endpoint="get", always=True)
        async with server.async_client() as client:
            started = time.monotonic()
            await asyncio.gather(*(client.get_linked(server.token) for _ in range(20)))
            assert time.monotonic() - started < 20 / 2

    asyncio.run(story())


def test_cancelling_the_task_ends_the_call(server: Server) -> None:
    async def story() -> None:
        server.fault("hang", endpoint="get")
        client = server.async_client(timeout=60, max_concurrency=1)
        first = asyncio.create_task(client.get_linked(server.token))
        queued = asyncio.create_task(client.get_linked(server.token))
        await asked(server)
        queued.cancel()
        started = time.monotonic()
        first.cancel()
        for task in (first, queued):
            with pytest.raises(asyncio.CancelledError):
                await task
        # The thread is free again: the call itself has ended.
        assert len(await client.get_linked(server.token)) == 0
        assert time.monotonic() - started < 30
        await client.aclose()

    asyncio.run(story())


def test_a_timeout_of_asyncio_ends_the_call(server: Server) -> None:
    async def story() -> None:
        server.fault("hang", endpoint="get")
        async with server.async_client(timeout=60) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get_linked(server.token), 0.2)

    asyncio.run(story())


def test_closing_ends_what_runs(server: Server) -> None:
    async def story() -> None:
        server.fault("hang", endpoint="get")
        client = server.async_client(timeout=60)
        call = asyncio.create_task(client.get_linked(server.token))
        await asked(server)
        await client.aclose()
        with pytest.raises(wxlink.CallCancelledError):
            await call

    asyncio.run(story())
