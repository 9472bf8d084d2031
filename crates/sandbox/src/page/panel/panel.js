// The panel: shows a simulator and changes it, through nothing but the admin interface, which
// docs/sandbox.md describes.
//
// Every text that comes from the simulator is set as text, never as HTML. The parts, in order:
// texts, helpers, the admin interface, the journal and its events, and one part for each view.

// ---------------------------------------------------------------------------------------- texts

const TEXTS = {
  skip: ["Skip to the content", "跳到内容"],
  simulator: ["simulator of WeChat", "微信模拟器"],
  views: ["Views", "视图"],
  view_link: ["Linking", "关联"],
  view_accounts: ["Accounts", "账号"],
  view_journal: ["Requests", "请求"],
  view_faults: ["Faults and clock", "故障与时钟"],
  view_sequence: ["Sequence", "时序图"],
  live: ["Live", "实时"],
  connecting: ["Connecting …", "正在连接…"],
  gone: ["The simulator does not answer. Trying again …", "模拟器没有响应，正在重试…"],
  theme_auto: ["Theme: auto", "主题：自动"],
  theme_light: ["Theme: light", "主题：浅色"],
  theme_dark: ["Theme: dark", "主题：深色"],
  ahead: ["{0} ahead", "快 {0}"],
  caller: ["The provider calls", "服务商发起调用"],
  account: ["Official Account", "公众号"],
  endpoint: ["Call", "接口"],
  miniprogram: ["Mini program", "小程序"],
  token: ["Access token", "令牌"],
  send: ["Send", "发送"],
  do_link: ["Link a mini program", "关联小程序"],
  do_get: ["Read the list", "查询关联列表"],
  do_unlink: ["Unlink a mini program", "解除关联"],
  answer: ["Response to request {0}", "请求 {0} 的响应"],
  no_answer: ["no response", "没有响应"],
  wechat_list: ["The list, as WeChat answers it", "微信返回的关联列表"],
  phone_official_account: ["The Official Account's administrator", "公众号管理员"],
  phone_mini_program: ["The mini program's administrator", "小程序管理员"],
  no_messages: ["No messages.", "没有消息。"],
  empty_list: ["The list is empty.", "列表为空。"],
  ask_link: ["Request to link", "关联申请"],
  ask_unlink: ["Request to unlink", "解除关联申请"],
  asks: ["Asked by", "申请方"],
  through_console: ["in the console", "通过后台"],
  time: ["Time", "时间"],
  agree: ["Agree", "同意"],
  refuse: ["Refuse", "拒绝"],
  vanish: ["Ignore", "忽略"],
  decided_agree: ["Agreed", "已同意"],
  decided_refuse: ["Refused", "已拒绝"],
  decided_vanish: ["Ignored until it expired", "未处理，已过期"],
  by_policy: ["automatic", "自动"],
  when_immediate: ["immediately", "立即"],
  when_manual: ["by hand", "手动"],
  when_polls: ["reads of the list: {0}", "列表查询次数：{0}"],
  when_seconds: ["after {0}", "{0}后"],
  will_decide: ["Automatic: {0}", "自动处理：{0}"],
  link_state: ["Meaning", "含义"],
  waiting: ["{0} waiting", "{0} 待处理"],
  state_linked: ["Linked", "已关联"],
  state_waiting_official_account: ["Waits for the account", "待公众号确认"],
  state_waiting_mini_program: ["Waits for the mini program", "待小程序确认"],
  state_refused: ["Refused", "已拒绝"],
  state_unlinking: ["Linked; unlinking asked", "已关联，待解除"],
  as_json: ["As JSON", "查看 JSON"],
  status: ["Status", "状态"],
  accounts: ["Official Accounts", "公众号"],
  miniprograms: ["Mini programs", "小程序"],
  name: ["Name", "名称"],
  appid: ["appid", "appid"],
  subject: ["Owner", "主体"],
  links: ["Links", "关联"],
  quotas: ["Quotas used", "已用额度"],
  same_subject: ["same owner", "同主体"],
  different_subject: ["other owners", "不同主体"],
  monthly: ["this month", "本月"],
  tokens: ["Access tokens", "令牌"],
  token_hint: ["A token is shown by the start of its SHA-256.", "令牌以其 SHA-256 的开头表示。"],
  kind: ["Kind", "类型"],
  age: ["Age", "已存在"],
  expires: ["Expires in", "剩余有效期"],
  never: ["never", "不过期"],
  superseded: ["superseded", "已被替换"],
  no_tokens: ["No tokens.", "没有令牌。"],
  shown_of: ["{0} of {1}", "显示 {0} / 共 {1}"],
  search_accounts: ["Search accounts", "搜索公众号"],
  search_miniprograms: ["Search mini programs", "搜索小程序"],
  search_hint: ["Name or appid", "名称或 appid"],
  add_account: ["Add an account", "添加公众号"],
  add_miniprogram: ["Add a mini program", "添加小程序"],
  add_token: ["Add a token", "添加令牌"],
  revoke: ["Revoke all", "全部吊销"],
  actions: ["Actions", "操作"],
  edit: ["Edit", "编辑"],
  change_account: ["Change the account", "修改公众号"],
  change_miniprogram: ["Change the mini program", "修改小程序"],
  choose_account: ["Choose an account.", "请选择公众号。"],
  save: ["Save", "保存"],
  cancel: ["Cancel", "取消"],
  refuses: ["It refuses", "拒绝原因"],
  nothing: ["nothing", "无"],
  refusal_banned: ["banned (89013)", "已封禁（89013）"],
  refusal_overseas: ["overseas (89008)", "海外主体（89008）"],
  refusal_forbids_linking: ["forbids links (89245)", "不允许被关联（89245）"],
  refusal_limit_reached: ["links used up (89009)", "被关联数已满（89009）"],
  refusal_administrator_over_limit: ["administrator over limit (1003)", "管理员绑定超限（1003）"],
  refusal_phone_over_limit: ["phone number over limit (1005)", "手机号绑定超限（1005）"],
  refusal_store: ["a store: unlinking (89012)", "门店，不能解除（89012）"],
  nearby: ["nearby: unlinking (89011)", "附近的小程序，不能解除（89011）"],
  kind_good: ["valid", "有效"],
  kind_expired: ["expired (42001)", "已过期（42001）"],
  kind_revoked: ["revoked (40001)", "已吊销（40001）"],
  kind_malformed: ["malformed (40014)", "格式错误（40014）"],
  kind_wrong_kind: ["a mini program's (48001)", "小程序的令牌（48001）"],
  kind_component: ["the platform's own (48001)", "第三方平台的令牌（48001）"],
  kind_deauthorized: ["authorisation withdrawn (61003)", "已取消授权（61003）"],
  kind_no_permission: ["without permission set 33 (61007)", "未授予权限集 33（61007）"],
  token_text: ["Its text", "令牌内容"],
  expires_in: ["Expires in, in seconds (empty: never)", "有效期（秒，留空为不过期）"],
  requested: ["Links requested this month", "本月已申请关联数"],
  limit_same_subject: ["Limit for the same owner", "同主体上限"],
  limit_different_subject: ["Limit for other owners", "不同主体上限"],
  limit_monthly: ["Limit for a month", "每月上限"],
  filter: ["Filter", "筛选"],
  filter_hint: ["appid, path, errcode …", "appid、路径、errcode…"],
  outcome: ["Outcome", "结果"],
  outcome_any: ["Every outcome", "全部结果"],
  outcome_fault: ["With a fault", "有故障"],
  outcome_refused: ["Refused by WeChat", "被微信拒绝"],
  outcome_lost: ["Took effect, response lost", "已生效但响应丢失"],
  outcome_none: ["Without effect", "未生效"],
  every_call: ["Every call", "全部接口"],
  clear: ["Clear", "清空"],
  count: ["{0} of {1} requests", "{0} / {1} 条请求"],
  missed: [
    "{0} changes were removed from the journal before they could be shown.",
    "有 {0} 项变化在显示之前已从记录中移除。",
  ],
  col_seq: ["No.", "序号"],
  col_time: ["Time", "时间"],
  col_endpoint: ["Call", "接口"],
  col_account: ["Account", "公众号"],
  col_effect: ["Effect", "生效"],
  col_answer: ["Response", "响应"],
  col_latency: ["Latency", "耗时"],
  col_fault: ["Fault", "故障"],
  no_effect: ["none", "未生效"],
  request: ["Request", "请求"],
  close: ["Close", "关闭"],
  copy: ["Copy as curl", "复制为 curl"],
  copied: ["Copied", "已复制"],
  select_all: ["Press Ctrl-C to copy", "请按 Ctrl-C 复制"],
  headers: ["Headers", "请求头"],
  body: ["Body", "请求体"],
  no_body: ["empty", "空"],
  entry_gone: ["This request is no longer in the journal.", "该请求已不在记录中。"],
  late_effect: ["{0} later", "延迟 {0}"],
  add_fault: ["Set a fault", "设置故障"],
  faults: ["Faults", "故障"],
  fault_kind: ["Fault", "故障"],
  fault_endpoint: ["For", "接口"],
  fault_effect: ["The request takes effect", "请求是否生效"],
  fault_json: ["The fault as JSON", "故障（JSON）"],
  fault_drop: ["connection reset", "连接被重置"],
  fault_errcode: ["an errcode of WeChat", "微信返回错误码"],
  fault_delay_ms: ["a late response", "响应延迟"],
  fault_hang: ["no response", "一直不响应"],
  fault_status: ["a gateway's page (502)", "网关错误页（502）"],
  fault_list_lag_ms: ["a list of the past", "列表滞后"],
  fault_cut: ["a response cut off", "响应被截断"],
  fault_slow: ["a slow response", "响应缓慢"],
  fault_garbage: ["not HTTP", "不是 HTTP 的内容"],
  fault_redirect: ["a redirect", "重定向"],
  fault_body: ["another body", "其他响应体"],
  fault_gzip_bomb: ["a gzip bomb", "gzip 炸弹"],
  fault_huge: ["a huge body", "超大响应"],
  fault_deep: ["deeply nested JSON", "嵌套过深的 JSON"],
  fault_close_delimited: ["a body without a length", "没有长度的响应体"],
  fault_close_after: ["connection closed afterwards", "响应后关闭连接"],
  fault_bom: ["a byte order mark", "带 BOM 的响应"],
  fault_push: ["a push with a wrong key", "密钥错误的推送"],
  fault_tls_hang: ["TLS: no answer", "TLS 无响应"],
  fault_tls_reset: ["TLS: reset", "TLS 被重置"],
  errcode: ["errcode", "errcode"],
  when_default: ["as usual for this fault", "按此故障的默认方式"],
  when_before: ["never", "不生效"],
  when_after: ["first", "先生效"],
  when_late: ["later", "延迟生效"],
  after_ms: ["After, in ms", "延迟（毫秒）"],
  how_often: ["How often", "次数"],
  once: ["once", "一次"],
  three_times: ["3 times", "三次"],
  always: ["always", "每次"],
  half: ["half of the requests", "一半的请求"],
  set: ["Set", "设置"],
  remove: ["Remove", "移除"],
  remove_fault: ["Remove fault {0}", "移除故障 {0}"],
  remove_all: ["Remove all", "全部移除"],
  hits: ["Hits", "命中"],
  left: ["Left", "剩余"],
  no_limit: ["no limit", "不限"],
  no_faults: ["No faults are set.", "没有设置故障。"],
  every_request: ["every request", "所有请求"],
  clock: ["Clock", "时钟"],
  clock_hint: [
    "Moving it forward makes decisions due, tokens expire and quotas start again.",
    "把时钟拨快，可以让决定到期、令牌过期、额度重新计算。",
  ],
  seconds: ["Seconds", "秒数"],
  advance: ["Move forward", "拨快"],
  policy: ["How the administrators decide", "管理员如何处理"],
  policy_official_account: ["The account's administrator, about a link", "公众号管理员（关联）"],
  policy_mini_program: ["The mini program's administrator", "小程序管理员"],
  policy_unlink: ["The account's administrator, about unlinking", "公众号管理员（解除关联）"],
  world: ["World", "模拟世界"],
  world_hint: [
    "The file has all accounts, links and tokens, with their secrets. --world FILE starts with it.",
    "文件含有全部账号、关联和令牌，以及其中的机密。以 --world FILE 启动即可载入。",
  ],
  world_save: ["Save as a file", "保存为文件"],
  world_load: ["Load a file", "加载文件"],
  reset: ["Reset", "重置"],
  reset_confirm: [
    "Restore the world, the policy and the clock of the start, and remove all faults and requests?",
    "恢复启动时的世界、处理方式和时钟，并移除所有故障和请求？",
  ],
  done: ["Done.", "已完成。"],
  refused_by: ["Not carried out: {0}", "未能执行：{0}"],
  no_sequence: [
    "No request for this link yet. Send one in “Linking”.",
    "还没有此关联的请求。请在“关联”中发送。",
  ],
  who_caller: ["Provider", "服务商"],
  who_wechat: ["WeChat", "微信"],
  who_official_account: ["Account's administrator", "公众号管理员"],
  who_mini_program: ["Mini program's administrator", "小程序管理员"],
  step_link: ["link", "关联"],
  step_get: ["list", "查询列表"],
  step_unlink: ["unlink", "解除关联"],
  step_effect: ["takes effect {1}: errcode {0}", "{1}生效：errcode {0}"],
  step_ask_link: ["link?", "是否关联？"],
  step_ask_unlink: ["unlink?", "是否解除关联？"],
  picture_of: ["Sequence of the link of {0} to {1}", "{0} 与 {1} 的关联时序"],
  steps: ["The steps as text", "以文字查看步骤"],
};

