"""Lists of every shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxlink import _core

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(["status", "username", "appid", "nickname", "released", "func_infos"])
items = st.lists(st.dictionaries(known | st.text(), values, max_size=6), max_size=5)


@given(items)
def test_what_is_there_is_read_and_the_rest_is_kept(items: list[dict[str, object]]) -> None:
    body = json.dumps({"errcode": 0, "wxopens": {"items": items}}).encode()
    read = _core.read_list(body)
    assert read.response.body == body
    assert len(read) == len(items)
    for item, typed in zip(items, read, strict=True):
        for field in ["username", "appid", "nickname"]:
            value = item.get(field)
            assert getattr(typed, field) == (value if isinstance(value, str) else None)
        for key, value in item.items():
            taken = key in {"func_infos"} or getattr(typed, key, None) is not None
            assert taken or typed.extra[key] == value


@given(st.binary(max_size=200))
def test_bytes_that_are_no_list_are_refused(body: bytes) -> None:
    try:
        read = _core.read_list(body)
    except ValueError as why:
        assert str(why)
    else:
        assert isinstance(read.response.json(), dict)


@given(values)
def test_only_an_object_is_an_answer(value: object) -> None:
    if isinstance(value, dict):
        return
    with pytest.raises(ValueError, match=r"JSON|empty|number"):
        _core.read_list(json.dumps(value).encode())
