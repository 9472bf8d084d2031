#!/usr/bin/env python3
"""Tests of the extension in a real server, against the simulator. test.sh runs them."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

from cluster import HERE, LIBRARIES, ROOT, Cluster, SqlError, wait_until

sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox

ACCOUNT = "wx0a00000000000001"
SECOND_ACCOUNT = "wx0a00000000000002"
APPID = "wx0b00000000000001"
FORBIDS = "wx0b000000000000e3"
# The accounts of the simulator whose tokens the token command prints.
TOKENS = {
    ACCOUNT: "SANDBOX-TOKEN",
    SECOND_ACCOUNT: "SANDBOX-TOKEN-2",
    "wx0a00000000000003": "SANDBOX-TOKEN-3",
}
SECRETS = ["SANDBOX-TOKEN", "SANDBOX-COMPONENT-SECRET", "SANDBOX-TICKET", "SANDBOX-REFRESH"]

LINK = f"SELECT wxlink.link_miniprogram('{ACCOUNT}', '{APPID}', false, true)"
LIST = f"SELECT count(*) FROM wxlink.get_linked('{ACCOUNT}')"
ENSURE = f"SELECT wxlink.ensure_linked('{ACCOUNT}', '{APPID}', false, true)"
UNLINK = f"SELECT wxlink.unlink_miniprogram('{ACCOUNT}', '{APPID}')"

# For calls that only an interrupt ends.
NO_LIMIT = {"timeout_ms": 3600000}

cluster = None
sandbox = None


def setUpModule():
    global cluster, sandbox
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        cluster = stack.enter_context(Cluster())
        cluster.sql("CREATE EXTENSION wxlink")
        unittest.addModuleCleanup(stack.pop_all().close)


def token_command():
    """A command that prints the token of the account that it reads."""
    path = cluster.folder / "token"
    cases = "".join(f"account={account}) echo {token} ;;\n" for account, token in TOKENS.items())
    path.write_text(f"#!/bin/sh\nread -r line\ncase $line in\n{cases}*) exit 1 ;;\nesac\n")
    path.chmod(0o755)
    return str(path)


def write_config(**options):
    """Writes the configuration file, with these options besides the usual ones."""
    usual = {"base_url": sandbox.base_url, "token_command": token_command(), "store": new_store()}
    options = {key: value for key, value in (usual | options).items() if value is not None}
    write_file("".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))


def write_file(text):
    """Replaces the configuration file."""
    new = cluster.config.with_suffix(".new")
    new.write_text(text, "utf-8")
    cluster.give(new)
    new.rename(cluster.config)


def new_store():
    """A store without claims. The simulator's reset does not know of claims."""
    write_config.stores = getattr(write_config, "stores", 0) + 1
    folder = cluster.run / f"store-{write_config.stores}"
    folder.mkdir()
    cluster.give(folder)
    return f"file:{folder / 'store'}"


def fault(endpoint, what, **rule):
    sandbox.admin("POST", "faults", {"endpoint": endpoint, "fault": what, **rule})


def agree(account, appid, by):
    decision = {"account": account, "appid": appid, "by": by, "decision": "agree"}
    return sandbox.admin("POST", "approvals", decision)


def received(endpoint):
    return sandbox.admin("GET", "journal/counts")["received"][endpoint]


def processed(endpoint):
    return sandbox.admin("GET", "journal/counts")["processed"][endpoint]


def status_numbers():
    """The statuses of the C header, by name."""
    header = (ROOT / "include/wxlink.h").read_text()
    found = re.findall(r"^#define WX_(?:E_)?(\w+) \(?(-?\d+)\)?$", header, re.MULTILINE)
    return {name: int(number) for name, number in found}


