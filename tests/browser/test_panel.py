"""The panel in a real browser: what people see, and what their clicks do."""

import http.client
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT, TIMEOUT_MS
from playwright.sync_api import expect
from with_sandbox import Sandbox

ACCOUNT = "wx0a00000000000001"
APPID = "wx0b00000000000001"
# The views, and what each shows last.
CONTENT = {
    "link": "#link-list td",
    "accounts": "#detail-list td",
    "journal": "#grid-body .cell",
    "faults": "#faults-table td",
    "sequence": "#picture svg",
}
VIEWS = list(CONTENT)
TOKEN = "SANDBOX-TOKEN"

expect.set_options(timeout=TIMEOUT_MS)


def send(page, endpoint="link", appid=APPID, token="good"):
    """Makes a call in the form of the view "Linking" and returns its errcode; None: no response."""
    before = page.locator("#call-answer").inner_text()
    page.locator("#call-endpoint").select_option(endpoint)
    if endpoint != "get":
        page.locator("#call-appid").select_option(appid)
    page.locator("#call-token").select_option(token)
    page.locator("#call button[type=submit]").click()
    # Each response has its own number.
    expect(page.locator("#call-answer")).not_to_have_text(before, use_inner_text=True)
    errcode = re.search(r"errcode (-?\d+)", page.locator("#call-answer .chip").inner_text())
    return errcode and int(errcode[1])


def decide(page, role, decision):
    page.locator(f"#phone-{role} [data-decision={decision}]").first.click()


def states(page):
    return page.locator("#link-list tbody .chip")


def show(page, view):
    page.locator(f"nav a[href='#{view}']").click()
    page.locator(f"#view-{view}").wait_for()


def whole_text(page):
    return page.evaluate("document.documentElement.outerHTML")


@pytest.mark.parametrize(
    ("locale", "names"),
    [
        ("en-US", ["Waits for the account", "Waits for the mini program", "Linked"]),
        ("zh-CN", ["待公众号确认", "待小程序确认", "已关联"]),
    ],
)
def test_the_whole_story_by_clicks(pages, locale, names):
    page = pages.open(locale=locale)
    assert send(page) == 0
    expect(states(page)).to_have_text([names[0]])
    message = page.locator("#phone-official_account .message.open")
    expect(message).to_contain_text("示例公众号")
    expect(message).to_contain_text("示例小程序1")
    decide(page, "official_account", "agree")
    expect(states(page)).to_have_text([names[1]])
    decide(page, "mini_program", "agree")
    expect(states(page)).to_have_text([names[2]])
    expect(page.locator(".message.open")).to_have_count(0)
    assert send(page) == 89015

    assert send(page, "unlink") == 0
    decide(page, "official_account", "refuse")
    expect(states(page)).to_have_text([names[2]])
    assert send(page, "unlink") == 0
    decide(page, "official_account", "agree")
    expect(states(page)).to_have_count(0)
    assert send(page) == 0
    decide(page, "official_account", "vanish")
    expect(states(page)).to_have_count(0)
    assert send(page) == 0
    decide(page, "official_account", "agree")
    decide(page, "mini_program", "refuse")
    expect(page.locator("#link-list code").first).to_have_text(APPID)
    expect(page.locator("#link-list tbody tr td:nth-child(2)")).to_have_text("3")


def test_two_browsers_see_the_same_at_once(pages):
    one, other = pages.open(), pages.open(locale="zh-CN")
    assert send(one) == 0
    decide(other, "official_account", "agree")
    expect(states(one)).to_have_text(["Waits for the mini program"])
    decide(one, "mini_program", "agree")
    expect(states(other)).to_have_text(["已关联"])


def test_one_browser_can_show_five_windows(pages):
    first = pages.open()
    windows = [first]
    for _ in range(4):
        window = first.context.new_page()
        window.goto(first.url)
        window.locator("#live.on").wait_for()
        windows.append(window)
    assert send(windows[4]) == 0
    decide(windows[0], "official_account", "agree")
    for window in windows:
        expect(states(window)).to_have_text(["Waits for the mini program"])


