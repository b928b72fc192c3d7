"""Where requests may go, as a table of addresses; and that the client asks."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ebbtide.models.delivery.target import Request
from ebbtide.schemas.deliveries import DeliveryReason
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.guard import AddressGuard
from support.deliveries import endpoint
from support.receiver import Receiver

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::a9fe:a9fe",
    "2001:0:53aa:64c:0:5efe:7f00:1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_blocked_unless_its_network_is_named(address: str) -> None:
    assert not AddressGuard().allows(address)
    assert not AddressGuard(["192.0.2.0/24", "crm.internal"]).allows(address)
    assert AddressGuard(["0.0.0.0/0", "::/0"]).allows(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_allowed(address: str) -> None:
    assert AddressGuard().allows(address)


async def test_a_host_that_is_named_may_be_in_the_house_but_not_where_clouds_keep_their_metadata() -> None:
    guard = AddressGuard(["LOCALHOST."])
    assert not guard.allows("127.0.0.1")
    found = await guard.resolve("localhost", 80)
    assert all(guard.allows(entry["host"]) for entry in found)
    assert not guard.allows("10.0.0.1"), "only where it is"
    guard._granted["localhost"] |= {ip_address("169.254.169.254")}
    assert not guard.allows("169.254.169.254")
    await guard.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "2130706433", "0x7f.1"])
async def test_no_way_to_write_an_address_gets_through(host: str) -> None:
    with Receiver() as receiver:
        given = endpoint(f"http://{host}:{receiver.port}", "t", allow=())
        async with Client(given) as client:
            answer = await client.ask(Request("POST", f"http://{host}:{receiver.port}/", {}, b"{}"))
        assert receiver.received == []
    assert answer.status is None
    assert answer.fault in (DeliveryReason.BLOCKED_ADDRESS, DeliveryReason.CONNECTION)
    if host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
        assert answer.fault is DeliveryReason.BLOCKED_ADDRESS
        assert "list it under `allow`" in answer.detail


async def test_a_redirect_is_not_followed_and_a_long_answer_not_read() -> None:
    with Receiver(script=lambda _: "redirect", answer=b"x" * 1_000_000) as receiver:
        async with Client(endpoint(receiver.url, "t")) as client:
            redirected = await client.ask(Request("POST", receiver.url, {}, b"{}"))
            receiver.script = lambda _: ""
            long = await client.ask(Request("POST", receiver.url, {}, b"{}"))
    assert redirected.status == 302
    assert (long.status, len(long.body)) == (200, 64 << 10)