class Extension(unittest.TestCase):
    """Every test starts with a new simulator's state, a new store and no session."""

    def setUp(self):
        sandbox.admin("POST", "reset")
        write_config()

    def refused(self, sqlstate, sql, **arguments):
        """Returns the error of statements, which shows no secret."""
        with self.assertRaises(SqlError) as raised:
            cluster.sql(sql, **arguments)
        error = raised.exception
        self.assertEqual(error.sqlstate, sqlstate, error)
        self.assert_no_secret(str(error))
        return error

    def assert_no_secret(self, text):
        for secret in SECRETS:
            self.assertNotIn(secret, text)

    def json(self, sql, **arguments):
        return json.loads(cluster.sql(sql, **arguments))

    def hanging(self, sql, name, endpoint="link", when="after", **options):
        """Starts statements whose call gets no response, and returns psql and the backend."""
        write_config(**NO_LIMIT | options)
        before = received(endpoint)
        fault(endpoint, "hang", when=when)
        psql = cluster.psql(sql, PGAPPNAME=name)
        wait_until(lambda: received(endpoint) > before, "the request does not arrive")
        return psql, wait_until(lambda: cluster.backend(name), "no session waits")

    def failed(self, psql, sqlstate):
        with self.assertRaises(SqlError) as raised:
            cluster.result(psql)
        self.assertEqual(raised.exception.sqlstate, sqlstate, raised.exception)
        return raised.exception

    # Calls and results.

    def test_a_link_goes_from_invitation_to_unlinking(self):
        link = self.json(LINK)
        expected = {"status": "OK", "errcode": 0, "class": "ok", "delivery": "answered"}
        self.assertEqual({**link, **expected, "message": ""}, link)
        row = cluster.sql(
            "SELECT status, appid, username, nickname, item->>'appid' "
            f"FROM wxlink.get_linked('{ACCOUNT}')"
        )
        self.assertEqual(row, f"12|{APPID}|gh_000000000001|示例小程序1|{APPID}")

        waits = self.json(ENSURE)
        self.assertEqual(
            [waits["status"], waits["state"], waits["waits_for"], waits["found"], waits["posts"]],
            ["PENDING", "pending", "official_account", "pending", 0],
        )
        self.assertEqual([waits["item"]["appid"], waits["retry_after_ms"]], [APPID, 0])
        agree(ACCOUNT, APPID, "official_account")
        agree(ACCOUNT, APPID, "mini_program")
        wait = f"SELECT wxlink.wait_linked('{ACCOUNT}', 'gh_000000000001', 0)->>'state'"
        self.assertEqual(cluster.sql(wait), "linked")

        self.assertEqual(self.json(UNLINK)["status"], "OK")
        asked = self.refused("WX070", UNLINK)
        self.assertEqual(json.loads(asked.detail)["errcode"], 89018)
        agree(ACCOUNT, APPID, "official_account")
        self.assertEqual(cluster.sql(LIST), "0")

    def test_ensure_waits_for_the_administrators(self):
        soon = {"when": {"polls": 1}}
        sandbox.admin("PUT", "policy", {"official_account": soon, "mini_program": soon})
        call = f"wxlink.ensure_linked('{ACCOUNT}', '{APPID}', false, true, wait_ms => 300000)"
        linked = self.json(f"SELECT {call}")
        self.assertEqual([linked["state"], linked["posts"]], ["linked", 1])

    def test_an_earlier_refusal_is_a_state_and_no_error(self):
        cluster.sql(LINK)
        agree(ACCOUNT, APPID, "official_account")
        refuse = {"account": ACCOUNT, "appid": APPID, "by": "mini_program", "decision": "refuse"}
        sandbox.admin("POST", "approvals", refuse)
        declined = self.json(f"SELECT wxlink.wait_linked('{ACCOUNT}', 'gh_000000000001', 0)")
        self.assertEqual([declined["status"], declined["state"]], ["DECLINED", "declined"])

    def test_a_refusal_has_its_code_and_the_next_step(self):
        link = f"wxlink.link_miniprogram('{ACCOUNT}', '{FORBIDS}', false, true"
        error = self.refused("WX070", f"SELECT {link})")
        self.assertIn("89245 LINKING_SWITCHED_OFF", error.message)
        self.assertEqual(error.hint, "An administrator or operator must act first.")
        detail = json.loads(error.detail)
        expected = {"status": "API", "class": "action_required", "delivery": "answered"}
        self.assertEqual({**detail, **expected, "errcode": 89245}, detail)
        self.assertIn(detail["rid"], error.message)

        returned = self.json(f"SELECT {link}, raise => false)")
        self.assertEqual({**returned, **expected, "errcode": 89245}, returned)
        self.assertIn("89245", returned["message"])

        caught = cluster.sql(
            "DO $$ DECLARE detail text; BEGIN "
            f"PERFORM {link}); "
            "EXCEPTION WHEN SQLSTATE 'WX070' THEN "
            "GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; "
            "RAISE NOTICE '%', detail::jsonb->>'class'; END $$"
        )
        self.assertEqual(caught, "")

    def test_messages_are_chinese_with_the_option_lang(self):
        write_config(lang="zh")
        sql = f"SELECT wxlink.link_miniprogram('{ACCOUNT}', '{FORBIDS}', false, true)"
        error = self.refused("WX070", sql)
        self.assertIn("微信", error.message)
        self.assertEqual(error.hint, "需要管理员或运营人员先行处理。")

    def test_arguments_are_checked_before_anything_is_sent(self):
        null, invalid = "22004", "22023"
        call = "SELECT wxlink.ensure_linked"
        for sqlstate, sql in [
            (null, f"{call}(NULL, '{APPID}', false, true)"),
            (null, f"{call}('{ACCOUNT}', NULL, false, true)"),
            (null, f"{call}('{ACCOUNT}', '{APPID}', NULL, true)"),
            (null, f"{call}('{ACCOUNT}', '{APPID}', false, NULL)"),
            (null, f"{call}('{ACCOUNT}', '{APPID}', false, true, NULL)"),
            (null, f"{call}('{ACCOUNT}', '{APPID}', false, true, raise => NULL)"),
            (null, "SELECT * FROM wxlink.get_linked(NULL)"),
            (invalid, f"{call}('', '{APPID}', false, true)"),
            (invalid, f"{call}('{ACCOUNT}', '', false, true)"),
            (invalid, f"{call}('{ACCOUNT}', '{APPID}', false, true, -1)"),
            (invalid, f"{call}('{ACCOUNT}', '{APPID}', false, true, access_token => '')"),
            (invalid, f"{call}('{ACCOUNT}', E'wx\\n', false, true)"),
            (invalid, f"{call}('{'x' * 300}', '{APPID}', false, true)"),
            ("25006", f"BEGIN READ ONLY; {ENSURE}"),
            ("25006", f"BEGIN READ ONLY; {LINK}"),
            ("25006", f"BEGIN READ ONLY; {UNLINK}"),
        ]:
            with self.subTest(sql):
                self.refused(sqlstate, sql)
        self.assertEqual(sandbox.admin("GET", "journal")["entries"], [])
        self.assertEqual(cluster.sql(f"BEGIN READ ONLY; {LIST}"), "0")

    def test_no_function_is_for_everyone_or_may_run_twice(self):
        functions = (
            "FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' "
            "JOIN pg_extension e ON e.oid = d.refobjid AND extname = 'wxlink'"
        )
        for_public = "EXISTS (SELECT FROM aclexplode(proacl) a WHERE a.grantee = 0)"
        sql = f"SELECT proname {functions} WHERE proacl IS NULL OR {for_public}"
        self.assertEqual(cluster.sql(sql), "")
        careless = "provolatile <> 'v' OR proparallel <> 'u' OR proisstrict OR proleakproof"
        sql = f"SELECT proname {functions} WHERE proname <> 'library_version' AND ({careless})"
        self.assertEqual(cluster.sql(sql), "")
        self.assertEqual(cluster.sql(f"SELECT count(*) {functions}"), "6")

    def test_a_role_needs_the_right_to_call(self):
        cluster.sql("CREATE ROLE clerk LOGIN")
        self.addCleanup(cluster.sql, "DROP OWNED BY clerk; DROP ROLE clerk")
        self.refused("42501", LIST, user="clerk")
        cluster.sql("GRANT USAGE ON SCHEMA wxlink TO clerk")
        self.refused("42501", LIST, user="clerk")
        cluster.sql("GRANT EXECUTE ON FUNCTION wxlink.get_linked TO clerk")
        self.assertEqual(cluster.sql(LIST, user="clerk"), "0")
        self.refused("42501", LINK, user="clerk")

    def test_the_module_exports_only_its_functions(self):
        module = cluster.folder / "build/wxlink.so"
        nm = ["nm", "--dynamic", "--defined-only", "--format=just-symbols", module]
        symbols = subprocess.run(nm, capture_output=True, text=True, check=True).stdout.split()
        usual = r"Pg_magic_func|_PG_init|(pg_finfo_)?wxlink_\w+"
        self.assertEqual([name for name in symbols if not re.fullmatch(usual, name)], [])

    def test_the_version_is_that_of_the_library(self):
        cargo = (ROOT / "Cargo.toml").read_text()
        version = re.search(r'^version = "(.*)"$', cargo, re.MULTILINE)[1]
        self.assertEqual(cluster.sql("SELECT wxlink.library_version()"), version)

    def test_a_rollback_does_not_undo_a_post(self):
        cluster.sql(f"BEGIN; {LINK}; ROLLBACK")
        self.assertEqual(cluster.sql(LIST), "1")

    def test_the_queue_of_the_page_links_each_row_in_its_own_transaction(self):
        cluster.sql("CREATE DATABASE shop")
        self.addCleanup(cluster.sql, "DROP DATABASE shop")
        cluster.sql("CREATE EXTENSION wxlink", database="shop")
        queue = (HERE / "samples/queue.sql").read_text()
        self.assertIn(f"```sql\n{queue}```\n", (ROOT / "docs/postgresql.md").read_text())
        cluster.sql(queue, database="shop")
        links = [(ACCOUNT, APPID), (ACCOUNT, FORBIDS), (SECOND_ACCOUNT, APPID)]
        rows = ", ".join(map(str, links))
        cluster.sql(f"INSERT INTO links (account, appid) VALUES {rows}", database="shop")
        workers = [cluster.psql("CALL make_links()", database="shop") for _ in range(3)]
        for worker in workers:
            cluster.result(worker)
        states = "SELECT string_agg(state, ' ' ORDER BY id) FROM links"
        self.assertEqual(cluster.sql(states, database="shop"), "pending refused pending")
        self.assertEqual(processed("link"), 3)
        for account in (ACCOUNT, SECOND_ACCOUNT):
            agree(account, APPID, "official_account")
            agree(account, APPID, "mini_program")
        cluster.sql("UPDATE links SET next_try = now()", database="shop")
        cluster.sql("CALL make_links()", database="shop")
        self.assertEqual(cluster.sql(states, database="shop"), "linked refused linked")

    # Configuration and secrets.

    def test_a_changed_file_is_used_by_the_next_call_of_the_same_session(self):
        psql = cluster.psql(f"{LIST};\n\\echo first", PGAPPNAME="session")
        self.assertEqual([psql.stdout.readline(), psql.stdout.readline()], ["0\n", "first\n"])
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        write_config(base_url=f"http://127.0.0.1:{port}", max_retries=0)
        psql.stdin.write(f"{LIST};\n")
        self.assertIn("connect", self.failed(psql, "WX021").message.lower())

    def test_a_file_that_cannot_be_used_is_named_and_nothing_of_it_is_shown(self):
        usual = f'base_url = "{sandbox.base_url}"\n'
        quoted = "expected KEY ="
        for text, line, message in [
            (usual + 'timeout_ms = "soon"', 2, "timeout_ms"),
            (usual + "# comment\n\ntimeout = 5", 4, "timeout"),
            (usual + 'account = "wx"', 2, "account cannot be set"),
            (usual + 'access_token = "SANDBOX-TOKEN"', 2, "access_token cannot be set"),
            ("SANDBOX-TOKEN", 1, quoted),
            ("component_appsecret = SANDBOX-COMPONENT-SECRET", 1, quoted),
            ('component_appsecret = "SANDBOX-COMPONENT-SECRET', 1, quoted),
            ('component_appsecret = "SANDBOX-COMPONENT-SECRET" 1', 1, quoted),
            ('component_appsecret = "SANDBOX-COMPONENT-SECRET\\n"', 1, quoted),
            ("[client]", 1, quoted),
        ]:
            with self.subTest(text):
                write_file(text)
                error = self.refused("F0000", LIST)
                self.assertIn(f'"{cluster.config}", line {line}: ', error.message)
                self.assertIn(message, error.message)
        write_file(usual + "\0timeout_ms = 5")
        self.assertIn("to its end", self.refused("F0000", LIST).message)
        write_file(usual + 'component_appid = "wx0c00000000000001"')
        self.assertIn("component_appsecret", self.refused("F0000", LIST).message)
        cluster.config.unlink()
        self.assertIn(str(cluster.config), self.refused("58P01", LIST).message)

    def test_the_file_may_have_comments_blanks_and_both_quotes(self):
        write_file(
            f"\r\n# comment\r\n  base_url='{sandbox.base_url}' # the simulator\r\n"
            f'\ttimeout_ms   =\t5000#ms\r\nuser_agent = "a \\"b\\" \\\\ # c"\r\n'
            f"token_command = '{token_command()}'"
        )
        self.assertEqual(cluster.sql(LIST), "0")
        headers = sandbox.admin("GET", "journal")["entries"][0]["headers"]
        self.assertEqual(headers["user-agent"], 'a "b" \\ # c')

    def test_a_file_that_others_may_read_or_change_is_refused(self):
        for mode in (0o640, 0o604, 0o620, 0o602):
            cluster.config.chmod(mode)
            self.assertIn("other users", self.refused("F0000", LIST).message)
        cluster.config.chmod(0o400)
        self.assertEqual(cluster.sql(LIST), "0")
        if os.geteuid() == 0:
            os.chown(cluster.config, 0, cluster.user.pw_gid)
            cluster.config.chmod(0o640)
            self.assertEqual(cluster.sql(LIST), "0")

    def test_only_superusers_choose_the_file(self):
        cluster.sql("CREATE ROLE clerk LOGIN")
        self.addCleanup(cluster.sql, "DROP OWNED BY clerk; DROP ROLE clerk")
        cluster.sql("GRANT USAGE ON SCHEMA wxlink TO clerk")
        cluster.sql("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA wxlink TO clerk")
        other = "SET wxlink.config_file = '/nowhere'"
        self.refused("42501", f"{LIST}; {other}", user="clerk")
        # Before the module is loaded PostgreSQL does not know who may change the setting.
        used = f"{other}; SELECT wxlink.library_version(); SHOW wxlink.config_file; {LIST}"
        self.assertEqual(
            cluster.sql(used, user="clerk").splitlines()[1:], [str(cluster.config), "0"]
        )
        self.refused("58P01", f"{other}; {LIST}")
        self.refused("42602", f"{LIST}; SET wxlink.base_url = 'http://127.0.0.1'")

    def test_the_file_can_be_set_for_the_server_and_for_a_database(self):
        page = (ROOT / "docs/postgresql.md").read_text()
        statements = re.search(r"```sql\n(SELECT wxlink.library_version.*?)```", page, re.DOTALL)[1]
        path = re.search(r"'(/.*?)'", statements)[1]

        def reset():
            cluster.sql("ALTER DATABASE postgres RESET wxlink.config_file")
            load = "SELECT wxlink.library_version()"
            cluster.sql(f"{load}; ALTER SYSTEM RESET wxlink.config_file; SELECT pg_reload_conf()")
            wait_until(lambda: shown() == str(cluster.config), "the setting is not reset")

        def shown():
            return cluster.sql("SHOW wxlink.config_file")

        self.addCleanup(reset)
        cluster.sql(statements)
        wait_until(lambda: shown() == path, "the setting is not loaded")
        self.refused("58P01", LIST)
        cluster.sql(f"ALTER DATABASE postgres SET wxlink.config_file = '{cluster.config}'")
        self.assertEqual(cluster.sql(LIST), "0")

    def test_ensure_needs_a_store(self):
        write_config(store=None)
        self.assertIn("option store", self.refused("55000", ENSURE).message)
        self.assertEqual(json.loads(cluster.sql(LINK))["status"], "OK")
        write_config(store="memory")
        self.assertEqual(self.json(ENSURE)["state"], "pending")

    def test_without_a_file_a_call_needs_a_token(self):
        none = "SET wxlink.config_file = ''"
        self.assertIn("access_token is NULL", self.refused("22023", f"{none}; {LIST}").message)
        self.refused("55000", f"{none}; {ENSURE}")

    def test_a_token_of_a_table_is_used_and_shown_nowhere(self):
        write_config(token_command=None)
        cluster.sql(
            f"CREATE TABLE tokens AS SELECT '{ACCOUNT}' AS account, 'SANDBOX-TOKEN' AS token"
        )
        self.addCleanup(cluster.sql, "DROP TABLE tokens")
        start = cluster.log.stat().st_size
        sql = (
            "SELECT l.appid FROM tokens t, wxlink.get_linked(t.account, t.token) l; "
            f"SELECT wxlink.link_miniprogram(t.account, '{FORBIDS}', false, true, t.token) "
            "FROM tokens t"
        )
        self.refused("WX070", f"SET client_min_messages = debug1; {sql}")
        self.assert_no_secret(cluster.logged(start))
        # The server logs a statement that fails, unless the error comes from a call with a token.
        literal = f"'{ACCOUNT}', '{FORBIDS}', false, true, 'SANDBOX-TOKEN'"
        self.refused("WX070", f"SELECT wxlink.link_miniprogram({literal})")
        log = cluster.logged(start)
        self.assertIn("89245", log)
        self.assert_no_secret(log)

    def test_a_token_that_the_server_repeats_is_shown_nowhere(self):
        start = cluster.log.stat().st_size
        errmsg = "invalid credential SANDBOX-TOKEN"
        for errcode in (89245, 12345):
            fault("link", {"errcode": {"code": errcode, "errmsg": errmsg}})
            self.assertIn(str(errcode), self.refused("WX070", LINK).message)
        self.assert_no_secret(cluster.logged(start))

    def test_a_platform_renews_its_tokens_in_a_store_that_others_fill(self):
        store = new_store()
        platform = {
            "base_url": sandbox.base_url,
            "component_appid": "wx0c00000000000001",
            "component_appsecret": "SANDBOX-COMPONENT-SECRET",
            "store": store,
        }
        write_config(**platform, token_command=None)
        start = cluster.log.stat().st_size
        self.assertIn("ticket", self.refused("WX025", LIST).message)
        self.store_of_platform(platform)
        self.assertEqual(cluster.sql(LIST), "0")
        self.assertEqual(self.json(ENSURE)["state"], "pending")
        self.assert_no_secret(cluster.logged(start))

    def store_of_platform(self, platform):
        """Stores the ticket and the refresh token, as the server's user, by the command."""
        command = shutil.copy(LIBRARIES / "wxlink", cluster.folder / "wxlink")
        variables = {f"WXLINK_{key.upper()}": value for key, value in platform.items()}
        variables["HOME"] = str(cluster.run)
        for arguments, secret in [
            (["set-ticket"], "SANDBOX-TICKET"),
            (["add-account", ACCOUNT], "SANDBOX-REFRESH-1"),
        ]:
            subprocess.run(
                [command, "platform", *arguments],
                input=secret,
                text=True,
                env=variables,
                cwd=cluster.run,
                check=True,
                capture_output=True,
                **cluster.as_server(),
            )

    # Interrupts.

    def test_a_cancelled_statement_ends_and_shows_what_the_call_had_done(self):
        psql, pid = self.hanging(LINK, "cancelled")
        self.assertEqual(cluster.sql(f"SELECT pg_cancel_backend({pid})"), "t")
        error = self.failed(psql, "57014")
        self.assertEqual(error.message, "canceling statement due to user request")
        self.assertIn("wxlink.link_miniprogram ended with CANCELLED", error.context)
        self.assertIn("WeChat may have acted", error.context)
        self.assertEqual(received("link"), 1)

    def test_ctrl_c_in_psql_cancels_the_call(self):
        psql, _ = self.hanging(LINK, "interrupted")
        psql.send_signal(signal.SIGINT)
        self.failed(psql, "57014")
        self.assertEqual(received("link"), 1)

    def test_statement_timeout_cancels_the_call_and_the_client_stays_usable(self):
        write_config(**NO_LIMIT)
        fault("link", "hang", when="before")
        sql = (
            "\\set ON_ERROR_STOP 0\nSET statement_timeout = '300ms';\n"
            f"{LINK};\nRESET statement_timeout;\n{LIST};"
        )
        psql = cluster.psql(sql)
        out, errors = psql.communicate(timeout=60)
        self.assertIn("ERROR:  57014: canceling statement due to statement timeout", errors)
        self.assertEqual(out, "0\n")
        self.assertEqual([received("link"), processed("link")], [1, 0])

    def test_a_wait_is_cancelled_too(self):
        cluster.sql(LINK)
        wait = f"SELECT wxlink.wait_linked('{ACCOUNT}', '{APPID}', 3600000)"
        error = self.refused("57014", f"SET statement_timeout = '500ms'; {wait}")
        self.assertIn("wxlink.wait_linked ended with CANCELLED", error.context)

    def test_a_statement_that_is_caught_after_its_cancellation_posts_nothing_more(self):
        # PL/pgSQL does not catch query_canceled by OTHERS, but by its name.
        write_config(**NO_LIMIT)
        fault("link", "hang", when="before")
        caught = (
            "SET statement_timeout = '300ms'; DO $$ BEGIN "
            f"PERFORM wxlink.link_miniprogram('{ACCOUNT}', '{APPID}', false, true); "
            "EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'caught'; END $$; "
            "RESET statement_timeout; "
        )
        self.assertEqual(cluster.sql(caught + LIST), "0")
        self.assertEqual(received("link"), 1)

    def test_a_terminated_backend_ends_during_a_call_and_others_go_on(self):
        psql, pid = self.hanging(LINK, "terminated")
        other = cluster.psql("\\echo ready\nSELECT pg_sleep(0);")
        self.assertEqual(other.stdout.readline(), "ready\n")
        start = cluster.log.stat().st_size
        self.assertEqual(cluster.sql(f"SELECT pg_terminate_backend({pid}, 60000)"), "t")
        self.failed(psql, "57P01")
        self.assertIn("ended with CANCELLED", cluster.logged(start))
        self.assertEqual(cluster.sql(LIST), "1")
        cluster.result(other)

    def test_a_client_that_is_gone_ends_the_call(self):
        sql = f"SET client_connection_check_interval = '100ms'; {LINK}"
        psql, pid = self.hanging(sql, "gone")
        psql.kill()
        psql.communicate()
        gone = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        wait_until(lambda: cluster.sql(gone) == "0", "the backend does not end")

    def test_the_requests_of_other_backends_are_served_during_a_call(self):
        start = cluster.log.stat().st_size
        psql, pid = self.hanging(LINK, "busy")
        self.assertEqual(cluster.sql(f"SELECT pg_log_backend_memory_contexts({pid})"), "t")
        logged = f"logging memory contexts of PID {pid}"
        wait_until(lambda: logged in cluster.logged(start), "no answer of the backend")
        # Both wait until every backend has absorbed a barrier, or they could not end.
        cluster.sql("CREATE DATABASE dropped")
        cluster.sql("DROP DATABASE dropped")
        self.assertEqual(cluster.backend("busy"), pid)
        cluster.sql(f"SELECT pg_cancel_backend({pid})")
        self.failed(psql, "57014")

    def test_the_signals_of_the_server_reach_its_own_thread_only(self):
        psql, pid = self.hanging(LINK, "threads")
        threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
        self.assertGreater(len(threads), 1)
        for thread in set(threads) - {pid}:
            status = Path(f"/proc/{pid}/task/{thread}/status").read_text()
            blocked = int(re.search(r"^SigBlk:\s*(\w+)$", status, re.MULTILINE)[1], 16)
            for name in (
                "HUP",
                "INT",
                "TERM",
                "QUIT",
                "ALRM",
                "USR1",
                "USR2",
                "URG",
                "CHLD",
                "PIPE",
            ):
                number = getattr(signal, f"SIG{name}")
                self.assertTrue(blocked >> (number - 1) & 1, f"SIG{name} of thread {thread}")
        cluster.sql(f"SELECT pg_cancel_backend({pid})")
        self.failed(psql, "57014")

    def test_a_killed_backend_leaves_its_claim_and_no_second_post_is_made(self):
        psql, pid = self.hanging(ENSURE, "killed", when="before", timeout_ms=10000)
        os.kill(pid, signal.SIGKILL)
        psql.communicate()
        # The postmaster ends all backends, and recovers.
        wait_until(cluster.answers, "the server does not recover")
        again = self.json(ENSURE)
        self.assertEqual([again["status"], again["posts"]], ["IN_DOUBT", 0])
        self.assertGreater(again["retry_after_ms"], 0)
        self.assertEqual(received("link"), 1)

    def test_the_server_stops_during_a_call(self):
        psql, _ = self.hanging(LINK, "stopped")
        cluster.stop()
        self.failed(psql, "57P01")
        cluster.start()
        self.assertEqual(cluster.sql(LIST), "1")

    # Many sessions.

    def test_twenty_sessions_invite_a_mini_program_once(self):
        write_config(**NO_LIMIT)
        sessions = [cluster.psql(ENSURE + "->>'state'") for _ in range(20)]
        states = {cluster.result(session) for session in sessions}
        self.assertLessEqual(states, {"pending", "in_doubt"})
        self.assertEqual(received("link"), 1)

    def test_twenty_sessions_link_and_list_at_the_same_time(self):
        write_config(**NO_LIMIT)
        appids = [f"wx0b{n:014x}" for n in range(1, 11)]
        pairs = [(account, appid) for account in (ACCOUNT, SECOND_ACCOUNT) for appid in appids]
        sessions = [
            cluster.psql(
                f"SELECT wxlink.ensure_linked('{account}', '{appid}', false, true)->>'state'; "
                f"SELECT count(*) > 0 FROM wxlink.get_linked('{account}')"
            )
            for account, appid in pairs
        ]
        for session in sessions:
            self.assertEqual(cluster.result(session), "pending\nt")
        self.assertEqual([received("link"), processed("link")], [20, 20])

    def test_a_session_keeps_its_connection_and_leaks_nothing(self):
        link = f"wxlink.link_miniprogram('{ACCOUNT}', '{FORBIDS}', false, true"
        calls = (
            "DO $$ BEGIN FOR i IN 1..{} LOOP "
            "PERFORM * FROM wxlink.get_linked('wx0a00000000000003'); "
            f"PERFORM {link}, raise => false); "
            f"BEGIN PERFORM {link}); EXCEPTION WHEN SQLSTATE 'WX070' THEN NULL; END; "
            "END LOOP; END $$;\n\\echo done\n"
        )
        psql = cluster.psql("SELECT pg_backend_pid();")
        pid = int(psql.stdout.readline())

        def resources():
            status = Path(f"/proc/{pid}/status").read_text()
            threads, memory = (
                int(re.search(rf"^{name}:\s*(\d+)", status, re.MULTILINE)[1])
                for name in ("Threads", "RssAnon")
            )
            return len(list(Path(f"/proc/{pid}/fd").iterdir())), threads, memory

        def run(count):
            psql.stdin.write(calls.format(count))
            psql.stdin.flush()
            self.assertEqual(psql.stdout.readline(), "done\n", psql.poll())

        before_all = sandbox.admin("GET", "journal/counts")["connections"]
        run(100)
        before = resources()
        run(700)
        after = resources()
        self.assertEqual(after[:2], before[:2])
        # 2,100 calls: 1 KiB a call would be 2 MiB.
        self.assertLess(after[2] - before[2], 1024, "KiB of memory")
        # The admin interface has connections too.
        opened = sandbox.admin("GET", "journal/counts")["connections"] - before_all
        self.assertLess(opened, 20)

        fault("link", "hang", always=True)
        psql.stdin.write("\\set ON_ERROR_STOP 0\nSET statement_timeout = '100ms';\n")

        def cancel(count):
            psql.stdin.write(f"{LINK};\n" * count + "\\echo done\n")
            psql.stdin.flush()
            self.assertEqual(psql.stdout.readline(), "done\n")

        cancel(5)
        before = resources()
        cancel(20)
        after = resources()
        # The connection of a cancelled call is closed.
        self.assertLessEqual(after[0], before[0] + 1)
        self.assertEqual(after[1], before[1])
        self.assertLess(after[2] - before[2], 1024, "KiB of memory")
        _, errors = psql.communicate(timeout=60)
        self.assertEqual(errors.count("ERROR:  57014"), 25)

    # Faults.

    def test_faults_end_as_in_the_fault_matrix(self):
        rows = fault_matrix()
        numbers = status_numbers()
        write_config(timeout_ms=2000, settle_ms=0)
        faults = {
            "closed after reading, no effect": ({"drop": "close"}, "before"),
            "closed after reading, in effect": ({"drop": "close"}, "after"),
            "reset after sending, no effect": ({"drop": "reset"}, "before"),
            "reset after sending, in effect": ({"drop": "reset"}, "after"),
            "no response after sending, no effect": ("hang", "before"),
            "no response after sending, in effect": ("hang", "after"),
            "response cut short": ({"cut": {"bytes": 5}}, None),
            "garbage instead of HTTP": ("garbage", None),
            "502 with a page": ({"status": {"code": 502}}, None),
            "302": ({"redirect": {"code": 302, "location": "/"}}, None),
            "endless response": ({"huge": {"bytes": 1000000000}}, None),
            "100,000 levels of JSON": ({"deep": {"levels": 100000}}, None),
            "gzip bomb": ({"gzip_bomb": {"bytes": 100000000}}, None),
            "stale connection": ("close_after", None),
        }
        for name, (what, when) in faults.items():
            for column, endpoint, sql in [
                ("link", "link", LINK),
                ("list", "get", LIST),
                ("unlink", "unlink", UNLINK),
            ]:
                with self.subTest(f"{name}, {column}"):
                    sandbox.admin("POST", "reset")
                    if column == "unlink":
                        links = [{"appid": APPID, "state": "linked"}]
                        sandbox.admin("PUT", f"accounts/{ACCOUNT}", {"links": links})
                    rule = {"always": True} | ({"when": when} if when else {})
                    fault(endpoint, what, **rule)
                    status, delivery, requests, effects = rows[name, column]
                    if status == "OK":
                        cluster.sql(sql)
                    else:
                        error = self.refused(f"WX{-numbers[status]:03}", sql)
                        detail = json.loads(error.detail)
                        self.assertEqual([detail["status"], detail["delivery"]], [status, delivery])
                    self.assertEqual([received(endpoint), processed(endpoint)], [requests, effects])

    def test_without_a_connection_nothing_is_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        write_config(base_url=f"http://127.0.0.1:{port}", max_retries=0)
        error = self.refused("WX021", LINK)
        self.assertEqual(json.loads(error.detail)["delivery"], "never sent")

    # Encodings.

    def test_every_encoding_of_a_database_gets_a_result_after_a_post(self):
        nickname = "示例é😀\x00\n"
        items = [
            {"appid": "wx1", "status": 1, "nickname": nickname, "n": 12345678901234567890},
            {"appid": "wx2", "status": "77", "nickname": None},
            {"status": 4294967297},
        ]
        body = json.dumps({"errcode": 0, "wxopens": {"items": items}})
        body = body.replace("12345678901234567890", "1e-20000").encode()
        body = body.replace(b'"wx2",', b'"wx2", "cut": "\xe7\xa4", "half": "\\ud83d",')
        expected = {
            "UTF8": "示例é😀\ufffd\n",
            "SQL_ASCII": "示例é😀\ufffd\n",
            "EUC_CN": "示例é??\n",
            "LATIN1": "??é??\n",
            "MULE_INTERNAL": "?????\n",
        }
        for encoding, shown in expected.items():
            with self.subTest(encoding):
                name = f"db_{encoding.lower()}"
                cluster.sql(
                    f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
                )
                self.addCleanup(cluster.sql, f"DROP DATABASE {name}")
                write_config(lang="zh", settle_ms=0)
                sandbox.admin("POST", "reset")
                database = {"database": name}
                if encoding == "SQL_ASCII":
                    database["PGCLIENTENCODING"] = "SQL_ASCII"
                if encoding == "MULE_INTERNAL":
                    database["PGCLIENTENCODING"] = "MULE_INTERNAL"
                cluster.sql("CREATE EXTENSION wxlink", **database)
                fault("get", {"body": {"base64": base64.b64encode(body).decode()}}, always=True)
                rows = f"FROM wxlink.get_linked('{ACCOUNT}')"
                texts = cluster.sql(
                    f"SELECT nickname {rows} WHERE appid = 'wx1'; "
                    f"SELECT item->>'nickname' {rows} WHERE appid = 'wx1'; "
                    f"SELECT status IS NULL, appid IS NULL {rows} WHERE appid IS NULL; "
                    f"SELECT status, nickname IS NULL {rows} WHERE appid = 'wx2'",
                    **database,
                )
                shown = shown.removesuffix("\n")
                self.assertEqual(texts, f"{shown}\n\n{shown}\n\nt|t\n77|t")
                # The message of the refusal is Chinese, and a post came before it.
                link = f"SELECT wxlink.link_miniprogram('{ACCOUNT}', '{FORBIDS}', false, true"
                self.refused("WX070", f"{link})", **database)
                returned = self.json(f"{link}, raise => false)->'errcode'", **database)
                self.assertEqual(returned, 89245)

    def test_an_argument_that_is_not_utf8_is_refused_before_anything_is_sent(self):
        cluster.sql("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
        self.addCleanup(cluster.sql, "DROP DATABASE bytes")
        cluster.sql("CREATE EXTENSION wxlink", database="bytes")
        sql = f"SELECT wxlink.unlink_miniprogram('{ACCOUNT}', E'\\xff')"
        self.refused("22021", sql, database="bytes", PGCLIENTENCODING="SQL_ASCII")
        self.assertEqual(received("unlink"), 0)


def fault_matrix():
    """docs/faults.md: status, delivery, requests and effects by row and column, over HTTP."""
    rows = {}
    for line in (ROOT / "docs/faults.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) < 5 or cells[1] not in ("both", "HTTP"):
            continue
        for column, cell in zip(("link", "list", "unlink"), cells[2:5], strict=True):
            found = re.fullmatch(r"`(\w+)`<br>([\w ]+).*?<br>(\d+) → (\d+)", cell)
            status, delivery, requests, effects = found.groups()
            rows[cells[0], column] = status, delivery, int(requests), int(effects)
    return rows


class Preloaded(unittest.TestCase):
    def test_the_module_may_be_loaded_by_the_postmaster(self):
        sandbox.admin("POST", "reset")
        with Cluster(["shared_preload_libraries = 'wxlink'"]) as preloaded:
            preloaded.config.write_bytes(cluster.config.read_bytes())
            preloaded.give(preloaded.config)
            threads = Path(f"/proc/{preloaded.process.pid}/task")
            self.assertEqual(len(list(threads.iterdir())), 1)
            preloaded.sql("CREATE EXTENSION wxlink")
            for _ in range(2):
                self.assertEqual(preloaded.sql(LIST), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