def test_a_program_is_seen_while_it_works(pages, sandbox):
    page = pages.open()
    url = f"{sandbox.base_url}/cgi-bin/wxopen/wxamplink?access_token={TOKEN}"
    body = json.dumps({"appid": APPID, "notify_users": 0, "show_profile": 1}).encode()
    with urllib.request.urlopen(url, body) as response:
        assert json.load(response)["errcode"] == 0
    expect(states(page)).to_have_text(["Waits for the account"])
    sandbox.admin("PUT", "policy", {"mini_program": {"when": {"seconds": 1}}})
    decide(page, "official_account", "agree")
    # The policy decides; no request tells the page.
    expect(states(page)).to_have_text(["Linked"])


def test_a_reload_in_the_middle_loses_nothing(pages):
    page = pages.open()
    assert send(page) == 0
    decide(page, "official_account", "agree")
    expect(states(page)).to_have_text(["Waits for the mini program"])
    page.reload()
    expect(states(page)).to_have_text(["Waits for the mini program"])
    decide(page, "mini_program", "agree")
    expect(states(page)).to_have_text(["Linked"])
    show(page, "journal")
    page.reload()
    page.locator("#view-journal").wait_for()
    expect(page.locator("#journal-count")).to_have_text("1 of 1 requests")


def test_a_fault_is_set_seen_and_removed(pages):
    page = pages.open("faults")
    page.locator("#fault-endpoint").select_option("link")
    page.locator("#fault-when").select_option("after")
    page.locator("#fault button[type=submit]").click()
    row = page.locator("#faults-table tbody tr")
    expect(row.locator("td")).to_have_text(
        ["1", "link", '{"drop":"reset"} {"when":"after"}', "0", "1", "Remove"]
    )
    show(page, "link")
    assert send(page) is None
    # The request took effect, and only the response was lost.
    expect(states(page)).to_have_text(["Waits for the account"])
    show(page, "journal")
    entry = page.locator("#grid-body .row.fault")
    expect(entry.locator(".cell.answer")).to_have_text("✕ no response")
    expect(entry.locator(".cell.fault")).to_have_text("drop")
    show(page, "faults")
    expect(row.locator("td").nth(3)).to_have_text("1")
    row.get_by_role("button").click()
    expect(row).to_have_count(0)

    page.locator("#fault-endpoint").select_option("*")
    page.locator("#fault-when").select_option("")
    page.locator("#fault-kind").select_option("errcode")
    page.locator("#fault-code").fill("45009")
    page.locator("#fault-often").select_option("always")
    page.locator("#fault button[type=submit]").click()
    expect(row).to_have_count(1)
    show(page, "link")
    assert send(page, "get") == 45009
    show(page, "faults")
    page.locator("#faults-clear").click()
    expect(row).to_have_count(0)
    # The simulator explains what is wrong.
    page.locator("#fault-json").fill('{"fire": 1}')
    page.locator("#fault button[type=submit]").click()
    expect(page.get_by_role("alert").first).to_contain_text("unknown variant")
    pages.errors = [error for error in pages.errors if "400 (Bad Request)" not in error]


