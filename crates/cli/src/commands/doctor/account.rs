//! The checks that need a call with the account's own token: whether WeChat grants access.

use wxlink::errcode::refuses_address;
use wxlink::{Error, Status};

use super::check::{CheckResult, Doctor};
use crate::error::CommandError;
use crate::exit::ExitCode;

const TOKEN_SOURCE: &str = "token_source";
const TOKEN: &str = "token";
const WHITELIST: &str = "whitelist";
const AUTHORISED: &str = "authorised";
const PERMISSION: &str = "permission_33";
const LIST: &str = "list";

/// The checks in the order in which WeChat makes them.
const CHECKS: [&str; 6] = [TOKEN_SOURCE, TOKEN, WHITELIST, AUTHORISED, PERMISSION, LIST];

impl Doctor<'_> {
    /// Reads the account's list, if WeChat can be reached. The result decides all of these checks.
    pub fn check_account(&mut self, is_reachable: bool) -> Result<(), CommandError> {
        let settings = &self.context.settings;
        let Some(source) = settings.token_source() else {
            let advice = settings.no_token_source().get(self.context.out.lang());
            let result = CheckResult::Problem {
                exit_code: ExitCode::NoAccess,
                found: self.text("none", "无"),
                advice: advice.to_owned(),
            };
            self.report(TOKEN_SOURCE, result);
            self.skip(&CHECKS[1..]);
            return Ok(());
        };
        if !is_reachable {
            self.skip(&CHECKS);
            return Ok(());
        }
        let source = format!("{} ({})", source.key, source.source);
        match self.context.client()?.get_linked(None) {
            Ok(list) => {
                self.report(TOKEN_SOURCE, CheckResult::Ok { found: source });
                for check in [TOKEN, WHITELIST, AUTHORISED, PERMISSION] {
                    let found = self.text("accepted by WeChat", "微信已接受");
                    self.report(check, CheckResult::Ok { found });
                }
                let items = self.text("mini programs", "个小程序");
                let found = format!("{} {items}", list.len());
                self.report(LIST, CheckResult::Ok { found });
            }
            Err(error) => self.report_refusal(source, &error),
        }
        Ok(())
    }

    /// Reports the failed check as a problem. The state of the checks after it is unknown.
    fn report_refusal(&mut self, source: String, error: &Error) {
        let failed = failed_check(error);
        for check in CHECKS {
            if check == failed {
                let exit_code = match check {
                    // Even if the cause is an invalid option, the result is that access fails.
                    TOKEN_SOURCE => ExitCode::from(error).max(ExitCode::NoAccess),
                    _ => ExitCode::from(error),
                };
                let result = CheckResult::Problem {
                    exit_code,
                    found: message_with_address(error),
                    advice: self.advice(check),
                };
                self.report(check, result);
            } else if check == TOKEN_SOURCE {
                let found = source.clone();
                self.report(check, CheckResult::Ok { found });
            } else {
                self.skip(&[check]);
            }
        }
    }

    fn skip(&mut self, checks: &[&str]) {
        for check in checks {
            let reason = self.text("an earlier check failed", "前面的检查未通过");
            self.report(check, CheckResult::Skipped { reason });
        }
    }

    /// What to do besides what the errcode's remedy says.
    fn advice(&self, check: &str) -> String {
        match check {
            WHITELIST => self.text(
                "If requests leave through several addresses, add all of them to the whitelist.",
                "若有多个出口地址，请全部加入白名单。",
            ),
            _ => String::new(),
        }
    }
}

/// The check that fails with this error.
fn failed_check(error: &Error) -> &'static str {
    match (error.status(), error.errcode()) {
        // Also if it was a platform's call for a token.
        (_, Some(code)) if refuses_address(code) => WHITELIST,
        (_, Some(61003 | 61023)) => AUTHORISED,
        (Status::NoToken | Status::BadValue, _) => TOKEN_SOURCE,
        (_, Some(61007)) => PERMISSION,
        (_, Some(_)) if ExitCode::from(error) == ExitCode::NoAccess => TOKEN,
        _ => LIST,
    }
}

/// The message, which contains the IP address that WeChat saw. If none was recognised in WeChat's
/// errmsg, the errmsg is added.
fn message_with_address(error: &Error) -> String {
    if error.request_ip().is_empty() && error.errcode().is_some_and(refuses_address) {
        format!("{} [{}]", error.message(), error.errmsg())
    } else {
        error.message()
    }
}
