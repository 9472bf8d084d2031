"""How far the list shows a link to be.

Written by `make generate`; do not edit.
"""

from enum import IntEnum


class LinkStatus(IntEnum):
    """The known values of an item's status. WeChat may add more."""

    __module__ = "wxlink"

    LINKED = 1
    """The mini program is linked."""

    AWAITING_MINI_PROGRAM = 2
    """The mini program's administrator has to agree."""

    REFUSED = 3
    """The mini program's administrator refused."""

    AWAITING_OFFICIAL_ACCOUNT = 12
    """The Official Account's administrator has to agree."""