def test_a_fault_with_a_late_effect_is_in_the_sequence(pages, sandbox):
    page = pages.open("faults")
    page.locator("#fault-kind").select_option("status")
    page.locator("#fault-endpoint").select_option("link")
    page.locator("#fault-when").select_option("late")
    page.locator("#fault-late").fill("60000")
    page.locator("#fault button[type=submit]").click()
    expect(page.locator("#faults-table tbody tr")).to_have_count(1)
    show(page, "link")
    send(page)
    expect(states(page)).to_have_count(0)
    show(page, "faults")
    page.locator("#clock-form button").click()
    expect(page.locator("#ahead")).to_have_text("1 min ahead")
    show(page, "link")
    decide(page, "official_account", "agree")
    decide(page, "mini_program", "refuse")
    assert send(page, "get") == 0
    assert send(page, "get") == 0
    show(page, "sequence")
    picture = page.get_by_role("img", name=f"Sequence of the link of {APPID} to {ACCOUNT}")
    expect(picture).to_be_visible()
    page.locator("#picture summary").click()
    steps = page.locator("#picture li")
    expect(steps).to_have_count(9)
    patterns = [
        "Provider → WeChat: link",
        "WeChat → Provider: HTTP 502 .*⚡ status",
        "WeChat → WeChat: takes effect 1 min later: errcode 0",
        "WeChat → Account's administrator: link?",
        "Account's administrator → WeChat: Agreed",
        "WeChat → Mini program's administrator: link?",
        "Mini program's administrator → WeChat: Refused",
        "Provider → WeChat: list × 2",
        "WeChat → Provider: errcode 0",
    ]
    for step, pattern in zip(steps.all_inner_texts(), patterns, strict=True):
        assert re.search(pattern, step), step


def test_accounts_mini_programs_and_tokens_are_added_by_clicks(pages):
    page = pages.open("accounts")
    dialog = page.locator("#dialog")

    def save():
        dialog.locator("button[type=submit]").click()
        expect(dialog).to_be_hidden()

    page.locator("#add-account").click()
    dialog.locator("[name=appid]").fill("wx0a000000000000ff")
    dialog.locator("[name=nickname]").fill("新公众号")
    dialog.locator("[name=different_subject]").fill("1")
    save()
    expect(page.locator("#detail-summary")).to_contain_text("新公众号")
    for number, subject in [(1, "甲公司"), (2, "乙公司")]:
        page.locator("#add-miniprogram").click()
        dialog.locator("[name=appid]").fill(f"wx0b000000000000f{number}")
        dialog.locator("[name=nickname]").fill(f"新小程序{number}")
        dialog.locator("[name=subject]").fill(subject)
        save()
    page.locator("#detail-tokens button", has_text="Add a token").click()
    dialog.locator("[name=token]").fill("MY-OWN-SECRET")
    save()
    expect(page.locator("#detail-tokens tbody tr")).to_have_count(1)
    expect(page.locator("#detail-tokens tbody")).to_contain_text("valid")
    assert "MY-OWN-SECRET" not in whole_text(page)

    show(page, "link")
    assert send(page, appid="wx0b000000000000f1") == 0
    assert send(page, appid="wx0b000000000000f2") == 89017
    show(page, "accounts")
    expect(page.locator("#detail-summary .quota.full")).to_contain_text("1 / 1")
    page.locator("#detail-tokens button", has_text="Revoke all").click()
    expect(page.locator("#detail-tokens tbody")).to_contain_text("revoked (40001)")
    # An account is found by its name, and changed.
    page.locator("#accounts-search").fill("服务号")
    expect(page.locator("#accounts-table tbody tr")).to_have_count(1)
    # A mistake is explained, and the dialog stays.
    page.locator("#add-account").click()
    dialog.locator("[name=appid]").fill(APPID)
    dialog.locator("[name=nickname]").fill("x")
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("alert")).to_contain_text("that of a mini program")
    dialog.get_by_role("button", name="Cancel").click()
    # In the language of the panel.
    page.locator("#language").click()
    page.locator("#add-account").click()
    dialog.locator("[name=appid]").fill(APPID)
    dialog.locator("[name=nickname]").fill("x")
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("alert")).to_contain_text("未能执行：该 appid 属于一个小程序")
    pages.errors = [error for error in pages.errors if "400 (Bad Request)" not in error]


