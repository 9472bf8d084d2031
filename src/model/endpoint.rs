//! The WeChat endpoints this library calls, under the names and paths WeChat gives them.

/// An endpoint of WeChat's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `linkMiniprogram`: invites a mini program to be linked.
    Link,
    /// `getLinkMiniprogram`: lists the mini programs that are linked or pending.
    Get,
    /// `unlinkMiniprogram`: asks to unlink a mini program.
    Unlink,
    /// `api_component_token`: the access token of a third-party platform.
    ComponentToken,
    /// `api_authorizer_token`: a new access token of an account.
    AuthorizerToken,
    /// `api_get_authorizer_list`: a platform's accounts with their refresh tokens.
    AuthorizerList,
}

impl Endpoint {
    /// The endpoints that list and change links, in the order of WeChat's documentation. The others
    /// serve access tokens.
    pub const LINKING: [Endpoint; 3] = [Endpoint::Link, Endpoint::Get, Endpoint::Unlink];

    /// The short name used in flags, traces and the table of errcodes, such as `link`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Endpoint::Link => "link",
            Endpoint::Get => "get",
            Endpoint::Unlink => "unlink",
            Endpoint::ComponentToken => "component_token",
            Endpoint::AuthorizerToken => "authorizer_token",
            Endpoint::AuthorizerList => "authorizer_list",
        }
    }

    /// WeChat's name of the endpoint.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Link => "linkMiniprogram",
            Endpoint::Get => "getLinkMiniprogram",
            Endpoint::Unlink => "unlinkMiniprogram",
            Endpoint::ComponentToken => "api_component_token",
            Endpoint::AuthorizerToken => "api_authorizer_token",
            Endpoint::AuthorizerList => "api_get_authorizer_list",
        }
    }

    /// The path, and the query up to the value of the token, with which the request target ends.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Endpoint::Link => "/cgi-bin/wxopen/wxamplink?access_token=",
            Endpoint::Get => "/cgi-bin/wxopen/wxamplinkget?access_token=",
            Endpoint::Unlink => "/cgi-bin/wxopen/wxampunlink?access_token=",
            Endpoint::ComponentToken => "/cgi-bin/component/api_component_token",
            Endpoint::AuthorizerToken => {
                "/cgi-bin/component/api_authorizer_token?component_access_token="
            }
            Endpoint::AuthorizerList => {
                "/cgi-bin/component/api_get_authorizer_list?component_access_token="
            }
        }
    }

    /// The linking endpoint with this short name.
    pub fn parse(name: &str) -> Option<Endpoint> {
        Endpoint::LINKING
            .into_iter()
            .find(|endpoint| endpoint.as_str() == name)
    }

    /// Whether it is one of [`LINKING`](Endpoint::LINKING), whose responses hold no tokens.
    pub(crate) const fn is_linking(self) -> bool {
        matches!(self, Endpoint::Link | Endpoint::Get | Endpoint::Unlink)
    }

    /// The name of the token that is sent with the request.
    pub(crate) const fn token_name(self) -> &'static str {
        if self.is_linking() {
            "access_token"
        } else {
            "component_access_token"
        }
    }

    /// Whether a repeated request changes nothing.
    pub(crate) const fn is_read_only(self) -> bool {
        !matches!(
            self,
            Endpoint::Link | Endpoint::Unlink | Endpoint::AuthorizerToken
        )
    }
}
