//! The admin interface under `/__sandbox/`: JSON in, JSON out, the same over HTTP and in process.

mod access;

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::faults::FaultRule;
use crate::journal::Journal;
use crate::policy::{Decision, Policy};
use crate::registry::Registry;
use crate::secrets::Secrets;
use crate::state::{Shared, State};
use crate::wechat::percent_decoded;
use crate::world::{Account, LinkEntry, LinkState, MiniProgram, World, check_appid};

const ROOT: &str = "/__sandbox";

/// Why an admin request was not carried out, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminError {
    status: u16,
    message: String,
}

impl AdminError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// The same without the secrets that it may quote from the request.
    fn without(self, secrets: &Secrets) -> Self {
        Self {
            message: secrets.mask_values(&self.message),
            ..self
        }
    }

    /// The HTTP status it is reported with.
    pub fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn body(&self) -> bytes::Bytes {
        json!({ "error": self.message }).to_string().into()
    }
}

impl fmt::Display for AdminError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for AdminError {}

/// Whether a path is the admin interface's.
pub(crate) fn owns(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What there is, for those who ask for something else.
const DOORS: &[(&str, &str)] = &[
    ("GET", "state"),
    ("POST", "reset"),
    ("PUT", "accounts/{appid}"),
    ("PUT", "miniprograms/{appid}"),
    ("PUT", "tokens/{token}"),
    ("POST", "tokens/revoke"),
    ("GET", "component"),
    ("PUT", "component"),
    ("POST", "component/ticket"),
    ("GET", "authorizers/{appid}"),
    ("PUT", "authorizers/{appid}"),
    ("DELETE", "authorizers/{appid}"),
    ("GET", "refreshes"),
    ("DELETE", "refreshes"),
    ("PUT", "policy"),
    ("POST", "approvals"),
    ("POST", "console_link"),
    ("POST", "faults"),
    ("GET", "faults"),
    ("DELETE", "faults"),
    ("POST", "clock"),
    ("GET", "journal"),
    ("DELETE", "journal"),
    ("GET", "journal/counts"),
];

/// Carries out one admin request and returns its JSON.
pub(crate) fn handle(
    shared: &Shared,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Vec<u8>, AdminError> {
    let name = path.strip_prefix(ROOT).unwrap_or(path).trim_matches('/');
    let (first, rest) = name.split_once('/').unwrap_or((name, ""));
    let rest = &*percent_decoded(rest);
    let mut guard = shared.state();
    let state = &mut *guard;
    let answer = match (method, first, rest) {
        ("GET", "state", "") => show_state(state),
        ("POST", "reset", "") => reset(state, body).inspect(|_| shared.faults_changed(state)),
        ("PUT", "accounts", appid) if !appid.is_empty() => add_account(state, appid, body),
        ("PUT", "miniprograms", appid) if !appid.is_empty() => put_miniprogram(state, appid, body),
        (_, "tokens" | "component" | "authorizers" | "refreshes", _) => {
            access::handle(state, method, first, rest, body)
                .unwrap_or_else(|| Err(no_such_door(method, name)))
        }
        ("PUT", "policy", "") => put_policy(state, body),
        ("POST", "approvals", "") => approve(state, body),
        ("POST", "console_link", "") => console_link(state, body),
        ("POST", "faults", "") => add_fault(state, body).inspect(|_| shared.faults_changed(state)),
        ("GET", "faults", "") => Ok(show_faults(state)),
        ("DELETE", "faults", "") => {
            let removed = state.faults.clear();
            shared.faults_changed(state);
            Ok(json!({ "removed": removed }))
        }
        ("POST", "clock", "") => advance(state, body),
        ("GET", "journal", "") => return show_journal(state, query),
        ("DELETE", "journal", "") => Ok(json!({ "removed": state.journal.clear() })),
        ("GET", "journal", "counts") => Ok(json!({
            "received": state.journal.received,
            "processed": state.journal.processed,
            "connections": shared.connections(),
        })),
        _ => Err(no_such_door(method, name)),
    }
    .map_err(|error| error.without(&state.registry.secrets))?;
    Ok(answer.to_string().into_bytes())
}

fn no_such_door(method: &str, name: &str) -> AdminError {
    let first = name.split('/').next().unwrap_or_default();
    // A token is named by what stands for it: it may be a real one.
    let name = match name {
        "tokens" | "tokens/revoke" => name,
        _ if first == "tokens" => "tokens/{token}",
        _ => name,
    };
    let near: Vec<_> = DOORS
        .iter()
        .filter(|(_, door)| door.split('/').next() == Some(first))
        .collect();
    let (status, doors) = if near.is_empty() {
        (404, DOORS.iter().collect())
    } else if near.iter().any(|(known, _)| *known == method) {
        (404, near)
    } else {
        (405, near)
    };
    let doors: Vec<_> = doors
        .iter()
        .map(|(method, door)| format!("{method} {ROOT}/{door}"))
        .collect();
    AdminError::new(
        status,
        format!(
            "there is no {method} {ROOT}/{name}; there is {}",
            doors.join(", ")
        ),
    )
}

/// Reads a body, naming what is wrong with it.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, AdminError> {
    if body.is_empty() {
        return Err(AdminError::new(
            400,
            "the body is empty: send JSON, see docs/sandbox.md",
        ));
    }
    serde_json::from_slice(body).map_err(|error| {
        let error = without_text(error.to_string());
        AdminError::new(400, format!("the body does not fit: {error}"))
    })
}

/// An error of `serde_json` without the text it may quote, which may be a secret.
pub(crate) fn without_text(error: String) -> String {
    match (error.split_once("string \""), error.rsplit_once("\", ")) {
        (Some((before, _)), Some((_, after))) => format!("{before}string, {after}"),
        _ => error,
    }
}

fn invalid(message: String) -> AdminError {
    AdminError::new(400, message)
}

fn show_state(state: &mut State) -> Result<Value, AdminError> {
    let now_ms = state.clock.now_ms();
    let world = state.registry.snapshot(&state.policy, now_ms);
    Ok(json!({
        "now_ms": now_ms,
        "ahead_s": state.clock.ahead_s(),
        "world": world,
        "policy": state.policy,
        "faults": state.faults.shown().len(),
    }))
}

fn reset(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let given: Option<World> = if body.is_empty() { None } else { read(body)? };
    // Tools that always send a body send an empty object; nobody wants an empty world.
    let given = given.filter(|world| {
        *world != World::default()
            || !read::<Value>(body).is_ok_and(|given| given == Value::Object(Map::new()))
    });
    let (world, policy) = match given {
        Some(world) => {
            world.check().map_err(invalid)?;
            (world, state.initial.1.clone())
        }
        None => state.initial.clone(),
    };
    state.clock = Clock::default();
    state.registry = Registry::new(world, &policy, state.clock.now_ms());
    state.policy = policy;
    state.faults.clear();
    let capacity = state.journal.capacity();
    state.journal = Journal::new(capacity);
    Ok(json!({}))
}

fn add_account(state: &mut State, appid: &str, body: &[u8]) -> Result<Value, AdminError> {
    let account: Account = read(body)?;
    state
        .registry
        .world()
        .check_account(appid, &account)
        .map_err(invalid)?;
    let now_ms = state.clock.now_ms();
    state
        .registry
        .add_account(appid, account, &state.policy, now_ms);
    Ok(json!({}))
}

fn put_miniprogram(state: &mut State, appid: &str, body: &[u8]) -> Result<Value, AdminError> {
    let miniprogram: MiniProgram = read(body)?;
    state
        .registry
        .world()
        .check_miniprogram(appid, &miniprogram)
        .map_err(invalid)?;
    state.registry.put_miniprogram(appid, miniprogram);
    Ok(json!({}))
}

fn put_policy(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let policy: Policy = read(body)?;
    policy.check().map_err(invalid)?;
    state.policy = policy;
    Ok(json!({}))
}

/// Who decides.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    OfficialAccount,
    MiniProgram,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    account: String,
    appid: String,
    by: By,
    decision: Decision,
}

