//! The check of the store of link claims, in which a run that posts finds what earlier runs posted.

use super::check::{CheckResult, Doctor};
use crate::exit::ExitCode;
use crate::state;

impl Doctor<'_> {
    /// Where runs that post keep their claims, and whether they can. Changes nothing.
    pub fn check_store(&mut self) {
        let set = self.context.settings.set();
        let result = match set.iter().find(|setting| setting.key == "store") {
            Some(store) => CheckResult::Ok {
                found: format!(
                    "{} ({})",
                    store.redacted().unwrap_or_default(),
                    store.source
                ),
            },
            None => self.default_store(),
        };
        self.report("store", result);
    }

    fn default_store(&self) -> CheckResult {
        match state::examine_default_store() {
            Ok(file) => {
                let note = if file.exists {
                    self.text(", can be read and written", "，可读写")
                } else {
                    self.text(
                        ", which the first run that posts creates",
                        "，将由首次发送邀请的运行创建",
                    )
                };
                let found = format!("file:{}{note}", file.path.display());
                CheckResult::Ok { found }
            }
            Err(why) => CheckResult::Problem {
                exit_code: ExitCode::Refused,
                found: why.get(self.context.out.lang()).to_owned(),
                advice: self.text(
                    "ensure, link and unlink work, but a later run does not know of the \
                     invitations that they post, and may repeat them. Set XDG_STATE_HOME, or the \
                     option store.",
                    "ensure、link 和 unlink 仍可使用，但之后的运行不知道此前发出的邀请，\
                     可能重复发送。请设置 XDG_STATE_HOME 或选项 store。",
                ),
            },
        }
    }
}
