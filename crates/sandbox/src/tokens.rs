//! The lives of access tokens: issued, overtaken by a newer one, expired, revoked.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use crate::codes::mix;
use crate::world::{Token, TokenKind};

/// How long an access token lives.
pub(crate) const LIFE_S: u64 = 7200;
/// How long what has been overtaken is good for still.
pub(crate) const GRACE_S: u64 = 300;

/// How the secrets that the simulator makes begin; hex digits follow.
pub(crate) const ACCOUNT_TOKEN: &str = "SANDBOX-ACCESS-";
pub(crate) const PLATFORM_TOKEN: &str = "SANDBOX-PLATFORM-";
pub(crate) const TICKET: &str = "ticket@@@SANDBOX-";
pub(crate) const REFRESH_TOKEN: &str = "refreshtoken@@@SANDBOX-";
pub(crate) const MINTED: [&str; 4] = [ACCOUNT_TOKEN, PLATFORM_TOKEN, TICKET, REFRESH_TOKEN];

/// Where the platform's own tokens are filed among those of the accounts, which all have appids.
const PLATFORM: &str = "";

/// Makes texts that nobody has seen before, in this run or in another.
pub(crate) struct Mint {
    seed: u64,
    made: u64,
}

impl Mint {
    pub(crate) fn new() -> Self {
        Self {
            // Keys of a hasher are the standard library's only random numbers.
            seed: RandomState::new().hash_one(0),
            made: 0,
        }
    }

    /// A new text: this beginning, and so many groups of sixteen hex digits.
    pub(crate) fn text(&mut self, beginning: &str, groups: usize) -> String {
        let mut text = beginning.to_owned();
        for _ in 0..groups {
            self.made += 1;
            text += &format!("{:016x}", mix(self.seed.wrapping_add(self.made)));
        }
        text
    }
}

/// A token, with the moment of its end instead of the time it has left.
struct Held {
    account: Option<String>,
    kind: TokenKind,
    /// `None`: it does not age.
    until_ms: Option<u64>,
    /// Whether a newer one has been issued since.
    superseded: bool,
}

impl Held {
    fn of(token: Token, now_ms: u64) -> Self {
        Self {
            account: token.account,
            kind: token.kind,
            until_ms: token.expires_in.map(|left_s| ends(now_ms, left_s)),
            superseded: token.superseded,
        }
    }

    /// What becomes of a call with it now.
    fn kind(&self, now_ms: u64) -> TokenKind {
        let over = self.until_ms.is_some_and(|until_ms| until_ms <= now_ms);
        match self.kind {
            TokenKind::Good | TokenKind::Component if over && self.superseded => TokenKind::Revoked,
            TokenKind::Good | TokenKind::Component if over => TokenKind::Expired,
            kind => kind,
        }
    }

    fn shown(&self, now_ms: u64) -> Token {
        let kind = self.kind(now_ms);
        let alive = kind == self.kind;
        Token {
            account: self.account.clone(),
            kind,
            expires_in: self
                .until_ms
                .filter(|_| alive)
                .map(|until_ms| left_s(until_ms, now_ms)),
            superseded: self.superseded && alive,
        }
    }

    fn owner(&self) -> Option<&str> {
        match self.kind {
            TokenKind::Component => Some(PLATFORM),
            _ => self.account.as_deref(),
        }
    }
}

/// The moment after so many seconds.
pub(crate) fn ends(now_ms: u64, left_s: u64) -> u64 {
    now_ms.saturating_add(left_s.saturating_mul(1000))
}

/// The seconds to a moment, begun ones included.
pub(crate) fn left_s(until_ms: u64, now_ms: u64) -> u64 {
    until_ms.saturating_sub(now_ms).div_ceil(1000)
}

/// All access tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    held: HashMap<String, Held>,
    /// The texts of each account's tokens, and of the platform's own: thousands of accounts refresh.
    owned: HashMap<String, Vec<String>>,
}

