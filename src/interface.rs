//! The WeChat interfaces this library calls, under the names and paths WeChat gives them.

/// One of WeChat's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
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

impl Interface {
    /// Those that link, in the order the documentation lists them. The others get their tokens.
    pub const ALL: [Interface; 3] = [Interface::Link, Interface::Get, Interface::Unlink];

    /// The short word used in options, traces and the catalogue: `link`, `get`, `unlink`.
    pub const fn word(self) -> &'static str {
        match self {
            Interface::Link => "link",
            Interface::Get => "get",
            Interface::Unlink => "unlink",
            Interface::ComponentToken => "component_token",
            Interface::AuthorizerToken => "authorizer_token",
            Interface::AuthorizerList => "authorizer_list",
        }
    }

    /// WeChat's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Interface::Link => "linkMiniprogram",
            Interface::Get => "getLinkMiniprogram",
            Interface::Unlink => "unlinkMiniprogram",
            Interface::ComponentToken => "api_component_token",
            Interface::AuthorizerToken => "api_authorizer_token",
            Interface::AuthorizerList => "api_get_authorizer_list",
        }
    }

    /// Its path below the entry host, and the query as far as the token, which ends it.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Interface::Link => "/cgi-bin/wxopen/wxamplink?access_token=",
            Interface::Get => "/cgi-bin/wxopen/wxamplinkget?access_token=",
            Interface::Unlink => "/cgi-bin/wxopen/wxampunlink?access_token=",
            Interface::ComponentToken => "/cgi-bin/component/api_component_token",
            Interface::AuthorizerToken => {
                "/cgi-bin/component/api_authorizer_token?component_access_token="
            }
            Interface::AuthorizerList => {
                "/cgi-bin/component/api_get_authorizer_list?component_access_token="
            }
        }
    }

    /// The interface for linking a short word names, if any.
    pub fn from_word(word: &str) -> Option<Interface> {
        Interface::ALL.into_iter().find(|i| i.word() == word)
    }

    /// Whether it is one of [`ALL`](Interface::ALL), whose answers hold no tokens.
    pub(crate) const fn links(self) -> bool {
        matches!(self, Interface::Link | Interface::Get | Interface::Unlink)
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
            Interface::Link | Interface::Unlink | Interface::AuthorizerToken
        )
    }
}
