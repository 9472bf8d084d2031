//! The routes of the admin interface.

use crate::admin::error::AdminError;
use crate::admin::request::{AdminRequest, AdminResult};
use crate::admin::{
    accounts, approvals, authorizations, calls, credentials, faults, journal, messages, pushes,
    world,
};
use crate::model::message::message;
use crate::simulator::Simulator;
use crate::wechat::query::percent_decoded;

/// The path under which the routes are.
const ROOT: &str = "/__sandbox";

/// A method, a path and what handles them.
struct Route {
    method: &'static str,
    /// The path after [`ROOT`]: one segment, or two of which the second may be a `{parameter}`.
    path: &'static str,
    handler: fn(AdminRequest) -> AdminResult,
}

const fn route(
    method: &'static str,
    path: &'static str,
    handler: fn(AdminRequest) -> AdminResult,
) -> Route {
    Route {
        method,
        path,
        handler,
    }
}

const ROUTES: &[Route] = &[
    route("GET", "state", world::show),
    route("GET", "world", world::save),
    route("POST", "reset", world::reset),
    route("GET", "accounts", accounts::list),
    route("GET", "accounts/{appid}", accounts::show),
    route("PUT", "accounts/{appid}", world::put_account),
    route("GET", "miniprograms", accounts::list_miniprograms),
    route("PUT", "miniprograms/{appid}", world::put_miniprogram),
    route("PUT", "tokens/{token}", credentials::put_token),
    route("POST", "tokens/revoke", credentials::revoke_tokens),
    route("GET", "component", credentials::show_component),
    route("PUT", "component", credentials::put_component),
    route("POST", "component/ticket", credentials::push_ticket),
    route("GET", "component/push", pushes::show_settings),
    route("PUT", "component/push", pushes::put_settings),
    route("DELETE", "component/push", pushes::delete_settings),
    route("GET", "pushes", pushes::show),
    route("POST", "pushes", pushes::send),
    route("DELETE", "pushes", pushes::clear),
    route("POST", "authorizations", authorizations::authorize),
    route("GET", "authorizers/{appid}", credentials::show_authorizer),
    route("PUT", "authorizers/{appid}", credentials::put_authorizer),
    route(
        "DELETE",
        "authorizers/{appid}",
        credentials::delete_authorizer,
    ),
    route("GET", "refreshes", credentials::show_refreshes),
    route("DELETE", "refreshes", credentials::reset_refreshes),
    route("GET", "policy", world::show_policy),
    route("PUT", "policy", world::put_policy),
    route("GET", "messages", messages::show),
    route("POST", "approvals", approvals::decide),
    route("POST", "console_link", approvals::request_console_link),
    route("POST", "calls", calls::make),
    route("POST", "faults", faults::add),
    route("GET", "faults", faults::show),
    route("DELETE", "faults", faults::clear),
    route("DELETE", "faults/{id}", faults::remove),
    route("POST", "clock", world::advance_clock),
    route("GET", "journal", journal::show),
    route("DELETE", "journal", journal::clear),
    route("GET", "journal/counts", journal::show_counts),
    route("GET", "journal/{seq}", journal::show_entry),
];

impl Route {
    fn first_segment(&self) -> &'static str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The parameter, or an empty text if the route has none. `None`: the path does not match.
    fn parameter<'a>(&self, first: &str, rest: &'a str) -> Option<&'a str> {
        let (own_first, own_rest) = self.path.split_once('/').unwrap_or((self.path, ""));
        if own_first != first {
            return None;
        }
        if own_rest.starts_with('{') {
            Some(rest).filter(|rest| !rest.is_empty())
        } else {
            (own_rest == rest).then_some("")
        }
    }
}

/// Whether a path belongs to the admin interface.
pub(crate) fn is_admin_path(path: &str) -> bool {
    path.strip_prefix(ROOT)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Carries out an admin request. `path` may leave out the root.
pub(crate) fn handle(
    simulator: &Simulator,
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
) -> AdminResult {
    let path = path.strip_prefix(ROOT).unwrap_or(path).trim_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let rest = &*percent_decoded(rest);
    let found = ROUTES
        .iter()
        .filter(|route| route.method == method)
        .find_map(|route| Some((route.handler, route.parameter(first, rest)?)));
    let mut state = simulator.state();
    let result = match found {
        Some((handler, parameter)) => handler(AdminRequest {
            simulator,
            state: &mut state,
            parameter,
            query,
            body,
        }),
        None => Err(no_route(method, path)),
    };
    // Many requests make a push due.
    simulator.wake_pushes();
    if method != "GET" && result.is_ok() {
        simulator.changed(&mut state);
    }
    result.map_err(|error| error.masked(&state.wechat.secrets))
}

/// The error lists the routes with the same first segment, or all.
fn no_route(method: &str, path: &str) -> AdminError {
    let first = path.split('/').next().unwrap_or_default();
    // A token in the path may be a real one and is not shown.
    let path = match path {
        "tokens" | "tokens/revoke" => path,
        _ if first == "tokens" => "tokens/{token}",
        _ => path,
    };
    let similar: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.first_segment() == first)
        .collect();
    let has_method = similar.iter().any(|route| route.method == method);
    let (status, routes) = match similar.as_slice() {
        [] => (404, ROUTES.iter().collect()),
        _ if has_method => (404, similar),
        _ => (405, similar),
    };
    let routes: Vec<_> = routes
        .iter()
        .map(|route| format!("{} {ROOT}/{}", route.method, route.path))
        .collect();
    let routes = routes.join(", ");
    AdminError::new(
        status,
        message!(
            "unknown route {method} {ROOT}/{path}. Use one of: {routes}",
            "没有 {method} {ROOT}/{path}。请使用：{routes}"
        ),
    )
}
