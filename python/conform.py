"""Makes the calls of the shared test vectors.

Reads one request per line and prints one reply per line; tests/conformance.rs describes them.
"""

import json
import sys
from urllib.parse import unquote

import wxlink
from wxlink import _core, _options

FIELDS = [
    *("status", "username", "appid", "source", "nickname", "selected", "nearby_display_status"),
    *("released", "headimg_url", "copy_verify_status", "email"),
]


def keyword(key, value):
    """The option as a keyword argument."""
    if key.endswith("_ms"):
        return key.removesuffix("_ms"), int(value) / 1000
    if key in _options._INTEGERS:
        return key, int(value)
    if key in _options._FLAGS:
        return key, value == "yes"
    return key, value


def outcome_of(call):
    """The result of a call, or the progress of the exception, and the exception."""
    try:
        return call(), None
    except wxlink.WxError as error:
        return error.progress, error


def reply_to(request):
    verb, *fields = request.rstrip("\n").split("\t")
    fields = {key: unquote(value) for key, _, value in (f.partition("=") for f in fields)}
    if verb == "errcodes":
        found = _core.explain(int(fields["errcode"]), fields["endpoint"])
        if found is None:
            return {"status": "NOT_FOUND"}
        return {
            "status": "OK",
            "name": found.name,
            "class": found.class_,
            "meaning": found.meaning,
            "remedy": found.remedy,
        }
    if verb == "option":
        # Checked without a client: no file is read and nothing is connected.
        _, error = outcome_of(lambda: _core.check_option(fields["key"], fields["value"]))
        return {"status": error.status if error else "OK", "message": str(error or "")}

    def call():
        options = dict(keyword(k[7:], v) for k, v in fields.items() if k.startswith("option."))
        client = wxlink.Client(**options)
        token, appid = fields.get("access_token", ""), fields.get("appid", "")
        choices = {k: fields.get(k) == "1" for k in ("notify_users", "show_profile")}
        wait = int(fields.get("wait_ms", 0)) / 1000
        match verb:
            case "link":
                return client.link_miniprogram(token, appid, **choices)
            case "get":
                return client.get_linked(token)
            case "unlink":
                return client.unlink_miniprogram(token, appid)
            case "ensure":
                return client.ensure_linked(token, appid, **choices, wait=wait)
            case "wait":
                return client.wait_linked(token, appid, wait=wait)
            case "push":
                return client.accept_push(fields["query"], fields["body"].encode())

    result, error = outcome_of(call)
    answer = {
        "status": "OK",
        "errcode": 0,
        "class": "ok",
        "delivery": "answered",
        "rid": "",
        "message": "",
    }
    if error:
        answer |= {
            "status": error.status,
            "errcode": getattr(error, "code", ""),
            "class": getattr(error, "class_", ""),
            "delivery": error.delivery,
            "http_status": error.http_status,
            "rid": getattr(error, "rid", ""),
            "message": str(error),
            "body": getattr(error, "body", b""),
        }
    if isinstance(result, dict):
        answer["body"] = json.dumps(result)
    if isinstance(result, wxlink.LinkProgress):
        answer |= {"state": result.state, "waits_for": result.waits_for, "posts": result.posts}
        if not error:
            answer |= {"status": result.status, "message": result.message}
    elif isinstance(result, wxlink.LinkList):
        answer |= {"items": len(result), **dict(items(result))}
        result = result.response
    if isinstance(result, wxlink.Response):
        answer |= {
            "http_status": result.http_status,
            "rid": result.rid,
            "body": result.body,
        }
    return answer


def items(result):
    for i, item in enumerate(result):
        for field in FIELDS:
            if (value := getattr(item, field)) is not None:
                yield f"item.{i}.{field}", value
        yield f"item.{i}.func_infos", len(item.func_infos)
        for j, info in enumerate(item.func_infos):
            for field in ("id", "status", "name"):
                if (value := getattr(info, field)) is not None:
                    yield f"item.{i}.func_infos.{j}.{field}", value


def encoded(value):
    data = value if isinstance(value, bytes) else str(value).encode()
    return "".join(chr(b) if 32 <= b <= 126 and b != ord("%") else f"%{b:02X}" for b in data)


def main():
    for request in sys.stdin:
        print("\t".join(f"{k}={encoded(v)}" for k, v in reply_to(request).items()), flush=True)


if __name__ == "__main__":
    main()