const LANGUAGES = { en: 0, zh: 1 };
let language = startLanguage();

function startLanguage() {
  const chosen = remembered("language");
  if (chosen in LANGUAGES) return chosen;
  for (const wanted of navigator.languages) {
    const short = wanted.toLowerCase().split("-")[0];
    if (short in LANGUAGES) return short;
  }
  return "en";
}

/** A text in the chosen language, with values in place of {0}, {1} … */
function t(key, ...values) {
  const text = TEXTS[key][LANGUAGES[language]];
  return text.replace(/\{(\d)\}/g, (_, index) => values[index]);
}

// -------------------------------------------------------------------------------------- helpers

const $ = (id) => document.getElementById(id);

/** Makes an element. `properties` are attributes, `class`, and handlers such as `onclick`. */
function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  setAll(element, properties);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, properties, ...children) {
  const element = document.createElementNS(SVG, tag);
  setAll(element, properties);
  element.append(...children);
  return element;
}

function setAll(element, properties) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
}

/**
 * Shows a list of items in an element. An item whose `keyOf` and content are those of before keeps
 * its element. One with new content gets a new element, in which the focus, what is scrolled and
 * what is open are as before.
 */
function show(container, items, keyOf, make) {
  const before = new Map([...container.children].map((child) => [child.panelKey, child]));
  const replaced = [];
  const children = items.map((item) => {
    const key = keyOf(item);
    const content = language + JSON.stringify(item);
    const known = before.get(key);
    if (known?.panelContent === content) return known;
    const made = make(item);
    made.panelKey = key;
    made.panelContent = content;
    if (known !== undefined) replaced.push([known, made]);
    return made;
  });
  const isSame =
    children.length === container.children.length &&
    children.every((child, index) => child === container.children[index]);
  if (isSame) return;
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  const places = replaced.map(([known, made]) => [made, placesIn(known)]);
  container.replaceChildren(...children);
  for (const [made, place] of places) restorePlaces(made, place);
  if (focused === null || focused === container) return;
  // An element that was moved has lost the focus.
  const followed = replaced.map(([known, made]) => samePlace(known, made, focused));
  const next = container.contains(focused) ? focused : followed.find((one) => one !== null);
  container.tabIndex = -1;
  (next ?? container).focus({ preventScroll: true });
}

const WITH_PLACE = "details, pre, .scroll, .drawing";

function placesIn(element) {
  const parts = [...element.querySelectorAll(WITH_PLACE)];
  return parts.map(({ open, scrollTop, scrollLeft }) => ({ open, scrollTop, scrollLeft }));
}

function restorePlaces(element, places) {
  const parts = [...element.querySelectorAll(WITH_PLACE)];
  for (const [index, part] of parts.entries()) Object.assign(part, places[index]);
}

/** The element in another tree at the place of `inner`; `null` if that tree has no such element. */
function samePlace(from, to, inner) {
  if (!from.contains(inner)) return null;
  const path = [];
  for (let one = inner; one !== from; one = one.parentElement) {
    path.unshift([...one.parentElement.children].indexOf(one));
  }
  let found = to;
  for (const index of path) found = found?.children[index];
  return found?.tagName === inner.tagName ? found : null;
}

/** Shows one part, which is made again only if `content` has changed. */
function showOne(container, content, make) {
  show(container, [content], () => "", make);
}

function remembered(name) {
  try {
    return localStorage.getItem(`wxlink-${name}`) ?? "";
  } catch {
    return "";
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`wxlink-${name}`, value);
  } catch {
    // A browser may forbid it; the choice is then forgotten with the page.
  }
}

const two = (number) => String(number).padStart(2, "0");

function timeOf(ms, withMilliseconds = true) {
  const time = new Date(ms);
  const text = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return withMilliseconds ? `${text}.${String(time.getMilliseconds()).padStart(3, "0")}` : text;
}

