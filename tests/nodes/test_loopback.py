"""Where addresses of a cluster are on this machine."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator

import pytest

from canarium.nodes.loopback import Loopback, claim_loopback, free_port

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


@contextlib.contextmanager
def claimed(*, has_addresses: bool = True) -> Iterator[Loopback]:
    loopback = claim_loopback(has_addresses=has_addresses)
    try:
        yield loopback
    finally:
        loopback.close()


@pytest.mark.parametrize(
    ("block", "ip", "host"),
    [
        (0, "10.244.1.7", "127.244.1.7"),
        (0, "10.96.3.4", "127.96.3.4"),
        (3, "10.244.1.7", "127.241.1.7"),
        (3, "10.96.3.4", "127.93.3.4"),
        (0, "127.0.0.1", "127.0.0.1"),
        (0, "192.0.2.1", "192.0.2.1"),
        (None, "10.244.1.7", "127.0.0.1"),
        (None, "10.96.3.4", "127.0.0.1"),
        (None, "192.0.2.1", "192.0.2.1"),
    ],
)
def test_an_address_of_the_cluster_is_a_loopback_address(block: int | None, ip: str, host: str) -> None:
    assert Loopback(None, block).host_of(ip) == host


def test_blocks_of_pods_and_services_never_meet() -> None:
    hosts = [Loopback(None, block).host_of(ip) for block in range(40) for ip in ("10.244.0.0", "10.96.0.0")]

    assert len(set(hosts)) == len(hosts)
    assert "127.0.0.0" not in hosts


def test_ports_stay_as_they_are_where_addresses_exist() -> None:
    loopback = Loopback(None, 0)

    assert loopback.place("10.244.1.7", 80) == ("127.244.1.7", 80)
    assert loopback.elsewhere == {}


def test_a_moved_port_is_where_it_was_moved_until_it_is_home_again_or_forgotten() -> None:
    loopback = Loopback(None, 0)
    loopback.moved("10.96.3.4", 80, "127.96.3.4", 40001)
    loopback.moved("10.96.3.4", 443, "127.0.0.1", 40002)
    loopback.moved("10.96.3.5", 80, "127.96.3.5", 80)  # it is where it belongs

    assert loopback.place("10.96.3.4", 80) == ("127.96.3.4", 40001)
    assert loopback.elsewhere == {("10.96.3.4", 80): ("127.96.3.4", 40001), ("10.96.3.4", 443): ("127.0.0.1", 40002)}

    loopback.moved("10.96.3.4", 80, "127.96.3.4", 80)
    assert loopback.place("10.96.3.4", 80) == ("127.96.3.4", 80)

    loopback.forget("10.96.3.4")
    assert loopback.elsewhere == {}


def test_with_one_address_every_port_is_a_free_one_and_stays_it() -> None:
    loopback = Loopback(None, None)

    first, second = loopback.place("10.244.1.7", 80), loopback.place("10.244.1.8", 80)

    assert first != second
    assert first[0] == second[0] == "127.0.0.1"
    assert loopback.place("10.244.1.7", 80) == first
    assert loopback.place("192.0.2.1", 80) == ("192.0.2.1", 80)
    loopback.forget("10.244.1.7")
    assert ("10.244.1.7", 80) not in loopback.elsewhere


def test_a_free_port_can_be_taken() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        assert taken.getsockname()[1] != free_port()


@linux
def test_clusters_side_by_side_have_addresses_of_their_own() -> None:
    with claimed() as first, claimed() as second:
        assert first.has_addresses
        assert first.host_of("10.244.1.7") != second.host_of("10.244.1.7")
        former = first.host_of("10.96.1.1")
        first.close()
        with claimed() as third:
            assert third.host_of("10.96.1.1") == former


def test_a_machine_with_one_address_is_played_by_a_switch() -> None:
    with claimed(has_addresses=False) as only:
        assert not only.has_addresses
        assert only.host_of("10.244.1.7") == "127.0.0.1"


def test_a_port_that_the_user_may_not_listen_on_is_a_free_one_of_the_same_address() -> None:
    loopback = Loopback(None, 0, first_port=1024)

    host, port = loopback.place("10.96.0.7", 80)

    assert (host, loopback.place("10.96.0.7", 80)) == ("127.96.0.7", (host, port))
    assert port >= 1024
    assert loopback.place("10.96.0.7", 8080) == ("127.96.0.7", 8080)
    assert loopback.elsewhere == {("10.96.0.7", 80): (host, port)}