def test_every_kind_of_refusal_can_be_made(pages):
    page = pages.open()
    for token, errcode in [
        ("expired", 42001),
        ("revoked", 40001),
        ("malformed", 40014),
        ("wrong_kind", 48001),
        ("component", 48001),
        ("deauthorized", 61003),
        ("no_permission", 61007),
    ]:
        assert send(page, "get", token=token) == errcode, token
    for refusal, errcode in [
        ("banned", 89013),
        ("overseas", 89008),
        ("forbids_linking", 89245),
        ("limit_reached", 89009),
        ("administrator_over_limit", 1003),
        ("phone_over_limit", 1005),
    ]:
        show(page, "accounts")
        page.locator("#miniprograms-search").fill(APPID)
        expect(page.locator("#miniprograms-table tbody tr")).to_have_count(1)
        page.locator("#miniprograms-table button").click()
        page.locator("#dialog [name=refuses]").select_option(refusal)
        page.locator("#dialog button[type=submit]").click()
        expect(page.locator("#miniprograms-table tbody")).to_contain_text(f"({errcode})")
        show(page, "link")
        assert send(page) == errcode, refusal


def test_both_languages_are_complete_and_the_choice_is_kept(pages):
    english, chinese = pages.open(), pages.open(locale="zh-Hans-CN")
    texts = "[...document.querySelectorAll('[data-t]')].map((one) => one.textContent)"
    pairs = list(zip(english.evaluate(texts), chinese.evaluate(texts), strict=True))
    assert len(pairs) > 60
    same = {one for one, other in pairs if one == other}
    assert same <= {"errcode"}, same
    assert chinese.evaluate("document.documentElement.lang") == "zh-CN"
    assert english.evaluate("document.documentElement.lang") == "en"
    chinese.get_by_role("button", name="English").click()
    assert chinese.evaluate(texts) == english.evaluate(texts)
    chinese.reload()
    expect(chinese.locator("nav a").first).to_have_text("Linking")
    other = pages.open(locale="de-DE")
    expect(other.locator("nav a").first).to_have_text("Linking")
    other.get_by_role("button", name="中文").click()
    expect(other.locator("nav a").first).to_have_text("关联")
    expect(other.locator("#live")).to_have_text("实时")


def fill_every_view(sandbox):
    """Makes something to see in every view."""
    link = {"endpoint": "link", "account": ACCOUNT}
    sandbox.admin("POST", "calls", {**link, "appid": APPID})
    sandbox.admin("POST", "calls", {**link, "appid": "wx0b000000000000d1"})
    approval = {"account": ACCOUNT, "appid": APPID, "decision": "agree"}
    sandbox.admin("POST", "approvals", {**approval, "by": "official_account"})
    fault = {"endpoint": "get", "when": "after", "times": 2, "fault": {"drop": "reset"}}
    sandbox.admin("POST", "faults", fault)
    for token in ("good", "good", "expired"):
        call = {"endpoint": "get", "account": ACCOUNT, "token": token}
        sandbox.admin("POST", "calls", call)
    late = {"endpoint": "link", "effect_after_ms": 3000, "fault": {"status": {"code": 502}}}
    sandbox.admin("POST", "faults", late)
    sandbox.admin("POST", "calls", {**link, "appid": "wx0b00000000000002"})
    sandbox.admin("POST", "clock", {"advance_s": 7200})
    sandbox.admin("POST", "approvals", {**approval, "by": "mini_program"})


def open_entry(page, number):
    """Shows a request by the keyboard."""
    page.locator("#grid").focus()
    page.keyboard.press("Home")
    for _ in range(number - 1):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#entry h3")).to_have_text(re.compile(rf"\D{number}$"))


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(pages, sandbox, scheme, width, locale):
    fill_every_view(sandbox)
    # Colours are checked once they have stopped changing.
    page = pages.open(width=width, color_scheme=scheme, locale=locale, reduced_motion="reduce")
    axe = Axe()

    def check(name):
        found = axe.run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"

    for view in VIEWS:
        show(page, view)
        page.locator(CONTENT[view]).first.wait_for()
        if view == "journal":
            open_entry(page, 1)
        check(view)
    show(page, "accounts")
    for button in ("#add-account", "#add-miniprogram", "#detail-tokens button + button"):
        page.locator(button).first.click()
        page.locator("#dialog").wait_for()
        check(f"dialog of {button}")
        page.keyboard.press("Escape")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_nothing_is_wider_than_a_phone(pages, sandbox, locale):
    fill_every_view(sandbox)
    page = pages.open(width=360, height=740, locale=locale, has_touch=True)
    for view in VIEWS:
        show(page, view)
        page.locator(CONTENT[view]).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, view
    # Controls are large enough for a finger.
    heights = page.evaluate(
        "[...document.querySelectorAll('main button, main select')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.offsetHeight)"
    )
    assert heights and min(heights) >= 24, heights


