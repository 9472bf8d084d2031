//! What WeChat says about an account that has authorised the platform.

use serde_json::{Value, json};

use super::exchanged::{may_link, permission_sets};

/// A description of an account (`api_get_authorizer_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    account: String,
    name: String,
    gh_id: String,
    subject: String,
    is_mini_program: bool,
    service_type: Option<i64>,
    account_status: Option<i64>,
    permission_sets: Option<Vec<u64>>,
}

impl AccountInfo {
    /// Reads a response. Fields that WeChat leaves out are empty.
    pub(super) fn read(account: &str, response: &Value) -> AccountInfo {
        let info = &response["authorizer_info"];
        let text = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| {
            let text = value.as_str().and_then(|text| text.trim().parse().ok());
            value.as_i64().or(text)
        };
        AccountInfo {
            account: account.to_owned(),
            name: text("nick_name"),
            gh_id: text("user_name"),
            subject: text("principal_name"),
            is_mini_program: info["MiniProgramInfo"].is_object(),
            service_type: number(&info["service_type_info"]["id"]),
            account_status: number(&info["account_status"]),
            permission_sets: permission_sets(&response["authorization_info"]),
        }
    }

    /// The account's appid.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Its name; empty if WeChat does not send it, as with the other texts.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its original id (`gh_…`).
    pub fn gh_id(&self) -> &str {
        &self.gh_id
    }

    /// The registered person or organisation. Individuals are all named `个人`, so that equal names
    /// do not prove one subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether it is a mini program, and not an Official Account.
    pub fn is_mini_program(&self) -> bool {
        self.is_mini_program
    }

    /// `normal`, `closed`, `banned`, `warned`, `frozen`, or `unknown`.
    pub fn status(&self) -> &'static str {
        match self.account_status {
            Some(1) => "normal",
            Some(14) => "closed",
            Some(16) => "banned",
            Some(18) => "warned",
            Some(19) => "frozen",
            _ => "unknown",
        }
    }

    /// The numbers of the permission sets that the account has granted; `None` if WeChat's response
    /// does not list them.
    pub fn permission_sets(&self) -> Option<&[u64]> {
        self.permission_sets.as_deref()
    }

    /// Whether the platform may link mini programs to the account: whether permission set 33 is
    /// granted. `None` if it is not known.
    pub fn may_link(&self) -> Option<bool> {
        self.permission_sets().map(may_link)
    }

    /// The description as JSON, in the form of the C interface.
    pub fn json(&self) -> Value {
        let kind = if self.is_mini_program {
            "mini_program"
        } else {
            "official_account"
        };
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "account": self.account,
            "name": self.name,
            "gh_id": self.gh_id,
            "subject": self.subject,
            "kind": kind,
            "service_type": self.service_type,
            "status": self.status(),
            "permission_sets": self.permission_sets,
            "may_link": self.may_link(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_described_whatever_is_left_out() {
        let info = AccountInfo::read(
            "wx1",
            &json!({
                "authorizer_info": {
                    "nick_name": "N", "user_name": "gh_1", "principal_name": "P",
                    "service_type_info": {"id": "2"}, "account_status": 14,
                },
                "authorization_info": {
                    "authorizer_refresh_token": "refreshtoken@@@R",
                    "func_info": [{"funcscope_category": {"id": 33}}],
                },
            }),
        );
        let json = info.json();
        assert_eq!(json["kind"], "official_account");
        assert_eq!(json["service_type"], 2);
        assert_eq!(json["status"], "closed");
        assert_eq!(json["may_link"], true);
        assert!(!json.to_string().contains("@@@"), "{json}");
        let mini_program = json!({"authorizer_info": {
            "service_type_info": {"id": 0}, "MiniProgramInfo": {"network": {}},
        }});
        assert_eq!(
            AccountInfo::read("wx1", &mini_program).json()["kind"],
            "mini_program"
        );
        for odd in [
            json!({}),
            json!({"authorizer_info": null, "authorization_info": null}),
            json!({"authorizer_info": {"nick_name": 7, "account_status": "x"}}),
        ] {
            let json = AccountInfo::read("wx1", &odd).json();
            assert_eq!(
                (&json["name"], &json["status"]),
                (&json!(""), &json!("unknown"))
            );
            assert_eq!(json["may_link"], Value::Null, "{odd}");
        }
    }
}