impl Tokens {
    pub(crate) fn new(tokens: BTreeMap<String, Token>, now_ms: u64) -> Self {
        let mut all = Self::default();
        for (text, token) in tokens {
            all.put(text, token, now_ms);
        }
        all
    }

    /// The documents as they are now.
    pub(crate) fn snapshot(&self, now_ms: u64) -> BTreeMap<String, Token> {
        self.held
            .iter()
            .map(|(text, held)| (text.clone(), held.shown(now_ms)))
            .collect()
    }

    /// Whether this is a token of an account, or has been one, and not the platform's own.
    pub(crate) fn is_accounts(&self, text: &str) -> bool {
        self.held
            .get(text)
            .is_some_and(|held| held.kind != TokenKind::Component)
    }

    /// What becomes of a call with a token, and whose it is.
    pub(crate) fn find(&self, text: &str, now_ms: u64) -> Option<(TokenKind, Option<&str>)> {
        let held = self.held.get(text)?;
        Some((held.kind(now_ms), held.account.as_deref()))
    }

    pub(crate) fn put(&mut self, text: String, token: Token, now_ms: u64) {
        self.remove(&text);
        let held = Held::of(token, now_ms);
        if let Some(owner) = held.owner() {
            self.owned
                .entry(owner.to_owned())
                .or_default()
                .push(text.clone());
        }
        self.held.insert(text, held);
    }

    fn remove(&mut self, text: &str) {
        let owner = self.held.remove(text);
        if let Some(texts) = owner
            .as_ref()
            .and_then(Held::owner)
            .and_then(|owner| self.owned.get_mut(owner))
        {
            texts.retain(|known| known != text);
        }
    }

    /// Issues a token to an account, or to the platform itself, and lets what it had before run out.
    pub(crate) fn issue(&mut self, account: Option<&str>, mint: &mut Mint, now_ms: u64) -> String {
        let grace_ms = ends(now_ms, GRACE_S);
        if let Some(texts) = self.owned.get_mut(account.unwrap_or(PLATFORM)) {
            texts.retain(|text| {
                let Some(held) = self.held.get_mut(text) else {
                    return false;
                };
                let Some(until_ms) = &mut held.until_ms else {
                    return true;
                };
                if *until_ms <= now_ms {
                    // An unknown token is answered as one that is not the latest.
                    self.held.remove(text);
                    return false;
                }
                *until_ms = grace_ms.min(*until_ms);
                held.superseded = true;
                true
            });
        }
        let text = match account {
            Some(_) => mint.text(ACCOUNT_TOKEN, 8),
            None => mint.text(PLATFORM_TOKEN, 8),
        };
        let token = Token {
            account: account.map(str::to_owned),
            kind: match account {
                Some(_) => TokenKind::Good,
                None => TokenKind::Component,
            },
            expires_in: Some(LIFE_S),
            superseded: false,
        };
        self.put(text.clone(), token, now_ms);
        text
    }

    /// Has all good tokens of an account, or of the platform itself, answered 40001. Says how many.
    pub(crate) fn revoke(&mut self, account: Option<&str>, now_ms: u64) -> usize {
        self.good(account, now_ms, |held| {
            if held.until_ms.is_some() {
                // Overtaken already: the next one issued clears it away.
                held.until_ms = Some(now_ms);
                held.superseded = true;
            } else {
                held.kind = TokenKind::Revoked;
            }
        })
    }

    /// Has all good tokens of an account answered 61003.
    pub(crate) fn deauthorize(&mut self, account: &str, now_ms: u64) {
        self.good(Some(account), now_ms, |held| {
            held.kind = TokenKind::Deauthorized;
            held.until_ms = None;
            held.superseded = false;
        });
    }