@pytest.mark.parametrize(
    ("locale", "linked"),
    [("en-GB", "Linked"), ("zh-CN", "已关联")],
)
def test_the_keyboard_is_enough(pages, locale, linked):
    page = pages.open(locale=locale)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    def tab_to(locator):
        for _ in range(40):
            if locator.evaluate("(one) => one === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError("the keyboard does not reach it")

    tab_to(page.locator("#call button[type=submit]"))
    page.keyboard.press("Enter")
    agree = page.locator("#phone-official_account [data-decision=agree]")
    agree.wait_for()
    tab_to(agree)
    page.keyboard.press("Enter")
    # The focus stays with the phone, whose button has gone.
    agree.wait_for(state="detached")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    agree = page.locator("#phone-mini_program [data-decision=agree]")
    agree.wait_for()
    tab_to(agree)
    page.keyboard.press("Enter")
    expect(states(page)).to_have_text([linked])


# Keeps what a person can use in `window.controls`, and returns how many there are.
CONTROLS = """
() => {
  const all = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const usable = (one) => one.checkVisibility() && !one.disabled;
  window.controls = [...document.querySelectorAll(all)].filter(usable);
  return window.controls.length;
}
"""
# The number of the control that has the focus (-1: none), and the contrast of its frame with what
# is behind it (0: no frame).
FOCUS = """
() => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const linear = rgb(colour).slice(0, 3).map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const parents = (one) => (one ? [one, ...parents(one.parentElement)] : []);
  const style = (one) => getComputedStyle(one);
  const isFramed = (one) =>
    style(one).outlineStyle !== "none" && parseFloat(style(one).outlineWidth) >= 2;
  const active = document.activeElement;
  const framed = parents(active).find(isFramed);
  const isOpaque = (one) => (rgb(style(one).backgroundColor)[3] ?? 1) === 1;
  const behind = framed && parents(framed.parentElement).find(isOpaque);
  let contrast = 0;
  if (framed) {
    const colours = [style(framed).outlineColor, style(behind ?? document.body).backgroundColor];
    const [dark, light] = colours.map(luminance).sort((one, other) => one - other);
    contrast = (light + 0.05) / (dark + 0.05);
  }
  const html = active.outerHTML.slice(0, 200);
  return { control: window.controls.indexOf(active), contrast, html };
}
"""


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_tab_reaches_every_control_and_shows_where_it_is(pages, sandbox, locale, scheme, width):
    fill_every_view(sandbox)
    page = pages.open(width=width, color_scheme=scheme, locale=locale, reduced_motion="reduce")
    for view in VIEWS:
        show(page, view)
        page.locator(CONTENT[view]).first.wait_for()
        number = page.evaluate(CONTROLS)
        assert number > 8, view
        reached = set()
        # Parts that scroll are reached too, and the end of the page.
        for _ in range(2 * number + 20):
            page.keyboard.press("Tab")
            focus = page.evaluate(FOCUS)
            if focus["control"] >= 0:
                # WCAG 2.2 asks for 3:1.
                assert focus["contrast"] >= 3, (view, focus)
                reached.add(focus["control"])
            if len(reached) == number:
                break
        missed = [one for one in range(number) if one not in reached]
        html = "(number) => window.controls[number].outerHTML.slice(0, 200)"
        assert not missed, (view, [page.evaluate(html, one) for one in missed])


def test_changes_by_others_do_not_disturb_what_a_person_does(pages, sandbox):
    page = pages.open("accounts")
    button = page.locator("#accounts-table button").nth(1)
    button.focus()
    scroll = page.locator("#miniprograms-table .scroll")
    scroll.evaluate("(one) => { one.scrollTop = 300; }")
    page.locator("#detail-list summary").click()
    button.focus()
    fill_every_view(sandbox)
    sandbox.admin("PUT", f"miniprograms/{APPID}", {"nickname": "新名称"})
    expect(page.locator("#accounts-table")).to_contain_text("2 waiting")
    expect(page.locator("#miniprograms-table")).to_contain_text("新名称")
    expect(page.locator("#detail-list tbody tr")).to_have_count(3)
    # The same button, the same place, and the JSON that was opened.
    expect(button).to_be_focused()
    assert scroll.evaluate("(one) => one.scrollTop") == 300
    expect(page.locator("#detail-list pre")).to_be_visible()
    # A choice in a form stays, too.
    show(page, "link")
    page.locator("#call-appid").select_option("wx0b00000000000005")
    page.locator("#call-token").select_option("expired")
    sandbox.admin("PUT", "miniprograms/wx0b00000000000006", {"nickname": "另一个"})
    expect(page.locator("#call-appid")).to_contain_text("另一个")
    expect(page.locator("#call-appid")).to_have_value("wx0b00000000000005")
    expect(page.locator("#call-token")).to_have_value("expired")


def test_requests_are_filtered_shown_and_copied_without_secrets(pages, sandbox):
    fill_every_view(sandbox)
    page = pages.open("journal", permissions=["clipboard-read", "clipboard-write"])
    count = page.locator("#journal-count")
    expect(count).to_have_text("6 of 6 requests")
    for outcome, number in [("fault", 3), ("refused", 1), ("lost", 2), ("none", 0), ("", 6)]:
        page.locator("#journal-outcome").select_option(outcome)
        expect(count).to_have_text(f"{number} of 6 requests")
    page.locator("#journal-endpoint").select_option("link")
    expect(count).to_have_text("3 of 6 requests")
    page.locator("#journal-text").fill("0000D1")
    expect(count).to_have_text("1 of 6 requests")
    page.locator("#grid-body .row:visible").click()
    expect(page.locator("#entry")).to_contain_text("access_token=MASKED")
    assert "wx0b000000000000d1" in page.locator("#entry pre").first.inner_text()
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_role("button", name="Copied").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    assert TOKEN not in command
    assert TOKEN not in whole_text(page)

    # A shell runs it as the request was made.
    script = 'curl() { printf "%s\\0" "$@"; }\n' + command
    environment = {"PATH": os.environ["PATH"], "ACCESS_TOKEN": TOKEN}
    output = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=True)
    url, flag, body = output.stdout.decode().rstrip("\0").split("\0")
    assert url == f"{sandbox.base_url}/cgi-bin/wxopen/wxamplink?access_token={TOKEN}"
    assert flag == "--data-binary"
    assert json.loads(body)["appid"] == "wx0b000000000000d1"
    with urllib.request.urlopen(url, body.encode()) as response:
        assert json.load(response)["errcode"] == 89010
    expect(count).to_have_text("2 of 7 requests")
    page.locator("#journal-clear").click()
    expect(count).to_have_text("0 of 0 requests")