function dateOf(ms) {
  const time = new Date(ms);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

const UNITS = [
  [86400, "d", " 天"],
  [3600, "h", " 小时"],
  [60, "min", " 分钟"],
];

/** A duration, in its two largest units. */
function durationOf(seconds) {
  const chinese = language === "zh";
  const parts = [];
  let rest = Math.floor(seconds);
  for (const [length, english, chineseName] of UNITS) {
    const count = Math.floor(rest / length);
    rest %= length;
    if (count > 0) parts.push(chinese ? count + chineseName : `${count} ${english}`);
  }
  if (rest > 0 || parts.length === 0) parts.push(chinese ? `${rest} 秒` : `${rest} s`);
  return parts.slice(0, 2).join(" ");
}

function latencyOf(us) {
  if (us === null || us === undefined) return "–";
  if (us < 1000) return `${us} µs`;
  if (us < 1e6) return `${(us / 1000).toFixed(us < 10000 ? 1 : 0)} ms`;
  return us < 60e6 ? `${(us / 1e6).toFixed(1)} s` : durationOf(us / 1e6);
}

function named(nickname, appid) {
  return h("span", { class: "named" }, h("b", null, nickname ?? "–"), " ", h("code", null, appid));
}

function chip(kind, text) {
  return h("span", { class: `chip ${kind}` }, text);
}

const STATE_KINDS = {
  linked: "good",
  waiting_official_account: "waiting",
  waiting_mini_program: "waiting",
  refused: "bad",
  unlinking: "waiting",
};

// -------------------------------------------------------------------------- the admin interface

const ADMIN = "/__sandbox/";

/** The simulator has not answered. */
class Gone extends Error {
  constructor() {
    super(t("gone"));
  }
}

/** Sends an admin request. Fails with the simulator's explanation. */
async function admin(method, path, body) {
  const options = { method, cache: "no-store" };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(ADMIN + path, options);
  } catch {
    throw new Gone();
  }
  const json = await response.json();
  if (!response.ok) {
    const why = language === "zh" ? json.error_zh : json.error;
    throw new Error(t("refused_by", why ?? response.status));
  }
  return json;
}

/** Runs a change that a person asked for, and shows what follows or why it failed. */
async function act(change) {
  say("");
  try {
    const result = await change();
    await refresh();
    return result;
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

/** Shows why something failed that a person did not ask for. */
function fail(error) {
  if (error instanceof Gone) live(false, "gone");
  else say(error.message);
}

function say(text) {
  $("alert").replaceChildren(
    ...(text === ""
      ? []
      : [
          h("p", null, text),
          h("button", { type: "button", class: "quiet", onclick: () => say("") }, t("close")),
        ]),
  );
}

// ------------------------------------------------------------------- the journal and its events

/** How many entries are kept here. */
const MAX_ENTRIES = 20000;
const RETRY_MS = 1000;

const journal = { entries: [], bySeq: new Map(), missed: 0 };
let stream = null;
let lastId = "";
let clockOffset = 0;
let aheadSeconds = 0;

function connect() {
  stream?.close();
  live(false, "connecting");
  const after = lastId === "" ? "" : `?after=${encodeURIComponent(lastId)}`;
  const opened = new EventSource(`${ADMIN}events${after}`);
  stream = opened;
  opened.onopen = () => live(true, "live");
  opened.onerror = () => {
    live(false, "gone");
    // A browser tries again by itself unless the response was an error.
    if (opened.readyState === EventSource.CLOSED) {
      setTimeout(() => stream === opened && connect(), RETRY_MS);
    }
  };
  const listen = (name, receive) =>
    opened.addEventListener(name, (event) => {
      if (event.lastEventId !== "") lastId = event.lastEventId;
      receive(JSON.parse(event.data));
    });
  listen("request", addEntry);
  listen("reset", () => {
    journal.entries = [];
    journal.bySeq.clear();
    journal.missed = 0;
    selectedSeq = 0;
    filterAll();
  });
  listen("missed", ({ changes }) => {
    journal.missed += changes;
    scheduleGrid();
  });
  listen("state", ({ now_ms, ahead_s }) => {
    clockOffset = now_ms - Date.now();
    aheadSeconds = ahead_s;
    showClock();
    scheduleRefresh();
  });
}

function live(isLive, key) {
  const element = $("live");
  element.className = isLive ? "live on" : "live";
  element.dataset.state = key;
  element.textContent = t(key);
}

// A page that is not visible holds no connection: browsers open few to one simulator.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") {
    stream?.close();
    stream = null;
  } else if (stream === null) {
    connect();
  }
});

function addEntry(entry) {
  entry.text = searchText(entry);
  const known = journal.bySeq.get(entry.seq);
  if (known === undefined) {
    journal.bySeq.set(entry.seq, entry);
    journal.entries.push(entry);
    if (matches(entry)) filtered.push(entry);
    if (journal.entries.length > MAX_ENTRIES) {
      const removed = journal.entries.splice(0, MAX_ENTRIES / 10);
      for (const old of removed) journal.bySeq.delete(old.seq);
      filterAll();
    }
  } else {
    const place = filtered.indexOf(known);
    Object.assign(known, entry);
    if (place >= 0 !== matches(known)) filterAll();
  }
  scheduleGrid();
  if (view === "sequence") scheduleRefresh();
}

function showClock() {
  const now = Date.now() + clockOffset;
  $("clock").textContent = `${dateOf(now)} ${timeOf(now, false)}`;
  $("ahead").hidden = aheadSeconds === 0;
  $("ahead").textContent = aheadSeconds === 0 ? "" : t("ahead", durationOf(aheadSeconds));
}

// ------------------------------------------------------------------------------ loading and views

const VIEWS = ["link", "accounts", "journal", "faults", "sequence"];
const REFRESH_INTERVAL_MS = 150;

let view = "link";
let account = remembered("account");
let refreshTimer = null;
let refreshing = null;
let isRefreshWanted = false;

/** Loads what the view shows again, soon. Many changes in a row cause few loads. */
function scheduleRefresh() {
  refreshTimer ??= setTimeout(() => {
    refreshTimer = null;
    refresh().catch(fail);
  }, REFRESH_INTERVAL_MS);
}

