"""The driver of wechatpy: see "The drivers" in ../README.md.

wechatpy has no methods for links. They are requests through its client of an account.
"""

import json
import logging
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from wechatpy.component import WeChatComponent

component = WeChatComponent(
    os.environ["INTEROP_APPID"],
    os.environ["INTEROP_APPSECRET"],
    os.environ["INTEROP_TOKEN"],
    os.environ["INTEROP_AES_KEY"],
)
# The account that authorised the platform. parse_message exchanges its code.
authorized = None


def push(document, query):
    global authorized
    message = component.parse_message(
        document, query["msg_signature"], query["timestamp"], query["nonce"]
    )
    if message.type == "authorized":
        authorized = message.query_auth_result["authorization_info"]["authorizer_appid"]


def platform_token(_arguments):
    component.fetch_access_token()
    return {}


def pre_auth_code(_arguments):
    return {"code": component.create_preauthcode()["pre_auth_code"]}


def query_auth(_arguments):
    return {"account": authorized}


def refresh(_arguments):
    account().fetch_access_token()
    return {}


def link(arguments):
    body = {"appid": arguments["appid"], "notify_users": 0, "show_profile": 0}
    account().post("wxopen/wxamplink", data=body)
    return {}


def list_links(_arguments):
    items = account().post("wxopen/wxamplinkget", data={})["wxopens"]["items"]
    return {"links": [{"appid": item["appid"], "status": item["status"]} for item in items]}


def unlink(arguments):
    account().post("wxopen/wxampunlink", data={"appid": arguments["appid"]})
    return {}


def encrypt(arguments):
    return {"document": component.crypto.encrypt_message(arguments["message"], "interop")}


def account():
    return component.get_client_by_appid(authorized)


COMMANDS = {
    "/platform_token": platform_token,
    "/pre_auth_code": pre_auth_code,
    "/query_auth": query_auth,
    "/refresh": refresh,
    "/link": link,
    "/list": list_links,
    "/unlink": unlink,
    "/encrypt": encrypt,
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        url = urlsplit(self.path)
        try:
            if url.path == "/push":
                push(body, dict(parse_qsl(url.query)))
                self.answer(200, "success")
            else:
                self.answer(200, json.dumps(COMMANDS[url.path](json.loads(body))))
        except Exception as error:
            logging.exception("%s failed", url.path)
            self.answer(500, json.dumps({"error": f"{type(error).__name__}: {error}"}))

    def answer(self, status, body):
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        # The log is wechatpy's alone.
        pass


logging.basicConfig(level=logging.INFO)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