def test_texts_of_wechat_are_never_html(pages, sandbox):
    evil = "<img src=/x onerror=alert(1)><b>&amp;</b>"
    sandbox.admin("PUT", f"accounts/{ACCOUNT}", {"nickname": evil, "subject": evil})
    sandbox.admin("PUT", f"miniprograms/{APPID}", {"nickname": evil, "extra": {evil: evil}})
    call = {"endpoint": "link", "account": ACCOUNT, "appid": APPID}
    sandbox.admin("POST", "calls", call)
    url = f"{sandbox.base_url}/{urllib.parse.quote(evil)}"
    urllib.request.urlopen(url, evil.encode()).close()
    sandbox.admin("POST", "faults", {"fault": {"body": {"text": evil}}})
    page = pages.open()
    for view in VIEWS:
        show(page, view)
        page.locator(CONTENT[view]).first.wait_for()
        if view == "journal":
            open_entry(page, 2)
        assert page.locator("main img, main b b").count() == 0, view
    show(page, "link")
    expect(page.locator("#phone-official_account .message b").first).to_have_text(evil)


def test_the_policy_can_be_set(pages):
    page = pages.open("faults")
    immediately = json.dumps({"when": "immediate", "decision": "agree"}, separators=(",", ":"))
    refuses = json.dumps({"when": {"polls": 1}, "decision": "refuse"}, separators=(",", ":"))
    page.locator("#policy-official_account").select_option(immediately)
    page.locator("#policy-mini_program").select_option(refuses)
    page.locator("#policy button").click()
    other = pages.open("faults")
    expect(other.locator("#policy-mini_program")).to_have_value(refuses)
    show(page, "link")
    assert send(page) == 0
    expect(states(page)).to_have_text(["Waits for the mini program"])
    message = page.locator("#phone-mini_program .message")
    expect(message).to_contain_text("Automatic: reads of the list: 1")
    assert send(page, "get") == 0
    expect(message).to_contain_text("Refused")
    expect(message).to_contain_text("automatic")