fn approve(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let approval: Approval = read(body)?;
    let now_ms = state.clock.now_ms();
    let (_, links, _) = state
        .registry
        .account(&approval.account)
        .ok_or_else(|| no_account(&approval.account))?;
    links.settle(&state.policy, now_ms);
    let by_mini_program = matches!(approval.by, By::MiniProgram);
    let after = links
        .decide(
            &approval.appid,
            by_mini_program,
            approval.decision,
            &state.policy,
            now_ms,
        )
        .map_err(|message| AdminError::new(409, message))?;
    Ok(json!({ "state": after }))
}

fn no_account(appid: &str) -> AdminError {
    AdminError::new(
        404,
        format!("there is no account {appid:?}: see GET {ROOT}/state for those there are"),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsoleLink {
    account: String,
    appid: String,
}

fn console_link(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let asked: ConsoleLink = read(body)?;
    check_appid(&asked.appid).map_err(invalid)?;
    let now_ms = state.clock.now_ms();
    let (_, links, world) = state
        .registry
        .account(&asked.account)
        .ok_or_else(|| no_account(&asked.account))?;
    if !world.miniprograms.contains_key(&asked.appid) {
        return Err(AdminError::new(
            404,
            format!("there is no mini program {:?}: put it first", asked.appid),
        ));
    }
    links.settle(&state.policy, now_ms);
    let found = links.find(&asked.appid).map(|entry| entry.state);
    if found.is_some_and(|state| state != LinkState::Refused) {
        return Err(AdminError::new(
            409,
            format!("{} is linked or asked for already", asked.appid),
        ));
    }
    // Whoever uses the account's console has the account's consent.
    let entry = LinkEntry {
        appid: asked.appid.clone(),
        state: LinkState::WaitingMiniProgram,
        from_console: true,
        selected: true,
    };
    links.count(now_ms);
    links.ask_to_link(entry, &state.policy, now_ms);
    Ok(json!({ "state": links.find(&asked.appid).map(|entry| entry.state) }))
}

fn add_fault(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let rule: FaultRule = read(body)?;
    rule.check().map_err(invalid)?;
    Ok(json!({ "id": state.faults.add(rule) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: u64,
}

fn advance(state: &mut State, body: &[u8]) -> Result<Value, AdminError> {
    let asked: Advance = read(body)?;
    if !state.clock.advance(asked.advance_s) {
        return Err(invalid(
            "the clock goes at most a hundred years ahead: POST /__sandbox/reset brings it back"
                .to_owned(),
        ));
    }
    Ok(json!({ "now_ms": state.clock.now_ms(), "ahead_s": state.clock.ahead_s() }))
}

/// The rules, without the secrets that an answer of theirs may hold.
fn show_faults(state: &State) -> Value {
    let mut faults = json!({ "faults": state.faults.shown() });
    state.registry.secrets.mask_json(&mut faults);
    faults
}

fn show_journal(state: &State, query: &str) -> Result<Vec<u8>, AdminError> {
    let after = match query {
        "" => 0,
        query => query
            .strip_prefix("after=")
            .and_then(|number| number.parse().ok())
            .filter(|after| *after < u64::MAX)
            .ok_or_else(|| invalid("the journal takes `?after=SEQ` and nothing else".to_owned()))?,
    };
    // The journal may be long: it goes to bytes without a detour.
    serde_json::to_vec(&state.journal.shown(after, &state.registry.secrets))
        .map_err(|error| AdminError::new(500, error.to_string()))
}
