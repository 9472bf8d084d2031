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
clean = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffd"))
decisive = st.fixed_dictionaries(
    {},
    optional={
        "status": st.none() | st.integers(-(2**63), 2**63 - 1) | st.from_regex(r"\A-?[0-9]{1,9}\Z"),
        "username": st.none() | clean,
        "appid": st.none() | clean,
    },
)
others = st.dictionaries(
    (st.sampled_from(["nickname", "released", "func_infos"]) | clean).filter(
        lambda key: key not in {"status", "username", "appid"}
    ),
    values,
    max_size=6,
)
items = st.lists(st.builds(lambda a, b: a | b, decisive, others), max_size=5)


def list_of(items: object) -> bytes:
    return json.dumps({"errcode": 0, "wxopens": {"items": items}}).encode()


@given(items)
def test_what_is_there_is_read_and_the_rest_is_kept(items: list[dict[str, object]]) -> None:
    body = list_of(items)
    read = _core.read_list(body)
    assert read.response.body == body
    assert len(read) == len(items)
    for item, typed in zip(items, read, strict=True):
        assert (typed.appid or "", typed.username or "") == (
            item.get("appid") or "",
            item.get("username") or "",
        )
        assert typed.status == (None if item.get("status") is None else int(str(item["status"])))
        nickname = item.get("nickname")
        assert typed.nickname == (nickname if isinstance(nickname, str) else None)
        for key, value in item.items():
            taken = key in {"func_infos"} or getattr(typed, key, None) is not None
            assert taken or value == "" or typed.extra[key] == value


@pytest.mark.parametrize("field", ["appid", "username", "status"])
@given(value=values)
def test_a_list_with_an_id_or_status_of_another_type_is_refused(field: str, value: object) -> None:
    if isinstance(value, bool | float | list | dict):
        with pytest.raises(ValueError, match=rf"items\[1\]\.{field} "):
            _core.read_list(list_of([{}, {field: value}]))


def test_a_list_that_is_almost_json_is_read() -> None:
    body = b'{"errcode":0,"wxopens":{"items":[{"appid":"wx1","nickname":"a\n\xff"}]}}\0'
    read = _core.read_list(body)
    assert read.response.body == body
    assert [(item.appid, item.nickname) for item in read] == [("wx1", "a\ufffd\ufffd")]
    assert read.response.json()["wxopens"]["items"][0]["nickname"] == "a\ufffd\ufffd"


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