def test_the_world_is_saved_loaded_and_reset(pages, sandbox, tmp_path):
    page = pages.open()
    assert send(page) == 0
    show(page, "faults")
    with page.expect_download() as started:
        page.get_by_role("link", name="Save as a file").click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    page.get_by_role("button", name="Reset").click()
    page.locator("#dialog button[type=submit]").click()
    show(page, "link")
    expect(states(page)).to_have_count(0)
    show(page, "faults")
    page.locator("#world-file").set_input_files(path)
    show(page, "link")
    expect(states(page)).to_have_text(["Waits for the account"])
    with Sandbox("--world", path) as other:
        saved, loaded = json.loads(path.read_text()), other.admin("GET", "world")
        assert saved["accounts"] == loaded["accounts"]
    # A file that is no world is refused, and nothing changes.
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"acounts": {}}')
    show(page, "faults")
    page.locator("#world-file").set_input_files(wrong)
    expect(page.get_by_role("alert").first).to_contain_text("unknown field")
    show(page, "link")
    expect(states(page)).to_have_text(["Waits for the account"])
    pages.errors = [error for error in pages.errors if "400 (Bad Request)" not in error]


def test_the_page_recovers_when_the_simulator_starts_again(browser, pages, sandbox):
    with Sandbox() as first:
        port = urlsplit(first.base_url).port
        pages._sandbox = first
        page = pages.open()
        assert send(page) == 0
    expect(page.locator("#live")).to_have_text("The simulator does not answer. Trying again …")
    with Sandbox("--port", port):
        page.locator("#live.on").wait_for()
        # It is another world, with a journal of its own.
        expect(states(page)).to_have_count(0)
        show(page, "journal")
        expect(page.locator("#journal-count")).to_have_text("0 of 0 requests")
        page.close()
    pages.errors = [error for error in pages.errors if "net::ERR" not in error]


