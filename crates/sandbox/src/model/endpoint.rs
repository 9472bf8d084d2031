//! WeChat's endpoints, by their paths.

use serde::Serialize;

/// The endpoint that a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Endpoint {
    /// `/cgi-bin/wxopen/wxamplink`
    Link,
    /// `/cgi-bin/wxopen/wxamplinkget`
    Get,
    /// `/cgi-bin/wxopen/wxampunlink`
    Unlink,
    /// `/cgi-bin/component/api_component_token`
    ComponentToken,
    /// `/cgi-bin/component/api_authorizer_token`
    AuthorizerToken,
    /// `/cgi-bin/component/api_get_authorizer_list`
    AuthorizerList,
    /// `/cgi-bin/component/api_start_push_ticket`
    StartPushTicket,
    /// `/cgi-bin/component/api_create_preauthcode`
    PreAuthCode,
    /// `/cgi-bin/component/api_query_auth`
    QueryAuth,
    /// `/cgi-bin/component/api_get_authorizer_info`
    AuthorizerInfo,
    /// `/cgi-bin/openapi/rid/get`
    Rid,
    /// Any other path.
    Other,
}

impl Endpoint {
    pub(crate) fn from_path(path: &str) -> Self {
        match path {
            "/cgi-bin/wxopen/wxamplink" => Self::Link,
            "/cgi-bin/wxopen/wxamplinkget" => Self::Get,
            "/cgi-bin/wxopen/wxampunlink" => Self::Unlink,
            "/cgi-bin/openapi/rid/get" => Self::Rid,
            _ => path
                .strip_prefix("/cgi-bin/component/")
                .map_or(Self::Other, Self::from_component_name),
        }
    }

    /// WeChat's pages and the SDKs write the names with and without `api_`.
    fn from_component_name(name: &str) -> Self {
        match name.strip_prefix("api_").unwrap_or(name) {
            "component_token" => Self::ComponentToken,
            "authorizer_token" => Self::AuthorizerToken,
            "get_authorizer_list" => Self::AuthorizerList,
            "start_push_ticket" => Self::StartPushTicket,
            "create_preauthcode" => Self::PreAuthCode,
            "query_auth" => Self::QueryAuth,
            "get_authorizer_info" => Self::AuthorizerInfo,
            _ => Self::Other,
        }
    }

    /// Whether it reads or changes the links of an account.
    pub(crate) fn is_for_links(self) -> bool {
        matches!(self, Self::Link | Self::Get | Self::Unlink)
    }

    /// Whether it is one of the component endpoints, which a third-party platform calls for itself.
    pub(crate) fn is_component(self) -> bool {
        matches!(
            self,
            Self::ComponentToken
                | Self::AuthorizerToken
                | Self::AuthorizerList
                | Self::StartPushTicket
                | Self::PreAuthCode
                | Self::QueryAuth
                | Self::AuthorizerInfo
        )
    }

    /// Whether the response to a successful call has the errcode 0. Responses with tokens, codes
    /// and accounts have none.
    pub(crate) fn confirms_success(self) -> bool {
        !self.is_component() || self == Self::StartPushTicket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn component_endpoints_have_names_with_and_without_a_prefix() {
        for (path, endpoint) in [
            ("/cgi-bin/component/api_query_auth", Endpoint::QueryAuth),
            ("/cgi-bin/component/query_auth", Endpoint::QueryAuth),
            ("/cgi-bin/component/api_api_query_auth", Endpoint::Other),
            ("/cgi-bin/component/", Endpoint::Other),
            ("/cgi-bin/openapi/rid/get", Endpoint::Rid),
        ] {
            assert_eq!(Endpoint::from_path(path), endpoint, "{path}");
        }
    }
}
