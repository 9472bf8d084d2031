//! The WeChat endpoints that this library calls, with WeChat's names and paths.

/// An endpoint of WeChat's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `linkMiniprogram`: invites a mini program to be linked.
    Link,
    /// `getLinkMiniprogram`: lists the mini programs that are linked, pending or refused.
    Get,
    /// `unlinkMiniprogram`: requests that a mini program be unlinked.
    Unlink,
    /// `api_component_token`: fetches the access token of a third-party platform.
    ComponentToken,
    /// `api_authorizer_token`: fetches a new access token of an account.
    AuthorizerToken,
    /// `api_get_authorizer_list`: lists a platform's accounts with their refresh tokens.
    AuthorizerList,
    /// `api_create_preauthcode`: makes the code of a page on which an account authorises a
    /// platform.
    CreatePreauthcode,
    /// `api_query_auth`: exchanges an authorisation code for an account's tokens.
    QueryAuth,
    /// `api_get_authorizer_info`: describes an account.
    AuthorizerInfo,
    /// `rid/get`: shows an earlier call again.
    Rid,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Endpoint; 10] = [
        Endpoint::Link,
        Endpoint::Get,
        Endpoint::Unlink,
        Endpoint::ComponentToken,
        Endpoint::AuthorizerToken,
        Endpoint::AuthorizerList,
        Endpoint::CreatePreauthcode,
        Endpoint::QueryAuth,
        Endpoint::AuthorizerInfo,
        Endpoint::Rid,
    ];

    /// The endpoints that list and change links, in the order of WeChat's documentation. The others
    /// are those of a third-party platform, and `rid/get`.
    pub const LINKING: [Endpoint; 3] = [Endpoint::Link, Endpoint::Get, Endpoint::Unlink];

    /// The short name, as in flags, traces and the table of errcodes, such as `link`. `get` is the
    /// list, which WeChat names `getLinkMiniprogram`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Endpoint::Link => "link",
            Endpoint::Get => "get",
            Endpoint::Unlink => "unlink",
            Endpoint::ComponentToken => "component_token",
            Endpoint::AuthorizerToken => "authorizer_token",
            Endpoint::AuthorizerList => "authorizer_list",
            Endpoint::CreatePreauthcode => "create_preauthcode",
            Endpoint::QueryAuth => "query_auth",
            Endpoint::AuthorizerInfo => "authorizer_info",
            Endpoint::Rid => "rid",
        }
    }

    /// WeChat's name for the endpoint.
    pub const fn name(self) -> &'static str {
        match self {
            Endpoint::Link => "linkMiniprogram",
            Endpoint::Get => "getLinkMiniprogram",
            Endpoint::Unlink => "unlinkMiniprogram",
            Endpoint::ComponentToken => "api_component_token",
            Endpoint::AuthorizerToken => "api_authorizer_token",
            Endpoint::AuthorizerList => "api_get_authorizer_list",
            Endpoint::CreatePreauthcode => "api_create_preauthcode",
            Endpoint::QueryAuth => "api_query_auth",
            Endpoint::AuthorizerInfo => "api_get_authorizer_info",
            Endpoint::Rid => "rid/get",
        }
    }

    /// The request target: the path, and the query up to the token's value, which is appended to
    /// it.
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
            Endpoint::CreatePreauthcode => {
                "/cgi-bin/component/api_create_preauthcode?component_access_token="
            }
            Endpoint::QueryAuth => "/cgi-bin/component/api_query_auth?component_access_token=",
            Endpoint::AuthorizerInfo => {
                "/cgi-bin/component/api_get_authorizer_info?component_access_token="
            }
            Endpoint::Rid => "/cgi-bin/openapi/rid/get?access_token=",
        }
    }

    /// The path of WeChat's interface, such as `/cgi-bin/wxopen/wxamplink`.
    pub fn path(self) -> &'static str {
        let target = self.target();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The endpoint with this path.
    pub(crate) fn at_path(path: &str) -> Option<Endpoint> {
        Endpoint::ALL
            .into_iter()
            .find(|endpoint| endpoint.path() == path)
    }

    /// The endpoint with this short name.
    pub fn parse(name: &str) -> Option<Endpoint> {
        Endpoint::ALL
            .into_iter()
            .find(|endpoint| endpoint.as_str() == name)
    }

    /// Whether it is one of [`LINKING`](Endpoint::LINKING). Their responses contain no tokens.
    pub(crate) const fn is_linking(self) -> bool {
        matches!(self, Endpoint::Link | Endpoint::Get | Endpoint::Unlink)
    }

    /// Whether its responses contain new access tokens.
    pub(crate) const fn issues_tokens(self) -> bool {
        matches!(
            self,
            Endpoint::ComponentToken | Endpoint::AuthorizerToken | Endpoint::QueryAuth
        )
    }

    /// WeChat's name for the token that is sent with the request. A request to
    /// [`ComponentToken`](Endpoint::ComponentToken) has none. [`Rid`](Endpoint::Rid) takes that of
    /// an account or of a platform.
    pub(crate) const fn token_name(self) -> &'static str {
        if self.is_linking() || matches!(self, Endpoint::Rid) {
            "access_token"
        } else {
            "component_access_token"
        }
    }

    /// Whether a request can be sent again without changing anything. A request for the platform's
    /// own token can: its only result is another token. A request for an account's token cannot,
    /// because WeChat may replace the refresh token. An authorisation code is valid once: its
    /// second exchange is refused and changes nothing.
    pub(crate) const fn is_read_only(self) -> bool {
        !matches!(
            self,
            Endpoint::Link | Endpoint::Unlink | Endpoint::AuthorizerToken
        )
    }
}