    fn good(&mut self, account: Option<&str>, now_ms: u64, change: impl Fn(&mut Held)) -> usize {
        let Some(texts) = self.owned.get(account.unwrap_or(PLATFORM)) else {
            return 0;
        };
        let mut changed = 0;
        for text in texts {
            if let Some(held) = self.held.get_mut(text)
                && matches!(held.kind(now_ms), TokenKind::Good | TokenKind::Component)
            {
                change(held);
                changed += 1;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: Option<&str> = Some("wx0a00000000000001");
    const NOW: u64 = 1_000_000;

    fn kind(tokens: &Tokens, text: &str, after_s: u64) -> Option<TokenKind> {
        tokens.find(text, NOW + after_s * 1000).map(|found| found.0)
    }

    #[test]
    fn a_token_lives_two_hours() {
        let mut tokens = Tokens::default();
        let text = tokens.issue(ACCOUNT, &mut Mint::new(), NOW);
        assert_eq!(kind(&tokens, &text, LIFE_S - 1), Some(TokenKind::Good));
        assert_eq!(kind(&tokens, &text, LIFE_S), Some(TokenKind::Expired));
    }

    #[test]
    fn one_overtaken_lives_five_minutes_and_is_forgotten() {
        let (mut tokens, mut mint) = (Tokens::default(), Mint::new());
        let first = tokens.issue(ACCOUNT, &mut mint, NOW);
        let second = tokens.issue(ACCOUNT, &mut mint, NOW);
        assert_ne!(first, second);
        assert_eq!(kind(&tokens, &first, GRACE_S - 1), Some(TokenKind::Good));
        assert_eq!(kind(&tokens, &first, GRACE_S), Some(TokenKind::Revoked));
        assert_eq!(kind(&tokens, &second, GRACE_S), Some(TokenKind::Good));
        // A third does not lengthen the first one's time.
        tokens.issue(ACCOUNT, &mut mint, NOW + 100_000);
        assert_eq!(kind(&tokens, &first, GRACE_S), Some(TokenKind::Revoked));
        tokens.issue(ACCOUNT, &mut mint, NOW + 900_000);
        assert_eq!(tokens.held.len(), 2);
        // Other owners' tokens are none of its business.
        let own = tokens.issue(None, &mut mint, NOW);
        assert_eq!(kind(&tokens, &own, GRACE_S), Some(TokenKind::Component));
    }

    #[test]
    fn documents_say_how_long_is_left() {
        let mut tokens = Tokens::default();
        let text = tokens.issue(ACCOUNT, &mut Mint::new(), NOW);
        let shown = tokens.snapshot(NOW + 500);
        assert_eq!(shown[&text].expires_in, Some(LIFE_S));
        let restored = Tokens::new(shown, 0);
        assert_eq!(
            restored.find(&text, 0),
            Some((TokenKind::Good, ACCOUNT)),
            "times are relative: the clock may have been put back"
        );
        let late = &tokens.snapshot(NOW + LIFE_S * 1000)[&text];
        assert_eq!((late.kind, late.expires_in), (TokenKind::Expired, None));
    }

    #[test]
    fn all_of_an_account_end_at_once() {
        let (mut tokens, mut mint) = (Tokens::default(), Mint::new());
        let old = tokens.issue(ACCOUNT, &mut mint, NOW);
        let new = tokens.issue(ACCOUNT, &mut mint, NOW);
        assert_eq!(tokens.revoke(ACCOUNT, NOW), 2);
        assert_eq!(tokens.revoke(ACCOUNT, NOW), 0);
        for text in [old, new] {
            assert_eq!(kind(&tokens, &text, 0), Some(TokenKind::Revoked));
        }
        let text = tokens.issue(ACCOUNT, &mut mint, NOW);
        assert_eq!(tokens.held.len(), 1, "what was revoked is cleared away");
        tokens.deauthorize("wx0a00000000000001", NOW);
        let after = kind(&tokens, &text, LIFE_S);
        assert_eq!(after, Some(TokenKind::Deauthorized));
    }
}
