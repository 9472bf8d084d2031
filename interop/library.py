"""The C functions of wxlink, called as a program in C calls them."""

import ctypes
import json
import os
from pathlib import Path

from sdks import ROOT

OK = 0
BAD_PUSH = -7

POINTER = ctypes.c_void_p
TEXT = ctypes.c_char_p
STATUS = ctypes.c_int32
# The result and the parameters of each function, as in include/wxlink.h.
FUNCTIONS = {
    "wx_options_new": (POINTER, []),
    "wx_options_set": (STATUS, [POINTER, TEXT, TEXT]),
    "wx_options_message": (TEXT, [POINTER]),
    "wx_options_free": (None, [POINTER]),
    "wx_client_new": (STATUS, [POINTER, ctypes.POINTER(POINTER)]),
    "wx_client_accept_push": (
        STATUS,
        [POINTER, TEXT, TEXT, ctypes.c_size_t, ctypes.POINTER(POINTER)],
    ),
    "wx_client_free": (None, [POINTER]),
    "wx_result_json": (TEXT, [POINTER, ctypes.POINTER(ctypes.c_size_t)]),
    "wx_result_free": (None, [POINTER]),
}


class LibraryError(Exception):
    """The library could not be loaded, or refused an option."""


def load():
    """Loads the library, and declares its functions."""
    folder = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release")
    try:
        library = ctypes.CDLL(str(folder / "libwxlink.so"))
    except OSError as error:
        raise LibraryError(f"{error}. Run make build.") from None
    for name, (result, parameters) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


class Client:
    """A client with these options. Use it in a `with` statement."""

    def __init__(self, options):
        self._c = load()
        self._client = POINTER()
        made = self._c.wx_options_new()
        try:
            for key, value in options.items():
                self._check(made, self._c.wx_options_set(made, key.encode(), value.encode()))
            self._check(made, self._c.wx_client_new(made, ctypes.byref(self._client)))
        finally:
            self._c.wx_options_free(made)

    def _check(self, options, status):
        if status != OK:
            raise LibraryError(self._c.wx_options_message(options).decode())

    def accept_push(self, query, body):
        """Calls wx_client_accept_push, and returns its status and the JSON of its result."""
        body = body.encode()
        result = POINTER()
        status = self._c.wx_client_accept_push(
            self._client, query.encode(), body, len(body), ctypes.byref(result)
        )
        try:
            text = self._c.wx_result_json(result, None).decode()
            return status, json.loads(text) if status == OK else None
        finally:
            self._c.wx_result_free(result)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._c.wx_client_free(self._client)
