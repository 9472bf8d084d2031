//! The WeChat endpoints this library calls, under the names and paths WeChat gives them.

/// One of WeChat's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `linkMiniprogram`: invites a mini program to be linked.
    Link,
    /// `getLinkMiniprogram`: lists what is linked or on its way.
    Get,
    /// `unlinkMiniprogram`: asks to unlink a mini program.
    Unlink,
    /// `api_component_token`: a platform's own token.
    ComponentToken,
    /// `api_authorizer_token`: a new token of an account.
    AuthorizerToken,
    /// `api_get_authorizer_list`: a platform's accounts with their refresh tokens.
    AuthorizerList,
}

impl Endpoint {
    /// Those that link, in the order the documentation lists them. The others get their tokens.
    pub const ALL: [Endpoint; 3] = [Endpoint::Link, Endpoint::Get, Endpoint::Unlink];

    /// The short word used in options, traces and the catalogue: `link`, `get`, `unlink`.
    pub const fn word(self) -> &'static str {
        match self {
            Endpoint::Link => "link",
            Endpoint::Get => "get",
            Endpoint::Unlink => "unlink",
            Endpoint::ComponentToken => "component_token",
            Endpoint::AuthorizerToken => "authorizer_token",
            Endpoint::AuthorizerList => "authorizer_list",
        }
    }

    /// WeChat's name for it.
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

    /// Its path below the entry host, and the query as far as the token, which ends it.
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

    /// The endpoint for linking a short word names, if any.
    pub fn from_word(word: &str) -> Option<Endpoint> {
        Endpoint::ALL.into_iter().find(|i| i.word() == word)
    }

    /// Whether it is one of [`ALL`](Endpoint::ALL), whose answers hold no tokens.
    pub(crate) const fn links(self) -> bool {
        matches!(self, Endpoint::Link | Endpoint::Get | Endpoint::Unlink)
    }

    /// The name of the token that is sent with the request.
    pub(crate) const fn token_name(self) -> &'static str {
        match self.links() {
            true => "access_token",
            false => "component_access_token",
        }
    }

    /// Whether asking twice is as good as asking once.
    pub(crate) const fn only_reads(self) -> bool {
        !matches!(
            self,
            Endpoint::Link | Endpoint::Unlink | Endpoint::AuthorizerToken
        )
    }
}
