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
    /// Any other path.
    Other,
}

impl Endpoint {
    pub(crate) fn from_path(path: &str) -> Self {
        match path {
            "/cgi-bin/wxopen/wxamplink" => Self::Link,
            "/cgi-bin/wxopen/wxamplinkget" => Self::Get,
            "/cgi-bin/wxopen/wxampunlink" => Self::Unlink,
            "/cgi-bin/component/api_component_token" => Self::ComponentToken,
            "/cgi-bin/component/api_authorizer_token" => Self::AuthorizerToken,
            "/cgi-bin/component/api_get_authorizer_list" => Self::AuthorizerList,
            _ => Self::Other,
        }
    }

    /// Whether it reads or changes the links of an account.
    pub(crate) fn is_for_links(self) -> bool {
        matches!(self, Self::Link | Self::Get | Self::Unlink)
    }

    /// Whether a third-party platform obtains its tokens through it.
    pub(crate) fn is_component(self) -> bool {
        matches!(
            self,
            Self::ComponentToken | Self::AuthorizerToken | Self::AuthorizerList
        )
    }
}
