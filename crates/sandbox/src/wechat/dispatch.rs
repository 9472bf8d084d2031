//! Routes a call to its endpoint and turns the result into a response.

use crate::model::endpoint::Endpoint;
use crate::model::policy::Policy;
use crate::wechat::call::{ApiResponse, Call, error_body};
use crate::wechat::errcode::RequestId;
use crate::wechat::state::WechatState;
use crate::wechat::{component_endpoints, link_endpoints, rid};

/// Processes a call: changes the state as the call asks, and returns WeChat's response.
pub(crate) fn process(
    call: Call,
    wechat: &mut WechatState,
    policy: &Policy,
    now_ms: u64,
    request_id: RequestId,
) -> ApiResponse {
    let result = match call.endpoint {
        Endpoint::Rid => rid::process(call, wechat, now_ms),
        endpoint if endpoint.is_component() => component_endpoints::process(call, wechat, now_ms),
        _ => link_endpoints::process(call, wechat, policy, now_ms),
    };
    match result {
        Ok(body) => ApiResponse {
            errcode: call.endpoint.confirms_success().then_some(0),
            body,
        },
        Err(refused) => {
            let errcode = refused.errcode();
            ApiResponse {
                errcode: Some(errcode),
                body: error_body(errcode, &refused.errmsg(request_id)),
            }
        }
    }
}
