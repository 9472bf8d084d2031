//! The three WeChat interfaces this library calls, under the names and paths WeChat gives them.

/// One of WeChat's interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interface {
    /// `linkMiniprogram`: invites a mini program to be linked.
    Link,
    /// `getLinkMiniprogram`: lists what is linked or on its way.
    Get,
    /// `unlinkMiniprogram`: asks to unlink a mini program.
    Unlink,
}

impl Interface {
    /// All of them, in the order the documentation lists them.
    pub const ALL: [Interface; 3] = [Interface::Link, Interface::Get, Interface::Unlink];

    /// The short word used in options, traces and the catalogue: `link`, `get`, `unlink`.
    pub const fn word(self) -> &'static str {
        match self {
            Interface::Link => "link",
            Interface::Get => "get",
            Interface::Unlink => "unlink",
        }
    }

    /// WeChat's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Interface::Link => "linkMiniprogram",
            Interface::Get => "getLinkMiniprogram",
            Interface::Unlink => "unlinkMiniprogram",
        }
    }

    /// Its path below the entry host.
    pub const fn path(self) -> &'static str {
        match self {
            Interface::Link => "/cgi-bin/wxopen/wxamplink",
            Interface::Get => "/cgi-bin/wxopen/wxamplinkget",
            Interface::Unlink => "/cgi-bin/wxopen/wxampunlink",
        }
    }

    /// The interface a short word names, if any.
    pub fn from_word(word: &str) -> Option<Interface> {
        Interface::ALL.into_iter().find(|i| i.word() == word)
    }

    /// Whether asking twice is as good as asking once.
    pub(crate) const fn only_reads(self) -> bool {
        matches!(self, Interface::Get)
    }
}
