"""Refuse to talk to any machine but this one: an audit hook, for tests and what they start."""

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["RefusedError", "local", "refuse"]


class RefusedError(RuntimeError):
    """Raised in place of a connection. It is no OSError: what falls back on such errors would hide it."""


def local(host: object) -> bool:
    """Whether a host is this machine, as nobody but this machine can tell."""
    import ipaddress

    if host in (None, "", b""):  # the machine itself, when a name is looked up
        return True
    name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _own_name(host: object) -> bool:
    import socket

    return host == socket.gethostname()


def _check_address(_socket: Any, address: Any) -> str | None:
    """Refuse an internet address beyond loopback; sockets of the file system and of the kernel stay here."""
    import socket

    if address is None or _socket.family in (socket.AF_UNIX, getattr(socket, "AF_NETLINK", None)):
        return None
    host = address[0] if isinstance(address, tuple) else address
    return None if host and local(host) else f"the address {address!r}"


def _check_name(host: Any, *_: Any) -> str | None:
    return None if local(host) or _own_name(host) else f"the name {host!r}"


def _check_back(address: Any) -> str | None:
    return _check_name(address[0] if isinstance(address, tuple) else address)


_CHECKS: dict[str, Callable[..., str | None]] = {
    "socket.connect": _check_address,
    "socket.bind": _check_address,
    "socket.sendto": _check_address,
    "socket.sendmsg": _check_address,
    "socket.getaddrinfo": _check_name,
    "socket.gethostbyname": _check_name,
    "socket.gethostbyaddr": _check_back,
    "socket.getnameinfo": _check_back,
}

_on: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check and (what := check(*arguments)):
        raise RefusedError(f"{event}: {what} is beyond this machine, and tests use no network: use 127.0.0.1")


def refuse() -> None:
    """Guard this process until it ends; a second call changes nothing."""
    if not _on:
        sys.addaudithook(_hook)
        _on.append(True)
