"""The names by which the service may be asked for.

A page of a foreign site can make its own name point to this machine once it is loaded (DNS rebinding). The browser then
lets it read the answers of a service that asks for no token, and sends the foreign name as ``Host``. An address in that
header is no such name.

References:
    Jackson, Barth, Bortz, Shao and Boneh (2009), "Protecting browsers from DNS rebinding attacks", ACM TWEB 3(1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from paretoroute.errors import QueryError, shown

LOOPBACK = ("localhost", "*.localhost")
_NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?", re.ASCII)
_PORT = re.compile(r":[0-9]{0,5}$", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedHosts:
    """The values of the header ``Host`` that are answered.

    Args:
        names: host names and addresses in lower case; ``*.NAME`` stands for every name below, ``*`` for all.
        takes_addresses: whether any address is answered, as where the service listens on all of this machine.
    """

    names: frozenset[str]
    takes_addresses: bool = False

    @staticmethod
    def of(bound: str, more: Sequence[str] = ()) -> AllowedHosts:
        """Return the names of the loopback, that of the address that the service listens on, and more.

        Args:
            bound: what the service listens on, an address or a name.
            more: names or addresses, ``*.NAME``, or ``*``.

        Raises:
            QueryError: one of the names is none.
        """
        address = _address(bound)
        names = {*LOOPBACK, _plain(bound), *map(_checked, more)}
        return AllowedHosts(names=frozenset(names), takes_addresses=address is not None and address.is_unspecified)

    def allow(self, header: str) -> bool:
        """Return whether a value of the header is answered; the port does not count."""
        host = _plain(_PORT.sub("", header.strip()))
        if not host:
            return False
        if "*" in self.names or host in self.names:
            return True
        if (address := _address(host)) is not None:
            return self.takes_addresses or address.is_loopback
        return any(host.endswith(name[1:]) for name in self.names if name.startswith("*."))


def _plain(host: str) -> str:
    """Return a host in lower case without the brackets of IPv6 and the dot of the root, in one spelling."""
    host = host.strip().casefold().removesuffix(".")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    address = _address(host)
    return host if address is None else str(address)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _checked(name: str) -> str:
    host = _plain(name)
    if host != "*" and _address(host) is None and not _NAME.fullmatch(host):
        raise QueryError(
            f"--allowed-host {shown(name)}: write the name or the address that callers use, without scheme and port, "
            "such as router.example.com or *.example.com"
        )
    return host
