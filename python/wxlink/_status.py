"""The states of a link."""

from enum import IntEnum


class LinkStatus(IntEnum):
    """The status of an item in WeChat's list. WeChat may add other numbers."""

    __module__ = "wxlink"

    LINKED = 1
    AWAITING_MINI_PROGRAM = 2
    REFUSED = 3
    AWAITING_OFFICIAL_ACCOUNT = 12
