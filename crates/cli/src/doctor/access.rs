//! What only a call with a token of the account shows: whether WeChat lets us.

use wxlink::{Error, Status};
use wxlink_bulk::Verdict;

use super::Doctor;
use super::Found::{Fine, Problem, Skipped};
use crate::failure::Failure;

const SOURCE: &str = "token_source";
const TOKEN: &str = "token";
const WHITELIST: &str = "whitelist";
const AUTHORISED: &str = "authorised";
const PERMISSION: &str = "permission_33";
const LIST: &str = "list";

/// The checks, in the order in which WeChat makes them.
const CHECKS: [&str; 6] = [SOURCE, TOKEN, WHITELIST, AUTHORISED, PERMISSION, LIST];

impl Doctor<'_> {
    /// Reads the account's list, if WeChat can be reached.
    pub(super) fn access(&mut self, reachable: bool) -> Result<(), Failure> {
        let settings = &self.context.settings;
        let Some(source) = settings.token_source() else {
            let advice = settings.no_tokens().to_owned();
            let found = Problem(Verdict::Access, self.told("none", "无"), advice);
            self.found(SOURCE, found);
            self.skip(&CHECKS[1..]);
            return Ok(());
        };
        if !reachable {
            self.skip(&CHECKS);
            return Ok(());
        }
        let source = format!("{} ({})", source.key, source.source);
        match self.context.client()?.get_linked(None) {
            Ok(list) => {
                self.found(SOURCE, Fine(source));
                for check in [TOKEN, WHITELIST, AUTHORISED, PERMISSION] {
                    self.found(check, Fine(self.told("fine", "正常")));
                }
                let items = self.told("in it", "项");
                self.found(LIST, Fine(format!("{} {items}", list.len())));
            }
            Err(error) => self.refused(source, &error),
        }
        Ok(())
    }

    /// Of the checks one has failed; of those after it nothing is known.
    fn refused(&mut self, source: String, error: &Error) {
        let culprit = culprit(error);
        for check in CHECKS {
            if check == culprit {
                let verdict = match check {
                    // Not to have a token is a matter of access, even for want of an argument.
                    SOURCE => Verdict::of_error(error).max(Verdict::Access),
                    _ => Verdict::of_error(error),
                };
                let found = Problem(verdict, told_whole(error), self.advice(check));
                self.found(check, found);
            } else if check == SOURCE {
                self.found(check, Fine(source.clone()));
            } else {
                self.skip(&[check]);
            }
        }
    }

    fn skip(&mut self, checks: &[&str]) {
        for check in checks {
            let why = self.told("cannot be told before the rest is well", "须先解决其他问题");
            self.found(check, Skipped(why));
        }
    }

    /// What the remedy of the errcode does not say.
    fn advice(&self, check: &str) -> String {
        match check {
            WHITELIST => self.told(
                "If requests leave through several addresses, all of them belong there.",
                "若有多个出口地址，请全部加入白名单。",
            ),
            _ => String::new(),
        }
    }
}

/// Which of the checks an error tells of.
fn culprit(error: &Error) -> &'static str {
    match (error.status(), error.errcode()) {
        (Status::NoToken | Status::BadValue, _) => SOURCE,
        (_, Some(40164 | 61004)) => WHITELIST,
        (_, Some(61003 | 61023)) => AUTHORISED,
        (_, Some(61007)) => PERMISSION,
        (_, Some(_)) if Verdict::of_error(error) == Verdict::Access => TOKEN,
        _ => LIST,
    }
}

/// The message, and the address WeChat saw: its own words have it where the answer does not say.
fn told_whole(error: &Error) -> String {
    match (error.request_ip(), error.errcode()) {
        ("", Some(40164 | 61004)) => format!("{} [{}]", error.message(), error.errmsg()),
        ("", _) => error.message(),
        (ip, _) => format!("{} [{ip}]", error.message()),
    }
}