/** Loads what the view shows. While a load runs, one more is kept for later. */
function refresh() {
  if (refreshing !== null) {
    isRefreshWanted = true;
    return refreshing;
  }
  refreshing = (async () => {
    try {
      do {
        isRefreshWanted = false;
        await LOADERS[view]();
      } while (isRefreshWanted);
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

const LOADERS = {
  link: loadLink,
  accounts: loadAccounts,
  journal: async () => {},
  faults: loadFaults,
  sequence: loadSequence,
};

function openView() {
  const wanted = location.hash.slice(1);
  view = VIEWS.includes(wanted) ? wanted : "link";
  for (const name of VIEWS) {
    $(`view-${name}`).hidden = name !== view;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say("");
  if (view === "journal") scheduleGrid();
  refresh().catch(fail);
}

/** Sets every fixed text of the page, and shows the rest again. */
function showLanguage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
  }
  for (const element of document.querySelectorAll("[data-placeholder]")) {
    element.placeholder = t(element.dataset.placeholder);
  }
  $("language").textContent = language === "zh" ? "English" : "中文";
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  live($("live").classList.contains("on"), $("live").dataset.state ?? "connecting");
  showTheme();
  showClock();
  fillChoices();
  showHead();
  showEntry();
  scheduleGrid();
}

const THEMES = ["auto", "light", "dark"];

function showTheme() {
  const theme = THEMES.includes(remembered("theme")) ? remembered("theme") : "auto";
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = t(`theme_${theme}`);
}

// Choices that are the same everywhere.
const TOKEN_KINDS = [
  "good",
  "expired",
  "revoked",
  "malformed",
  "wrong_kind",
  "component",
  "deauthorized",
  "no_permission",
];
const REFUSALS = [
  "banned",
  "overseas",
  "forbids_linking",
  "limit_reached",
  "administrator_over_limit",
  "phone_over_limit",
  "store",
];
const ENDPOINTS = [
  "link",
  "get",
  "unlink",
  "component_token",
  "authorizer_token",
  "authorizer_list",
  "start_push_ticket",
  "pre_auth_code",
  "query_auth",
  "authorizer_info",
  "rid",
];
const ERRCODES = [
  -1, 1003, 1005, 40001, 40013, 40014, 40097, 40166, 42001, 45009, 45011, 48001, 61003, 61004,
  61007, 89007, 89008, 89009, 89010, 89011, 89012, 89013, 89015, 89016, 89017, 89018, 89035, 89245,
];
const FAULTS = {
  drop: { drop: "reset" },
  errcode: { errcode: { code: -1 } },
  delay_ms: { delay_ms: 3000 },
  hang: "hang",
  status: { status: { code: 502 } },
  list_lag_ms: { list_lag_ms: 3000 },
  cut: { cut: { bytes: 10 } },
  slow: { slow: { bytes: 1, every_ms: 100 } },
  garbage: "garbage",
  redirect: { redirect: { code: 307, location: "/elsewhere" } },
  body: { body: { text: "{}" } },
  gzip_bomb: { gzip_bomb: { bytes: 100000000 } },
  huge: { huge: { bytes: 100000000 } },
  deep: { deep: { levels: 100000 } },
  close_delimited: "close_delimited",
  close_after: "close_after",
  bom: "bom",
  push: { push: "wrong_key" },
  tls_hang: "tls_hang",
  tls_reset: "tls_reset",
};
const CLOCK_STEPS = [300, 7200, 86400, 2678400];
const POLICIES = [
  "manual",
  "immediate",
  { polls: 1 },
  { polls: 3 },
  { seconds: 5 },
  { seconds: 60 },
];

function policyText(when) {
  if (typeof when === "string") return t(`when_${when}`);
  return "polls" in when
    ? t("when_polls", when.polls)
    : t("when_seconds", durationOf(when.seconds));
}

/** Sets the options of a `select`, and keeps what is chosen if it is still there. */
function fill(select, options) {
  const content = JSON.stringify([options, language]);
  if (select.panelContent === content) return;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  select.panelContent = content;
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function fillChoices() {
  for (const select of document.querySelectorAll(".token-kind")) {
    fill(
      select,
      TOKEN_KINDS.map((kind) => [kind, t(`kind_${kind}`)]),
    );
  }
  fill($("journal-endpoint"), [
    ["", t("every_call")],
    ...[...ENDPOINTS, "other"].map((name) => [name, name]),
  ]);
  fill($("fault-endpoint"), [["*", t("every_request")], ...ENDPOINTS.map((name) => [name, name])]);
  fill(
    $("fault-kind"),
    Object.keys(FAULTS).map((name) => [name, t(`fault_${name}`)]),
  );
  fill($("clock-steps"), []);
  $("clock-steps").replaceChildren(
    ...CLOCK_STEPS.map((seconds) =>
      h(
        "button",
        {
          type: "button",
          onclick: () => act(() => admin("POST", "clock", { advance_s: seconds })),
        },
        `+ ${durationOf(seconds)}`,
      ),
    ),
  );
}

// ---------------------------------------------------------------------------------- view: linking

/** Loads the accounts, and chooses one if none is. */
async function loadAccountChoice() {
  const { accounts, total } = await admin("GET", "accounts");
  const isKnown = accounts.some(({ appid }) => appid === account);
  if (!isKnown && (total <= accounts.length || account === "")) account = accounts[0]?.appid ?? "";
  const options = accounts.map(({ appid, nickname }) => [appid, `${nickname} · ${appid}`]);
  if (account !== "" && !accounts.some(({ appid }) => appid === account))
    options.push([account, account]);
  for (const select of document.querySelectorAll("select.account")) {
    fill(select, options);
    select.value = account;
  }
}

async function loadMiniprogramChoice() {
  const { miniprograms } = await admin("GET", "miniprograms");
  const options = miniprograms.map(({ appid, nickname }) => [appid, `${nickname} · ${appid}`]);
  for (const select of document.querySelectorAll("select.miniprogram")) fill(select, options);
}

async function loadLink() {
  await loadAccountChoice();
  await loadMiniprogramChoice();
  if (account === "") return;
  const [detail, { messages }] = await Promise.all([
    admin("GET", `accounts/${account}`),
    admin("GET", `messages?account=${account}`),
  ]);
  showList($("link-list"), detail);
  for (const role of ["official_account", "mini_program"]) {
    const own = messages.filter(({ to }) => to === role);
    const items = own.length > 0 ? own : [null];
    show($(`phone-${role}`), items, messageKey, messageCard);
  }
}

const messageKey = (message) =>
  message === null
    ? ""
    : [
        message.to,
        message.asks,
        message.account.appid,
        message.miniprogram.appid,
        message.sent_ms,
      ].join();

function messageCard(message) {
  if (message === null) return h("p", { class: "muted" }, t("no_messages"));
  const { to, asks, account: asking, miniprogram, decision } = message;
  const decide = (wanted) =>
    act(() =>
      admin("POST", "approvals", {
        account: asking.appid,
        appid: miniprogram.appid,
        by: to,
        decision: wanted,
      }),
    );
  const button = (wanted, kind) =>
    h(
      "button",
      {
        type: "button",
        class: kind,
        onclick: () => decide(wanted),
        "data-decision": wanted,
      },
      t(wanted),
    );
  const outcome =
    decision === null
      ? h(
          "div",
          { class: "actions" },
          button("agree", "primary"),
          button("refuse", ""),
          button("vanish", "quiet"),
        )
      : h(
          "p",
          null,
          chip({ agree: "good", refuse: "bad", vanish: "" }[decision], t(`decided_${decision}`)),
          " ",
          h(
            "span",
            { class: "muted" },
            timeOf(message.decided_ms, false),
            message.automatic ? ` · ${t("by_policy")}` : "",
          ),
        );
  return h(
    "article",
    { class: decision === null ? "message open" : "message" },
    h(
      "h4",
      null,
      t(`ask_${asks}`),
      " ",
      h("time", { class: "muted" }, timeOf(message.sent_ms, false)),
    ),
    h(
      "dl",
      null,
      h("dt", null, t("asks")),
      h(
        "dd",
        null,
        named(asking.nickname, asking.appid),
        message.from_console ? ` · ${t("through_console")}` : "",
      ),
      h("dt", null, t("miniprogram")),
      h("dd", null, named(miniprogram.nickname, miniprogram.appid)),
    ),
    decision === null && message.when !== "manual"
      ? h("p", { class: "muted" }, t("will_decide", policyText(message.when)))
      : null,
    outcome,
  );
}

/** The list of an account: its links with their states, and WeChat's JSON. */
function showList(container, detail) {
  const { entries, list } = detail;
  showOne(container, { entries, list }, () => {
    const items = list.wxopens.items;
    const rows = entries.map((entry, index) =>
      h(
        "tr",
        null,
        h("td", null, named(items[index]?.nickname, entry.appid)),
        h("td", null, h("code", null, items[index]?.status ?? "–")),
        h("td", null, chip(STATE_KINDS[entry.state], t(`state_${entry.state}`))),
      ),
    );
    const table =
      rows.length === 0
        ? h("p", { class: "muted" }, t("empty_list"))
        : h("table", null, headings("miniprogram", "status", "link_state"), h("tbody", null, rows));
    return h(
      "div",
      null,
      table,
      h(
        "details",
        null,
        h("summary", null, t("as_json")),
        h(
          "pre",
          { tabindex: 0, role: "region", "aria-label": t("as_json") },
          JSON.stringify(list, null, 2),
        ),
      ),
    );
  });
}

function showCallForm() {
  $("call-appid-label").hidden = $("call-endpoint").value === "get";
}

async function sendCall(event) {
  event.preventDefault();
  const endpoint = $("call-endpoint").value;
  const call = { endpoint, account: $("call-account").value, token: $("call-token").value };
  if (endpoint !== "get") call.appid = $("call-appid").value;
  const made = await act(() => admin("POST", "calls", call));
  if (made === undefined) return;
  const { seq, answer } = made;
  const errcode = answer?.errcode;
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  $("call-answer").replaceChildren(
    h(
      "div",
      { class: "answer" },
      h(
        "p",
        null,
        t("answer", seq),
        " ",
        answer === null
          ? chip("bad", t("no_answer"))
          : chip(errcode === 0 ? "good" : "bad", `errcode ${errcode ?? "–"}`),
      ),
      answer === null ? null : h("code", null, text.length > 300 ? `${text.slice(0, 300)}…` : text),
    ),
  );
}

function chooseAccount(appid) {
  account = appid;
  remember("account", appid);
  refresh().catch(fail);
}

// --------------------------------------------------------------------------------- view: accounts

async function loadAccounts() {
  const search = (id) => {
    const text = $(id).value.trim();
    return text === "" ? "" : `?contains=${encodeURIComponent(text)}`;
  };
  await loadAccountChoice();
  const [found, miniprograms] = await Promise.all([
    admin("GET", `accounts${search("accounts-search")}`),
    admin("GET", `miniprograms${search("miniprograms-search")}`),
  ]);
  showOne($("accounts-table"), { ...found, account }, accountsTable);
  showOne($("miniprograms-table"), miniprograms, miniprogramsTable);
  const container = $("account-detail");
  if (account === "") {
    container.replaceChildren(h("p", { class: "muted" }, t("choose_account")));
    return;
  }
  const detail = await admin("GET", `accounts/${account}`);
  const { tokens, entries, list, ...summary } = detail;
  if (container.children.length !== 3) {
    container.replaceChildren(
      h("div", { class: "card", id: "detail-summary" }),
      h("div", { class: "card", id: "detail-tokens" }),
      h(
        "div",
        { class: "card" },
        h("h3", { "data-t": "wechat_list" }, t("wechat_list")),
        h("div", { id: "detail-list" }),
      ),
    );
  }
  showOne($("detail-summary"), summary, accountSummary);
  // Ages grow all the time; they are shown to the second.
  const aged = tokens.map(({ age_ms, ...token }) => ({ ...token, age: Math.floor(age_ms / 1000) }));
  showOne($("detail-tokens"), { tokens: aged, appid: account }, tokensTable);
  showList($("detail-list"), { entries, list });
  refreshAtExpiry(tokens);
}

let expiryTimer = null;

/** Loads the tokens again when the next one expires. */
function refreshAtExpiry(tokens) {
  clearTimeout(expiryTimer);
  const left = tokens.map(({ expires_in }) => expires_in).filter((seconds) => seconds !== null);
  const next = Math.min(...left);
  if (next < 86400) expiryTimer = setTimeout(scheduleRefresh, next * 1000);
}

const NUMBERS = ["links", "age", "expires", "hits", "left"];

/** The head of a table. The column without a name holds buttons. */
function headings(...keys) {
  return h(
    "thead",
    null,
    h(
      "tr",
      null,
      keys.map((key) =>
        h(
          "th",
          {
            scope: "col",
            class: NUMBERS.includes(key) ? "number" : "",
          },
          key === "" ? h("span", { class: "unseen" }, t("actions")) : t(key),
        ),
      ),
    ),
  );
}

function shownOf(shown, total) {
  return shown < total ? h("p", { class: "muted" }, t("shown_of", shown, total)) : null;
}

function scrollable(label, ...children) {
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": t(label) },
    ...children,
  );
}

function accountsTable({ accounts, total, account: chosen }) {
  const rows = accounts.map((item) =>
    h(
      "tr",
      { class: item.appid === chosen ? "chosen" : "" },
      h(
        "td",
        null,
        h(
          "button",
          {
            type: "button",
            class: "row-button",
            "aria-pressed": String(item.appid === chosen),
            onclick: () => chooseAccount(item.appid),
          },
          named(item.nickname, item.appid),
        ),
      ),
      h(
        "td",
        { class: "number" },
        item.links,
        item.waiting > 0 ? [" ", chip("waiting", t("waiting", item.waiting))] : null,
      ),
    ),
  );
  return h(
    "div",
    null,
    scrollable("accounts", h("table", null, headings("account", "links"), h("tbody", null, rows))),
    shownOf(accounts.length, total),
  );
}

function miniprogramsTable({ miniprograms, total }) {
  const rows = miniprograms.map((item) => {
    const reasons = [
      ...item.refuses.map((reason) => `refusal_${reason}`),
      ...(item.nearby ? ["nearby"] : []),
    ];
    return h(
      "tr",
      null,
      h("td", null, named(item.nickname, item.appid), h("div", { class: "muted" }, item.subject)),
      h(
        "td",
        null,
        reasons.map((key) => chip("bad", t(key))),
      ),
      h(
        "td",
        null,
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": `${t("edit")}: ${item.nickname}`,
            onclick: () => editMiniprogram(item),
          },
          t("edit"),
        ),
      ),
    );
  });
  return h(
    "div",
    null,
    scrollable(
      "miniprograms",
      h("table", null, headings("miniprogram", "refuses", ""), h("tbody", null, rows)),
    ),
    shownOf(miniprograms.length, total),
  );
}

function accountSummary(item) {
  const meter = (key) => {
    const [used, limit] = [item.used[key], item.limits[key]];
    const bar = h("meter", { min: 0, max: Math.max(limit, 1), value: used, "aria-label": t(key) });
    return h(
      "div",
      { class: used >= limit ? "quota full" : "quota" },
      h("span", null, t(key)),
      bar,
      h("span", { class: "number" }, `${used} / ${limit}`),
    );
  };
  return h(
    "div",
    null,
    h(
      "div",
      { class: "bar" },
      h("h3", null, item.nickname),
      h("button", { type: "button", onclick: () => editAccount(item) }, t("edit")),
    ),
    h(
      "dl",
      null,
      h("dt", null, t("appid")),
      h("dd", null, h("code", null, item.appid), " ", h("code", null, item.username)),
      h("dt", null, t("subject")),
      h("dd", null, item.subject),
    ),
    h("h4", null, t("quotas")),
    meter("same_subject"),
    meter("different_subject"),
    meter("monthly"),
  );
}

function tokensTable({ tokens, appid }) {
  const kinds = { good: "good", expired: "waiting" };
  const rows = tokens.map((token) =>
    h(
      "tr",
      null,
      h("td", null, h("code", null, token.name)),
      h(
        "td",
        null,
        chip(kinds[token.kind] ?? "bad", t(`kind_${token.kind}`)),
        token.superseded ? [" ", chip("waiting", t("superseded"))] : null,
      ),
      h("td", { class: "number" }, durationOf(token.age)),
      h(
        "td",
        { class: "number" },
        token.expires_in === null ? t("never") : durationOf(token.expires_in),
      ),
    ),
  );
  return h(
    "div",
    null,
    h(
      "div",
      { class: "bar" },
      h("h3", null, t("tokens")),
      h(
        "button",
        {
          type: "button",
          onclick: () => act(() => admin("POST", "tokens/revoke", { account: appid })),
        },
        t("revoke"),
      ),
      h("button", { type: "button", onclick: () => addToken(appid) }, t("add_token")),
    ),
    rows.length === 0
      ? h("p", { class: "muted" }, t("no_tokens"))
      : scrollable(
          "tokens",
          h("table", null, headings("name", "kind", "age", "expires"), h("tbody", null, rows)),
        ),
    h("p", { class: "muted" }, t("token_hint")),
  );
}

/**
 * Opens a dialog with fields. `save` gets their values by name; if it fails, the dialog stays open.
 * A field has `name`, `label` (a key of TEXTS), and the attributes of its input, or `options`.
 */
function openDialog(title, fields, save) {
  const inputs = new Map();
  const labels = fields.map(({ name, label, options, type, value, ...attributes }) => {
    let input;
    if (options !== undefined) {
      input = h("select", { name });
      fill(input, options);
      input.value = value;
    } else {
      input = h("input", {
        name,
        type: type ?? "text",
        autocomplete: "off",
        spellcheck: "false",
        ...attributes,
      });
      if (type === "checkbox") input.checked = value;
      else input.value = value ?? "";
    }
    inputs.set(name, input);
    return h(
      "label",
      type === "checkbox" ? { class: "check" } : null,
      h("span", null, t(label)),
      input,
    );
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const dialog = $("dialog");
  const submit = async (event) => {
    event.preventDefault();
    const values = {};
    for (const [name, input] of inputs)
      values[name] = input.type === "checkbox" ? input.checked : input.value;
    try {
      await save(values);
    } catch (error) {
      problem.textContent = error.message;
      return;
    }
    dialog.close();
    await refresh().catch(fail);
  };
  dialog.replaceChildren(
    h(
      "form",
      { onsubmit: submit },
      h("h3", { id: "dialog-title" }, title),
      h("div", { class: "fields" }, labels),
      problem,
      h(
        "p",
        { class: "actions" },
        h("button", { type: "submit", class: "primary" }, t("save")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")),
      ),
    ),
  );
  dialog.showModal();
}

/** A new appid. It is only proposed. */
function newAppid() {
  const digits = crypto.getRandomValues(new Uint8Array(8));
  return `wx${[...digits].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const APPID_FIELD = { name: "appid", label: "appid", required: true, pattern: "wx[0-9a-f]{16}" };

function editAccount(item) {
  const limits = item?.limits ?? { same_subject: 10, different_subject: 3, monthly: 13 };
  const number = { type: "number", min: 0, max: 4294967295, required: true };
  openDialog(
    t(item ? "change_account" : "add_account"),
    [
      { ...APPID_FIELD, value: item?.appid ?? newAppid(), readonly: item !== undefined },
      { name: "nickname", label: "name", value: item?.nickname ?? "", required: true },
      {
        name: "subject",
        label: "subject",
        value: item?.subject ?? "示例科技有限公司",
        required: true,
      },
      { name: "same_subject", label: "limit_same_subject", value: limits.same_subject, ...number },
      {
        name: "different_subject",
        label: "limit_different_subject",
        value: limits.different_subject,
        ...number,
      },
      { name: "monthly", label: "limit_monthly", value: limits.monthly, ...number },
      { name: "requested", label: "requested", value: item?.used.monthly ?? 0, ...number },
    ],
    async (values) => {
      const document = {
        nickname: values.nickname,
        subject: values.subject,
        limits: {
          same_subject: Number(values.same_subject),
          different_subject: Number(values.different_subject),
          monthly: Number(values.monthly),
        },
        linked_this_month: Number(values.requested),
      };
      if (item !== undefined) document.username = item.username;
      await admin("PUT", `accounts/${encodeURIComponent(values.appid)}`, document);
      account = values.appid;
      remember("account", account);
    },
  );
}

function editMiniprogram(item) {
  openDialog(
    t(item ? "change_miniprogram" : "add_miniprogram"),
    [
      { ...APPID_FIELD, value: item?.appid ?? newAppid(), readonly: item !== undefined },
      { name: "nickname", label: "name", value: item?.nickname ?? "", required: true },
      {
        name: "subject",
        label: "subject",
        value: item?.subject ?? "示例科技有限公司",
        required: true,
      },
      {
        name: "refuses",
        label: "refuses",
        value: item?.refuses[0] ?? "",
        options: [
          ["", t("nothing")],
          ...REFUSALS.map((reason) => [reason, t(`refusal_${reason}`)]),
        ],
      },
      { name: "nearby", label: "nearby", type: "checkbox", value: item?.nearby ?? false },
    ],
    async (values) => {
      const document = {
        nickname: values.nickname,
        subject: values.subject,
        nearby: values.nearby,
        refuses: values.refuses === "" ? [] : [values.refuses],
      };
      if (item !== undefined)
        Object.assign(document, { username: item.username, released: item.released });
      await admin("PUT", `miniprograms/${encodeURIComponent(values.appid)}`, document);
    },
  );
}

function addToken(appid) {
  const kinds = TOKEN_KINDS.filter((kind) => kind !== "component");
  openDialog(
    t("add_token"),
    [
      { name: "token", label: "token_text", value: "", required: true },
      {
        name: "kind",
        label: "kind",
        value: "good",
        options: kinds.map((kind) => [kind, t(`kind_${kind}`)]),
      },
      { name: "expires_in", label: "expires_in", type: "number", min: 0, value: "7200" },
    ],
    async ({ token, kind, expires_in }) => {
      const document = { account: appid, kind };
      if (expires_in !== "") document.expires_in = Number(expires_in);
      await admin("PUT", `tokens/${encodeURIComponent(token)}`, document);
    },
  );
}

// --------------------------------------------------------------------------------- view: requests

const ROW_PX = 30;
/** Rows above and below the visible ones. */
const MARGIN_ROWS = 8;
const COLUMNS = ["seq", "time", "endpoint", "account", "effect", "answer", "latency", "fault"];

let filtered = [];
const gridRows = [];
let selectedSeq = 0;
let follows = true;
let isGridScheduled = false;

function searchText(entry) {
  return [
    entry.seq,
    entry.endpoint,
    entry.path,
    entry.account,
    entry.body,
    entry.fault?.name,
    entry.effect?.errcode,
    entry.answered?.status,
    entry.answered?.errcode,
  ]
    .join(" ")
    .toLowerCase();
}

function errcodeOf(entry) {
  return entry.answered?.errcode ?? entry.effect?.errcode ?? 0;
}

const OUTCOMES = {
  "": () => true,
  fault: (entry) => entry.fault !== null,
  refused: (entry) => errcodeOf(entry) !== 0,
  lost: (entry) => entry.processed && entry.answered === null,
  none: (entry) => !entry.processed,
};

let filter = { text: "", endpoint: "", outcome: "" };

function matches(entry) {
  return (
    (filter.endpoint === "" || entry.endpoint === filter.endpoint) &&
    OUTCOMES[filter.outcome](entry) &&
    (filter.text === "" || entry.text.includes(filter.text))
  );
}

function filterAll() {
  filtered = journal.entries.filter(matches);
  scheduleGrid();
}

function changeFilter() {
  filter = {
    text: $("journal-text").value.trim().toLowerCase(),
    endpoint: $("journal-endpoint").value,
    outcome: $("journal-outcome").value,
  };
  filterAll();
}

function showHead() {
  $("grid-head").replaceChildren(
    ...COLUMNS.map((name) =>
      h("div", { role: "columnheader", class: `cell ${name}` }, t(`col_${name}`)),
    ),
  );
}

function scheduleGrid() {
  if (isGridScheduled || view !== "journal") return;
  isGridScheduled = true;
  requestAnimationFrame(() => {
    isGridScheduled = false;
    showGrid();
  });
}

/** Shows the visible rows. There are only as many elements as fit, which are used again. */
function showGrid() {
  const grid = $("grid");
  const body = $("grid-body");
  body.style.height = `${filtered.length * ROW_PX}px`;
  if (follows) grid.scrollTop = grid.scrollHeight;
  const first = Math.max(0, Math.floor(grid.scrollTop / ROW_PX) - MARGIN_ROWS);
  const count = Math.min(
    filtered.length - first,
    Math.ceil(grid.clientHeight / ROW_PX) + 2 * MARGIN_ROWS,
  );
  while (gridRows.length < count) {
    const row = newRow();
    gridRows.push(row);
    body.append(row.element);
  }
  for (const [index, row] of gridRows.entries()) {
    if (index < count) showRow(row, first + index);
    else row.element.hidden = true;
  }
  grid.setAttribute("aria-rowcount", filtered.length + 1);
  const isShown =
    filtered.some((entry) => entry.seq === selectedSeq) && $(`row-${selectedSeq}`) !== null;
  if (isShown) grid.setAttribute("aria-activedescendant", `row-${selectedSeq}`);
  else grid.removeAttribute("aria-activedescendant");
  $("journal-count").textContent = t("count", filtered.length, journal.entries.length);
  $("journal-missed").hidden = journal.missed === 0;
  $("journal-missed").textContent = journal.missed === 0 ? "" : t("missed", journal.missed);
}

function newRow() {
  const cells = COLUMNS.map((name) => h("div", { role: "gridcell", class: `cell ${name}` }));
  const row = { cells, entry: null };
  row.element = h(
    "div",
    { role: "row", class: "row", onclick: () => selectEntry(row.entry) },
    cells,
  );
  return row;
}

function showRow(row, index) {
  const entry = filtered[index];
  const { element, cells } = row;
  row.entry = entry;
  element.hidden = false;
  element.id = `row-${entry.seq}`;
  element.style.transform = `translateY(${index * ROW_PX}px)`;
  element.setAttribute("aria-rowindex", index + 2);
  element.setAttribute("aria-selected", String(entry.seq === selectedSeq));
  const refused = errcodeOf(entry) !== 0;
  const isLost = entry.processed && entry.answered === null;
  const kind = entry.fault !== null || isLost ? "fault" : refused ? "refused" : "";
  element.className = `row ${kind}`;
  const values = [
    entry.seq,
    timeOf(entry.at_ms),
    entry.endpoint,
    entry.account ?? "–",
    effectText(entry),
    answerText(entry),
    latencyOf(entry.latency_us),
    entry.fault?.name ?? "",
  ];
  for (const [place, value] of values.entries()) {
    const text = String(value);
    if (cells[place].textContent !== text) cells[place].textContent = text;
  }
}

function effectText(entry) {
  if (!entry.processed) return t("no_effect");
  const late = entry.effect.at_ms - entry.at_ms;
  const delay = late > 0 ? ` +${latencyOf(late * 1000)}` : "";
  return `✓ ${entry.effect.errcode ?? ""}${delay}`;
}

function answerText(entry) {
  const { answered } = entry;
  if (answered === null) return `✕ ${t("no_answer")}`;
  return answered.errcode === null ? `HTTP ${answered.status}` : `errcode ${answered.errcode}`;
}

function selectEntry(entry) {
  selectedSeq = entry?.seq ?? 0;
  scheduleGrid();
  showEntry();
}

function gridKey(event) {
  const grid = $("grid");
  const page = Math.max(1, Math.floor(grid.clientHeight / ROW_PX) - 2);
  const steps = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -Infinity,
    End: Infinity,
  };
  if (event.key === "Escape") return selectEntry(null);
  if (!(event.key in steps) || filtered.length === 0) return undefined;
  event.preventDefault();
  const now = filtered.findIndex((entry) => entry.seq === selectedSeq);
  const base = now < 0 ? (steps[event.key] > 0 ? -1 : filtered.length) : now;
  const index = Math.min(filtered.length - 1, Math.max(0, base + steps[event.key]));
  const top = index * ROW_PX;
  const height = grid.clientHeight - ROW_PX;
  follows = false;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + ROW_PX > grid.scrollTop + height) grid.scrollTop = top + ROW_PX - height;
  return selectEntry(filtered[index]);
}

/** Shows the chosen request with its headers and body, which events do not have. */
async function showEntry() {
  const aside = $("entry");
  const seq = selectedSeq;
  if (seq === 0) {
    aside.hidden = true;
    return;
  }
  const close = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: () => {
        selectEntry(null);
        $("grid").focus();
      },
    },
    t("close"),
  );
  let entry;
  try {
    entry = await admin("GET", `journal/${seq}`);
  } catch {
    entry = null;
  }
  // Another one may have been chosen meanwhile.
  if (seq !== selectedSeq) return;
  aside.hidden = false;
  const title = h("div", { class: "bar" }, h("h3", null, `${t("request")} ${seq}`), close);
  if (entry === null) {
    aside.replaceChildren(title, h("p", { class: "muted" }, t("entry_gone")));
    return;
  }
  const command = curlOf(entry);
  const shown = h(
    "pre",
    { tabindex: 0, role: "region", "aria-label": "curl", id: "curl" },
    command,
  );
  const copy = h(
    "button",
    { type: "button", onclick: () => copyText(copy, shown, command) },
    t("copy"),
  );
  const pre = (key, text) => [
    h("h4", null, t(key)),
    h("pre", { tabindex: 0, role: "region", "aria-label": t(key) }, text),
  ];
  aside.replaceChildren(
    title,
    h("p", null, h("code", null, `${entry.method} ${maskedTarget(entry)}`)),
    h(
      "dl",
      null,
      h("dt", null, t("col_account")),
      h("dd", null, entry.account ?? "–"),
      h("dt", null, t("col_effect")),
      h("dd", null, effectText(entry)),
      h("dt", null, t("col_answer")),
      h("dd", null, answerText(entry)),
      h("dt", null, t("col_latency")),
      h("dd", null, latencyOf(entry.latency_us)),
      h("dt", null, t("col_fault")),
      h("dd", null, entry.fault === null ? "–" : `${entry.fault.name} (${entry.fault.id})`),
    ),
    ...pre("body", bodyText(entry) || t("no_body")),
    ...pre(
      "headers",
      Object.entries(entry.headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n"),
    ),
    h("div", { class: "bar" }, h("h4", null, "curl"), copy),
    shown,
  );
}

function bodyText(entry) {
  const text = entry.body ?? entry.body_base64 ?? "";
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

const TOKEN_PARAMETER = /(access_token=)[^&]*/g;

/** The target of a request. The journal has access tokens, which the panel does not show. */
function maskedTarget(entry) {
  const query = entry.query.replace(TOKEN_PARAMETER, "$1MASKED");
  return query === "" ? entry.path : `${entry.path}?${query}`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The request as a command. The shell's variable ACCESS_TOKEN stands for the token. */
function curlOf(entry) {
  const url = quoted(location.origin + maskedTarget(entry))
    .replaceAll("access_token=MASKED", "access_token='\"$ACCESS_TOKEN\"'")
    .replace(/"''$/, '"');
  const parts = ["curl", url];
  if (entry.method !== (entry.body_bytes > 0 ? "POST" : "GET"))
    parts.push("-X", quoted(entry.method));
  const type = entry.headers["content-type"];
  if (type !== undefined) parts.push("-H", quoted(`Content-Type: ${type}`));
  if (entry.body_bytes > 0) parts.push("--data-binary", quoted(entry.body ?? ""));
  return parts.join(" ");
}

async function copyText(button, shown, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = t("copied");
  } catch {
    // Browsers allow it only on secure pages: the text is selected instead.
    getSelection().selectAllChildren(shown);
    button.textContent = t("select_all");
  }
}

// ----------------------------------------------------------------------- view: faults and clock

async function loadFaults() {
  const [{ faults }, policy] = await Promise.all([admin("GET", "faults"), admin("GET", "policy")]);
  showOne($("faults-table"), faults, faultsTable);
  showPolicy(policy);
}

function faultsTable(faults) {
  if (faults.length === 0) return h("p", { class: "muted" }, t("no_faults"));
  const rows = faults.map(({ id, hits, left, rule }) => {
    const { fault, endpoint, ...rest } = rule;
    const text =
      JSON.stringify(fault) + (Object.keys(rest).length > 0 ? ` ${JSON.stringify(rest)}` : "");
    return h(
      "tr",
      { class: left === 0 ? "over" : "" },
      h("td", null, id),
      h("td", null, endpoint === "*" ? t("every_request") : h("code", null, endpoint)),
      h("td", null, h("code", null, text.length > 160 ? `${text.slice(0, 160)}…` : text)),
      h("td", { class: "number" }, hits),
      h("td", { class: "number" }, left ?? t("no_limit")),
      h(
        "td",
        null,
        h(
          "button",
          {
            type: "button",
            class: "quiet",
            "aria-label": t("remove_fault", id),
            onclick: () => act(() => admin("DELETE", `faults/${id}`)),
          },
          t("remove"),
        ),
      ),
    );
  });
  return scrollable(
    "faults",
    h(
      "table",
      null,
      headings("col_seq", "fault_endpoint", "fault_kind", "hits", "left", ""),
      h("tbody", null, rows),
    ),
  );
}

function showFaultForm() {
  const kind = $("fault-kind").value;
  $("fault-code-label").hidden = kind !== "errcode";
  $("fault-json").value = JSON.stringify(
    kind === "errcode" ? { errcode: { code: Number($("fault-code").value) } } : FAULTS[kind],
  );
  if (kind === "list_lag_ms") $("fault-endpoint").value = "get";
  showFaultTime();
}

function showFaultTime() {
  $("fault-late-label").hidden = $("fault-when").value !== "late";
}

async function setFault(event) {
  event.preventDefault();
  await act(async () => {
    const rule = { endpoint: $("fault-endpoint").value, fault: JSON.parse($("fault-json").value) };
    const when = $("fault-when").value;
    if (when === "late") rule.effect_after_ms = Number($("fault-late").value);
    else if (when !== "") rule.when = when;
    const often = $("fault-often").value;
    if (often === "always") rule.always = true;
    else if (often === "half") rule.probability = 0.5;
    else if (often !== "1") rule.times = Number(often);
    await admin("POST", "faults", rule);
  });
}

let shownPolicy = "";

/** Shows the policy, unless it is what was shown before and a person may be changing it. */
function showPolicy(policy) {
  const content = language + JSON.stringify(policy);
  if (content === shownPolicy) return;
  shownPolicy = content;
  for (const name of ["official_account", "mini_program", "unlink"]) {
    const { when, decision } = policy[name];
    const options = [];
    for (const choice of [...POLICIES, when]) {
      for (const made of ["agree", "refuse", "vanish"]) {
        if (choice === "manual" && made !== "agree") continue;
        const value = JSON.stringify({ when: choice, decision: made });
        if (options.some(([known]) => known === value)) continue;
        options.push([
          value,
          choice === "manual" ? policyText(choice) : `${policyText(choice)} → ${t(made)}`,
        ]);
      }
    }
    const select = $(`policy-${name}`);
    fill(select, options);
    select.value = JSON.stringify(
      when === "manual" ? { when, decision: "agree" } : { when, decision },
    );
  }
  savedPolicy = policy;
}

let savedPolicy = {};

function savePolicy(event) {
  event.preventDefault();
  const policy = { ...savedPolicy };
  for (const name of ["official_account", "mini_program", "unlink"]) {
    policy[name] = JSON.parse($(`policy-${name}`).value);
  }
  return act(() => admin("PUT", "policy", policy));
}

async function loadWorld(event) {
  const [file] = event.target.files;
  if (file === undefined) return;
  await act(async () => admin("POST", "reset", await file.text()));
  event.target.value = "";
}

function confirmReset() {
  const dialog = $("dialog");
  dialog.replaceChildren(
    h(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          dialog.close();
          act(() => admin("POST", "reset"));
        },
      },
      h("h3", { id: "dialog-title" }, t("reset")),
      h("p", null, t("reset_confirm")),
      h(
        "p",
        { class: "actions" },
        h("button", { type: "submit", class: "danger" }, t("reset")),
        h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")),
      ),
    ),
  );
  dialog.showModal();
}

// --------------------------------------------------------------------------------- view: sequence

const LANES = ["caller", "wechat", "official_account", "mini_program"];
const STEP_PX = 34;
const HEAD_PX = 56;
const WIDE = { lane: 230, left: 190 };
const NARROW = { lane: 160, left: 130 };
/** How far from its end an arrow is cut that does not arrive. */
const CUT_PX = 24;
/** Up to this width, in pixels, the picture is drawn narrow; as in the style sheet. */
const NARROW_UP_TO = 760;
/** How many steps are drawn; the last ones. */
const MAX_STEPS = 200;

async function loadSequence() {
  await loadAccountChoice();
  if (account === "") return;
  const [{ messages }, { miniprograms }] = await Promise.all([
    admin("GET", `messages?account=${account}`),
    admin("GET", "miniprograms"),
  ]);
  const names = new Map(miniprograms.map(({ appid, nickname }) => [appid, nickname]));
  const appids = new Set(messages.map(({ miniprogram }) => miniprogram.appid));
  for (const entry of journal.entries) {
    if (entry.account === account && appidOf(entry) !== "") appids.add(appidOf(entry));
  }
  const select = $("sequence-appid");
  fill(
    select,
    [...appids].sort().map((appid) => [appid, `${names.get(appid) ?? "–"} · ${appid}`]),
  );
  const appid = select.value;
  showOne($("picture"), { appid, steps: stepsOf(appid, messages) }, ({ steps }) =>
    picture(appid, steps),
  );
}

/** The mini program that a request names. */
function appidOf(entry) {
  if (entry.appid === undefined) {
    entry.appid = "";
    if (entry.endpoint === "link" || entry.endpoint === "unlink") {
      try {
        const { appid } = JSON.parse(entry.body);
        if (typeof appid === "string") entry.appid = appid;
      } catch {
        // A body that is not JSON names no mini program.
      }
    }
  }
  return entry.appid;
}

/** What happened with a link, in order: calls, late effects, questions and decisions. */
function stepsOf(appid, messages) {
  const steps = [];
  let isStarted = false;
  for (const entry of journal.entries) {
    const isRead = entry.endpoint === "get" && isStarted;
    if (entry.account !== account || !(appidOf(entry) === appid || isRead)) continue;
    isStarted = true;
    steps.push({ at: entry.at_ms, rank: entry.seq, kind: "call", entry });
    if (entry.effect !== null && entry.effect.at_ms > entry.at_ms) {
      steps.push({ at: entry.effect.at_ms, rank: entry.seq, kind: "effect", entry });
    }
  }
  // Messages follow the calls of the same time, each question before its decision.
  const own = messages.filter(({ miniprogram }) => miniprogram.appid === appid).reverse();
  own.sort((a, b) => a.sent_ms - b.sent_ms);
  own.forEach((message, index) => {
    const rank = 1e12 + 2 * index;
    steps.push({ at: message.sent_ms, rank, kind: "ask", message });
    if (message.decision !== null) {
      steps.push({ at: message.decided_ms, rank: rank + 1, kind: "decision", message });
    }
  });
  steps.sort((a, b) => a.at - b.at || a.rank - b.rank);
  return joinReads(steps).slice(-MAX_STEPS);
}

/** Joins reads of the list that follow each other without a fault. */
function joinReads(steps) {
  const joined = [];
  for (const step of steps) {
    const last = joined.at(-1);
    const isRead =
      step.kind === "call" && step.entry.endpoint === "get" && step.entry.fault === null;
    if (isRead && last?.reads > 0 && errcodeOf(last.entry) === errcodeOf(step.entry))
      last.reads += 1;
    else joined.push({ ...step, reads: isRead ? 1 : 0 });
  }
  return joined;
}

/** The arrows of a step: between which lanes, with which text. */
function arrowsOf(step) {
  const { entry, message } = step;
  if (step.kind === "call") {
    const name = t(`step_${entry.endpoint}`) + (step.reads > 1 ? ` × ${step.reads}` : "");
    const fault = entry.fault === null ? "" : ` ⚡ ${entry.fault.name}`;
    const answer =
      entry.answered === null
        ? `${t("no_answer")}${fault}`
        : `${answerText(entry)} · ${latencyOf(entry.latency_us)}${fault}`;
    const kind =
      entry.fault !== null || entry.answered === null
        ? "lost"
        : errcodeOf(entry) === 0
          ? "ok"
          : "no";
    return [
      { from: 0, to: 1, text: name, kind: "call" },
      { from: 1, to: 0, text: answer, kind, isCut: entry.answered === null },
    ];
  }
  if (step.kind === "effect") {
    const late = t("late_effect", latencyOf((entry.effect.at_ms - entry.at_ms) * 1000));
    return [
      { from: 1, to: 1, text: t("step_effect", entry.effect.errcode ?? "–", late), kind: "late" },
    ];
  }
  const lane = LANES.indexOf(message.to);
  if (step.kind === "ask")
    return [{ from: 1, to: lane, text: t(`step_ask_${message.asks}`), kind: "ask" }];
  const text = t(`decided_${message.decision}`) + (message.automatic ? ` (${t("by_policy")})` : "");
  const kind = message.decision === "agree" ? "ok" : "no";
  return [{ from: lane, to: 1, text, kind, isCut: message.decision === "vanish" }];
}

function picture(appid, steps) {
  if (steps.length === 0) return h("p", { class: "muted" }, t("no_sequence"));
  const arrows = steps.flatMap((step) =>
    arrowsOf(step).map((arrow) => ({ ...arrow, at: step.at })),
  );
  const sizes = innerWidth <= NARROW_UP_TO ? NARROW : WIDE;
  const width = sizes.left + 3 * sizes.lane + 120;
  const height = HEAD_PX + arrows.length * STEP_PX + 24;
  const x = (lane) => sizes.left + lane * sizes.lane;
  const label = t("picture_of", appid, account);
  const drawing = svg("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": label,
  });
  LANES.forEach((name, lane) => {
    drawing.append(
      svg("line", { x1: x(lane), x2: x(lane), y1: HEAD_PX - 16, y2: height - 8, class: "lane" }),
      svg("text", { x: x(lane), y: 26, class: "who" }, t(`who_${name}`)),
    );
  });
  arrows.forEach((arrow, index) =>
    drawing.append(
      ...drawArrow(
        arrow,
        HEAD_PX + (index + 0.7) * STEP_PX,
        x,
        arrows[index - 1]?.at,
        arrows[0].at,
      ),
    ),
  );
  const list = h(
    "ol",
    null,
    arrows.map(({ from, to, text, at }) =>
      h("li", null, `${timeOf(at)} ${t(`who_${LANES[from]}`)} → ${t(`who_${LANES[to]}`)}: ${text}`),
    ),
  );
  return h(
    "div",
    null,
    h(
      "div",
      { class: "drawing", tabindex: 0, role: "region", "aria-label": t("view_sequence") },
      drawing,
    ),
    h("details", null, h("summary", null, t("steps")), list),
  );
}

function drawArrow({ from, to, text, kind, isCut, at }, y, x, before, first) {
  const parts = [];
  if (at !== before) {
    const since = at - first;
    parts.push(
      svg(
        "text",
        { x: 8, y: y + 4, class: "when" },
        since === 0 ? timeOf(at) : `+ ${latencyOf(since * 1000)}`,
      ),
    );
  }
  if (from === to) {
    parts.push(
      svg("circle", { cx: x(from), cy: y, r: 5, class: `dot ${kind}` }),
      svg("text", { x: x(from) + 12, y: y + 4, class: `label start ${kind}` }, text),
    );
    return parts;
  }
  const direction = Math.sign(to - from);
  const tail = x(from) + direction * 4;
  const end = x(to) - direction * (isCut ? CUT_PX : 4);
  parts.push(svg("line", { x1: tail, x2: end, y1: y, y2: y, class: `arrow ${kind}` }));
  if (isCut) {
    parts.push(
      svg("path", { d: `M${end - 5},${y - 5}l10,10m0,-10l-10,10`, class: `arrow cross ${kind}` }),
    );
  } else {
    parts.push(svg("path", { d: `M${end},${y}l${-direction * 8},-4v8z`, class: `head ${kind}` }));
  }
  // The text stands beside the lane of WeChat, and so over one arrow only.
  const near = (x(1) + x(Math.max(from, to) === 1 ? 0 : 2)) / 2;
  parts.push(svg("text", { x: near, y: y - 6, class: `label ${kind}` }, text));
  return parts;
}

// ------------------------------------------------------------------------------------------ start

function start() {
  fillChoices();
  $("errcodes").replaceChildren(...ERRCODES.map((value) => h("option", { value })));
  $("language").addEventListener("click", () => {
    language = language === "zh" ? "en" : "zh";
    remember("language", language);
    showLanguage();
    refresh().catch(fail);
  });
  $("theme").addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme;
    remember("theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    showTheme();
  });
  for (const select of document.querySelectorAll("select.account")) {
    select.addEventListener("change", () => chooseAccount(select.value));
  }
  $("call").addEventListener("submit", sendCall);
  $("call-endpoint").addEventListener("change", showCallForm);
  $("add-account").addEventListener("click", () => editAccount());
  $("add-miniprogram").addEventListener("click", () => editMiniprogram());
  for (const id of ["accounts-search", "miniprograms-search"])
    $(id).addEventListener("input", scheduleRefresh);
  $("journal-text").addEventListener("input", changeFilter);
  $("journal-endpoint").addEventListener("change", changeFilter);
  $("journal-outcome").addEventListener("change", changeFilter);
  $("journal-clear").addEventListener("click", () => act(() => admin("DELETE", "journal")));
  $("grid").addEventListener("keydown", gridKey);
  $("grid").addEventListener(
    "scroll",
    () => {
      const grid = $("grid");
      follows = grid.scrollTop + grid.clientHeight >= grid.scrollHeight - ROW_PX;
      scheduleGrid();
    },
    { passive: true },
  );
  $("fault").addEventListener("submit", setFault);
  $("fault-kind").addEventListener("change", showFaultForm);
  $("fault-code").addEventListener("input", showFaultForm);
  $("fault-when").addEventListener("change", showFaultTime);
  $("faults-clear").addEventListener("click", () => act(() => admin("DELETE", "faults")));
  $("clock-form").addEventListener("submit", (event) => {
    event.preventDefault();
    act(() => admin("POST", "clock", { advance_s: Number($("clock-seconds").value) }));
  });
  $("policy").addEventListener("submit", savePolicy);
  $("world-file").addEventListener("change", loadWorld);
  $("reset").addEventListener("click", confirmReset);
  $("sequence-appid").addEventListener("change", () => refresh().catch(fail));
  addEventListener("hashchange", openView);
  addEventListener("resize", scheduleGrid);
  setInterval(showClock, 1000);
  showFaultForm();
  showCallForm();
  showLanguage();
  connect();
  openView();
}

start();
