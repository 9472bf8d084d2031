"""How far a link has come."""

from enum import IntEnum


class LinkStatus(IntEnum):
    """The numbers a list's item may have as its status. Others may come."""

    __module__ = "wxlink"

    LINKED = 1
    AWAITING_MINI_PROGRAM = 2
    REFUSED = 3
    AWAITING_OFFICIAL_ACCOUNT = 12
