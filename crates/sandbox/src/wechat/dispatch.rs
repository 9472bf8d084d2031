//! Routes a call to its endpoint and turns the result into a response.

use crate::model::policy::Policy;
use crate::wechat::call::{ApiResponse, Call, error_body};
use crate::wechat::errcode::RequestId;
use crate::wechat::state::WechatState;
use crate::wechat::{component_endpoints, link_endpoints};

/// Processes a call: changes the state as the call asks, and returns WeChat's response.
pub(crate) fn process(
    call: Call,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
    rid: RequestId,
) -> ApiResponse {
    let is_component = call.endpoint.is_component();
    let result = if is_component {
        component_endpoints::process(call, wechat, now_ms)
    } else {
        link_endpoints::process(call, wechat, policy, now_ms)
    };
    match result {
        Ok(body) => ApiResponse {
            errcode: (!is_component).then_some(0),
            body,
        },
        Err(refused) => {
            let errcode = refused.errcode();
            ApiResponse {
                errcode: Some(errcode),
                body: error_body(errcode, &refused.errmsg(rid)),
            }
        }
    }
}