def test_a_hidden_page_holds_no_connection_and_misses_nothing(pages, sandbox):
    page = pages.open("journal")
    become = """(state) => {
      Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    call = {"endpoint": "get", "account": ACCOUNT}
    sandbox.admin("POST", "calls", call)
    count = page.locator("#journal-count")
    expect(count).to_have_text("1 of 1 requests")
    page.evaluate(become, "hidden")
    for _ in range(3):
        sandbox.admin("POST", "calls", call)
    expect(count).to_have_text("1 of 1 requests")
    with page.expect_request(lambda request: "/events?after=" in request.url):
        page.evaluate(become, "visible")
    expect(count).to_have_text("4 of 4 requests")


FILL_SECONDS_LIMIT = 300
SCROLL = """
async () => {
  const grid = document.getElementById("grid");
  const long = [];
  const observer = new PerformanceObserver((list) => long.push(...list.getEntries()));
  observer.observe({ type: "longtask" });
  const frame = () => new Promise(requestAnimationFrame);
  const end = grid.scrollHeight - grid.clientHeight;
  let rows = 0;
  for (let step = 0; step <= 120; step += 1) {
    grid.scrollTop = step % 10 === 9 ? Math.random() * end : (end * step) / 120;
    await frame();
    rows = Math.max(rows, document.querySelectorAll("#grid-body .row").length);
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  return { long: long.map((task) => Math.round(task.duration)), rows };
}
"""


def test_10000_requests_scroll_without_a_task_above_50_ms(pages, sandbox):
    address = urlsplit(sandbox.base_url)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=FILL_SECONDS_LIMIT)
    path = f"/cgi-bin/wxopen/wxamplink?access_token={TOKEN}"
    body = json.dumps({"appid": APPID, "notify_users": 0, "show_profile": 1})
    for _ in range(10_000):
        client.request("POST", path, body)
        client.getresponse().read()
    page = pages.open("journal")
    expect(page.locator("#journal-count")).to_have_text("10000 of 10000 requests")
    # Other programs of a busy machine can make any task long; a slow page is slow every time.
    rounds = [page.evaluate(SCROLL)]
    while rounds[-1]["long"] and len(rounds) < 10:
        rounds.append(page.evaluate(SCROLL))
    assert not rounds[-1]["long"], rounds
    assert rounds[-1]["rows"] < 100
    page.locator("#grid").focus()
    page.keyboard.press("End")
    expect(page.locator("#grid-body .row[aria-selected=true] .seq")).to_have_text("10000")
    page.locator("#journal-text").fill("9999")
    expect(page.locator("#journal-count")).to_have_text("1 of 10000 requests")


def test_a_flood_of_requests_leaves_the_page_usable(pages, sandbox):
    page = pages.open()
    address = urlsplit(sandbox.base_url)
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=FILL_SECONDS_LIMIT)
    for _ in range(2000):
        client.request("POST", f"/cgi-bin/wxopen/wxamplinkget?access_token={TOKEN}", "{}")
        client.getresponse().read()
    assert send(page) == 0
    decide(page, "official_account", "agree")
    expect(states(page)).to_have_text(["Waits for the mini program"])
    show(page, "journal")
    expect(page.locator("#journal-count")).to_have_text("2001 of 2001 requests")


SCREENSHOTS = [
    (f"panel-{view}{suffix}", view, locale, scheme, 1280, height)
    for suffix, locale in [("", "en-GB"), ("-zh", "zh-CN")]
    for view, scheme, height in [
        ("link", "light", 800),
        ("accounts", "light", 800),
        ("journal", "dark", 720),
        ("sequence", "light", 720),
    ]
]


@pytest.mark.parametrize(("name", "view", "locale", "scheme", "width", "height"), SCREENSHOTS)
def test_screenshots(pages, sandbox, tmp_path, name, view, locale, scheme, width, height):
    """Makes the pictures of the pages; WXLINK_SCREENSHOTS=1 writes them to docs/images."""
    folder = ROOT / "docs/images" if os.environ.get("WXLINK_SCREENSHOTS") else tmp_path
    folder.mkdir(exist_ok=True)
    fill_every_view(sandbox)
    page = pages.open(view, locale=locale, color_scheme=scheme, width=width, height=height)
    if view == "link":
        send(page, appid="wx0b00000000000003")
        expect(page.locator("#phone-official_account .message.open")).to_have_count(3)
    elif view == "journal":
        page.locator("#grid-body .row.fault").first.click()
        page.locator("#curl").wait_for()
        page.mouse.move(0, 0)
    elif view == "sequence":
        page.locator("#sequence-appid").select_option(APPID)
        expect(page.locator("#picture svg .label").first).to_be_visible()
    else:
        expect(page.locator("#detail-tokens tbody tr").first).to_be_visible()
    path = Path(folder) / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    assert 10_000 < path.stat().st_size < 150_000
