"""Which interfaces multicast uses."""

from whatnext.net.mdns.interfaces import Interface, here, usable

LO = Interface(1, False, ("127.0.0.1", "::1"))
WIFI = Interface(2, True, ("192.168.1.7", "fe80::1", "fd00::7"))
CABLE_V6 = Interface(3, True, ("fe80::2", "fd00::8"))
TUNNEL = Interface(4, False, ("100.64.0.3",))
BARE = Interface(5, True, ())


def test_each_interface_is_spoken_to_in_one_family_ipv4_where_it_has_it():
    assert usable([LO, WIFI, CABLE_V6]) == {"192.168.1.7", 3}


def test_interfaces_without_multicast_or_address_are_left_out():
    assert usable([WIFI, TUNNEL, BARE]) == {"192.168.1.7"}


def test_loopback_stands_in_when_there_is_no_network():
    assert usable([LO, TUNNEL]) == {"127.0.0.1"}
    assert usable([]) == frozenset()


def test_this_device_has_interfaces():
    assert any(ip for interface in here() for ip in interface.ips)
