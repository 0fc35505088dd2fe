"""Tests talk to this machine alone: what they try beyond it is refused before it begins."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel
from loopback import RefusedError, local

ELSEWHERE, ELSEWHERE_6 = "192.0.2.1", "2001:db8::1"  # reserved for documentation: nobody is there
# A datagram socket that connects sends nothing: this is harmless where nothing refuses it.
CONNECT = f"""
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("{ELSEWHERE}", 9))
    print("connected")
except Exception as error:
    print(type(error).__name__)
"""


def udp(family: int = socket.AF_INET) -> socket.socket:
    return socket.socket(family, socket.SOCK_DGRAM)


@pytest.mark.parametrize(
    ("family", "method", "arguments"),
    [
        (socket.AF_INET, "connect", [(ELSEWHERE, 80)]),
        (socket.AF_INET, "connect_ex", [(ELSEWHERE, 80)]),
        (socket.AF_INET6, "connect", [(ELSEWHERE_6, 80)]),
        (socket.AF_INET, "sendto", [b"", (ELSEWHERE, 9)]),
        (socket.AF_INET, "sendmsg", [[b""], [], 0, (ELSEWHERE, 9)]),
        (socket.AF_INET, "bind", [("0.0.0.0", 0)]),
        (socket.AF_INET, "bind", [("", 0)]),
        (socket.AF_INET6, "bind", [("::", 0)]),
    ],
)
def test_addresses_beyond_the_machine_are_refused(family, method, arguments):
    says = rf"^socket\.{method.removesuffix('_ex')}: the address .* is beyond this machine, .*: use 127\.0\.0\.1$"
    with udp(family) as opened, pytest.raises(RefusedError, match=says):
        getattr(opened, method)(*arguments)


@pytest.mark.parametrize(
    ("look_up", "arguments"),
    [
        ("getaddrinfo", ["example.org", 80]),
        ("create_connection", [("example.org", 80)]),
        ("gethostbyname", ["example.org"]),
        ("gethostbyname_ex", ["example.org"]),
        ("gethostbyaddr", [ELSEWHERE]),
        ("getnameinfo", [(ELSEWHERE, 80), 0]),
    ],
)
def test_names_beyond_the_machine_are_not_looked_up(look_up, arguments):
    with pytest.raises(RefusedError, match=r"the name .* is beyond this machine"):
        getattr(socket, look_up)(*arguments)


def test_a_refusal_is_not_swallowed_as_a_failed_connection():
    assert not issubclass(RefusedError, OSError)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", socket.gethostname()])
def test_names_of_this_machine_are_looked_up(host):
    assert local(host) or host == socket.gethostname()
    assert socket.getaddrinfo(host, 0)


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.8.9.10", True), (b"127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True),
        ("localhost", True), ("", True), (None, True),
        (ELSEWHERE, False), (ELSEWHERE_6, False), ("::ffff:192.0.2.1", False), ("localhost.example.org", False),
        ("127.0.0.1.example.org", False), ("10.0.0.1", False), ("0.0.0.0", False), ("::", False),
    ],
)  # fmt: skip
def test_addresses_of_this_machine(host, here):
    assert local(host) is here


def test_this_machine_is_reached():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as accepted,
    ):
        client.sendall(b"loopback")
        assert accepted.recv(8) == b"loopback"
    with udp() as receiver, udp() as sender:
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(b"datagram", receiver.getsockname())
        assert receiver.recv(8) == b"datagram"
    # pytest's own folders have names too long for a socket.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(Path(folder) / "s"))
        server.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(Path(folder) / "s"))


def test_a_child_is_guarded_and_only_by_the_guard():
    def child(**changed: str) -> str:
        command = [sys.executable, "-c", CONNECT]
        return subprocess.run(command, env=os.environ | changed, capture_output=True, text=True, check=True).stdout

    assert child() == "RefusedError\n"
    guard, _, rest = os.environ["PYTHONPATH"].partition(os.pathsep)
    assert Path(guard).name == "sockets"
    assert child(PYTHONPATH=rest) != "RefusedError\n"


def test_a_kernel_of_a_notebook_is_guarded(tmp_path):
    """nbval starts the kernels of the notebooks as this test does: with the environment of the tests."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    printed = []
    try:
        client.execute_interactive(CONNECT, timeout=60, output_hook=lambda message: printed.append(message["content"]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert {"name": "stdout", "text": "RefusedError\n"} in printed
