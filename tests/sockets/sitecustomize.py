"""Every Python that a test starts with this folder on its path is guarded from its first line."""

from loopback import refuse

__all__: list[str] = []

refuse()
