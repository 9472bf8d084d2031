//! Access tokens: issued, superseded, expired, revoked.

use std::collections::{BTreeMap, HashMap};

use crate::model::clock::{after_seconds, seconds_left};
use crate::model::random::TokenGenerator;
use crate::model::world::{Token, TokenKind};

/// How long a token or a refresh token that was superseded remains valid, if it does not expire
/// earlier.
pub(crate) const GRACE_PERIOD_S: u64 = 300;

// The prefixes of the secrets that the simulator generates. Hex digits follow.
pub(crate) const ACCOUNT_TOKEN_PREFIX: &str = "SANDBOX-ACCESS-";
pub(crate) const PLATFORM_TOKEN_PREFIX: &str = "SANDBOX-PLATFORM-";
pub(crate) const TICKET_PREFIX: &str = "ticket@@@SANDBOX-";
pub(crate) const REFRESH_TOKEN_PREFIX: &str = "refreshtoken@@@SANDBOX-";
pub(crate) const PRE_AUTH_CODE_PREFIX: &str = "preauthcode@@@SANDBOX-";
pub(crate) const AUTHORIZATION_CODE_PREFIX: &str = "queryauthcode@@@SANDBOX-";
pub(crate) const GENERATED_PREFIXES: [&str; 6] = [
    PRE_AUTH_CODE_PREFIX,
    AUTHORIZATION_CODE_PREFIX,
    ACCOUNT_TOKEN_PREFIX,
    PLATFORM_TOKEN_PREFIX,
    TICKET_PREFIX,
    REFRESH_TOKEN_PREFIX,
];

/// The owner of the platform's own tokens. Accounts have appids, so none is empty.
const PLATFORM: &str = "";

/// A token, with the time at which it expires instead of the seconds it has left.
struct StoredToken {
    account: Option<String>,
    kind: TokenKind,
    /// When it was issued or added.
    since_ms: u64,
    /// `None`: it does not expire.
    expires_at_ms: Option<u64>,
    /// Whether a newer one has been issued.
    superseded: bool,
}

impl StoredToken {
    fn from_document(token: Token, now_ms: u64) -> Self {
        Self {
            account: token.account,
            kind: token.kind,
            since_ms: now_ms,
            expires_at_ms: token
                .expires_in
                .map(|seconds| after_seconds(now_ms, seconds)),
            superseded: token.superseded,
        }
    }

    /// The kind it has now.
    fn kind(&self, now_ms: u64) -> TokenKind {
        let is_over = self.expires_at_ms.is_some_and(|at_ms| at_ms <= now_ms);
        match self.kind {
            TokenKind::Good | TokenKind::Component if is_over && self.superseded => {
                TokenKind::Revoked
            }
            TokenKind::Good | TokenKind::Component if is_over => TokenKind::Expired,
            kind => kind,
        }
    }

    fn to_document(&self, now_ms: u64) -> Token {
        let kind = self.kind(now_ms);
        let is_valid = kind == self.kind;
        Token {
            account: self.account.clone(),
            kind,
            expires_in: self
                .expires_at_ms
                .filter(|_| is_valid)
                .map(|at_ms| seconds_left(at_ms, now_ms)),
            superseded: self.superseded && is_valid,
        }
    }

    fn owner(&self) -> Option<&str> {
        match self.kind {
            TokenKind::Component => Some(PLATFORM),
            _ => self.account.as_deref(),
        }
    }
}

/// A token that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FoundToken<'a> {
    pub(crate) kind: TokenKind,
    /// The appid of the account that it belongs to.
    pub(crate) account: Option<&'a str>,
}

/// A token of an account.
pub(crate) struct AccountToken<'a> {
    pub(crate) text: &'a str,
    pub(crate) document: Token,
    /// How long ago it was issued or added.
    pub(crate) age_ms: u64,
}

/// All access tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    tokens: HashMap<String, StoredToken>,
    /// The tokens of each owner. Without this index, every refresh would search all tokens.
    by_owner: HashMap<String, Vec<String>>,
}

impl Tokens {
    pub(crate) fn from_documents(documents: BTreeMap<String, Token>, now_ms: u64) -> Self {
        let mut tokens = Self::default();
        for (text, token) in documents {
            tokens.put(text, token, now_ms);
        }
        tokens
    }

    pub(crate) fn to_documents(&self, now_ms: u64) -> BTreeMap<String, Token> {
        self.tokens
            .iter()
            .map(|(text, token)| (text.clone(), token.to_document(now_ms)))
            .collect()
    }

    /// Whether this is a token of an account, valid or not. The platform's own tokens are not.
    pub(crate) fn is_account_token(&self, text: &str) -> bool {
        self.tokens
            .get(text)
            .is_some_and(|token| token.kind != TokenKind::Component)
    }

    pub(crate) fn find(&self, text: &str, now_ms: u64) -> Option<FoundToken<'_>> {
        let token = self.tokens.get(text)?;
        Some(FoundToken {
            kind: token.kind(now_ms),
            account: token.account.as_deref(),
        })
    }

    /// The tokens of an account, the latest last.
    pub(crate) fn of_account(&self, appid: &str, now_ms: u64) -> Vec<AccountToken<'_>> {
        let texts = self.by_owner.get(appid).into_iter().flatten();
        texts
            .filter_map(|text| {
                let token = self.tokens.get(text)?;
                Some(AccountToken {
                    text,
                    document: token.to_document(now_ms),
                    age_ms: now_ms.saturating_sub(token.since_ms),
                })
            })
            .collect()
    }

    /// A token of this kind, of this account if there is one, else of none.
    pub(crate) fn of_kind(&self, appid: &str, kind: TokenKind, now_ms: u64) -> Option<&str> {
        let own = self.by_owner.get(appid).into_iter().flatten().rev();
        let is_wanted = |token: &StoredToken| token.kind(now_ms) == kind;
        own.filter_map(|text| self.tokens.get_key_value(text))
            .chain(
                self.tokens
                    .iter()
                    .filter(|(_, token)| token.account.is_none()),
            )
            .find(|(_, token)| is_wanted(token))
            .map(|(text, _)| &**text)
    }

    /// Adds or replaces a token.
    pub(crate) fn put(&mut self, text: String, token: Token, now_ms: u64) {
        self.remove(&text);
        let token = StoredToken::from_document(token, now_ms);
        if let Some(owner) = token.owner() {
            self.by_owner
                .entry(owner.to_owned())
                .or_default()
                .push(text.clone());
        }
        self.tokens.insert(text, token);
    }

    fn remove(&mut self, text: &str) {
        let removed = self.tokens.remove(text);
        if let Some(texts) = removed
            .as_ref()
            .and_then(StoredToken::owner)
            .and_then(|owner| self.by_owner.get_mut(owner))
        {
            texts.retain(|known| known != text);
        }
    }

    /// Issues a token to an account, or to the platform itself if `account` is `None`. It is valid
    /// for `lifetime_s`. Earlier tokens of this owner remain valid for [`GRACE_PERIOD_S`] at most.
    pub(crate) fn issue(
        &mut self,
        account: Option<&str>,
        lifetime_s: u64,
        generator: &mut TokenGenerator,
        now_ms: u64,
    ) -> String {
        self.supersede(account, now_ms);
        let prefix = match account {
            Some(_) => ACCOUNT_TOKEN_PREFIX,
            None => PLATFORM_TOKEN_PREFIX,
        };
        let text = generator.generate(prefix, 8);
        let token = Token {
            account: account.map(str::to_owned),
            kind: match account {
                Some(_) => TokenKind::Good,
                None => TokenKind::Component,
            },
            expires_in: Some(lifetime_s),
            superseded: false,
        };
        self.put(text.clone(), token, now_ms);
        text
    }

    fn supersede(&mut self, account: Option<&str>, now_ms: u64) {
        let grace_ms = after_seconds(now_ms, GRACE_PERIOD_S);
        let Some(texts) = self.by_owner.get_mut(account.unwrap_or(PLATFORM)) else {
            return;
        };
        texts.retain(|text| {
            let Some(token) = self.tokens.get_mut(text) else {
                return false;
            };
            let Some(expires_at_ms) = &mut token.expires_at_ms else {
                return true;
            };
            if *expires_at_ms <= now_ms {
                // Removing it changes nothing: an unknown token is refused as a superseded one is.
                self.tokens.remove(text);
                return false;
            }
            *expires_at_ms = grace_ms.min(*expires_at_ms);
            token.superseded = true;
            true
        });
    }

    /// Revokes all valid tokens of an account, or of the platform itself if `account` is `None`:
    /// they are refused with 40001. Returns how many there were.
    pub(crate) fn revoke(&mut self, account: Option<&str>, now_ms: u64) -> usize {
        self.change_valid(account, now_ms, |token| {
            if token.expires_at_ms.is_some() {
                // Treated as superseded and over, it is removed when the next token is issued.
                token.expires_at_ms = Some(now_ms);
                token.superseded = true;
            } else {
                token.kind = TokenKind::Revoked;
            }
        })
    }

    /// Invalidates all valid tokens of an account that has withdrawn its authorisation: they are
    /// refused with 61003.
    pub(crate) fn deauthorize(&mut self, account: &str, now_ms: u64) {
        self.change_valid(Some(account), now_ms, |token| {
            token.kind = TokenKind::Deauthorized;
            token.expires_at_ms = None;
            token.superseded = false;
        });
    }

    fn change_valid(
        &mut self,
        account: Option<&str>,
        now_ms: u64,
        change: impl Fn(&mut StoredToken),
    ) -> usize {
        let Some(texts) = self.by_owner.get(account.unwrap_or(PLATFORM)) else {
            return 0;
        };
        let mut changed = 0;
        for text in texts {
            if let Some(token) = self.tokens.get_mut(text)
                && matches!(token.kind(now_ms), TokenKind::Good | TokenKind::Component)
            {
                change(token);
                changed += 1;
            }
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::world::TOKEN_LIFETIME_S;

    const ACCOUNT: Option<&str> = Some("wx0a00000000000001");
    const NOW: u64 = 1_000_000;

    fn kind(tokens: &Tokens, text: &str, after_s: u64) -> Option<TokenKind> {
        let found = tokens.find(text, NOW + after_s * 1000)?;
        Some(found.kind)
    }

    #[test]
    fn a_token_is_valid_for_two_hours() {
        let mut tokens = Tokens::default();
        let text = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut TokenGenerator::new(), NOW);
        let last = TOKEN_LIFETIME_S - 1;
        assert_eq!(kind(&tokens, &text, last), Some(TokenKind::Good));
        let over = TOKEN_LIFETIME_S;
        assert_eq!(kind(&tokens, &text, over), Some(TokenKind::Expired));
    }

    #[test]
    fn a_superseded_token_is_valid_for_five_minutes_and_then_removed() {
        let (mut tokens, mut generator) = (Tokens::default(), TokenGenerator::new());
        let first = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW);
        let second = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW);
        assert_ne!(first, second);
        let (last, over) = (GRACE_PERIOD_S - 1, GRACE_PERIOD_S);
        assert_eq!(kind(&tokens, &first, last), Some(TokenKind::Good));
        assert_eq!(kind(&tokens, &first, over), Some(TokenKind::Revoked));
        assert_eq!(kind(&tokens, &second, over), Some(TokenKind::Good));
        // A third token does not extend the first one's time.
        tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW + 100_000);
        assert_eq!(kind(&tokens, &first, over), Some(TokenKind::Revoked));
        tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW + 900_000);
        assert_eq!(tokens.tokens.len(), 2);
        // The platform's own tokens are independent of it.
        let own = tokens.issue(None, TOKEN_LIFETIME_S, &mut generator, NOW);
        assert_eq!(kind(&tokens, &own, over), Some(TokenKind::Component));
    }

    #[test]
    fn documents_have_the_seconds_left() {
        let mut tokens = Tokens::default();
        let text = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut TokenGenerator::new(), NOW);
        let documents = tokens.to_documents(NOW + 500);
        assert_eq!(documents[&text].expires_in, Some(TOKEN_LIFETIME_S));
        let restored = Tokens::from_documents(documents, 0);
        let found = FoundToken {
            kind: TokenKind::Good,
            account: ACCOUNT,
        };
        assert_eq!(
            restored.find(&text, 0),
            Some(found),
            "times are relative: a reset may have set the clock back"
        );
        let late = &tokens.to_documents(NOW + TOKEN_LIFETIME_S * 1000)[&text];
        assert_eq!((late.kind, late.expires_in), (TokenKind::Expired, None));
    }

    #[test]
    fn all_tokens_of_an_account_are_revoked_together() {
        let (mut tokens, mut generator) = (Tokens::default(), TokenGenerator::new());
        let old = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW);
        let new = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW);
        assert_eq!(tokens.revoke(ACCOUNT, NOW), 2);
        assert_eq!(tokens.revoke(ACCOUNT, NOW), 0);
        for text in [old, new] {
            assert_eq!(kind(&tokens, &text, 0), Some(TokenKind::Revoked));
        }
        let text = tokens.issue(ACCOUNT, TOKEN_LIFETIME_S, &mut generator, NOW);
        assert_eq!(tokens.tokens.len(), 1, "revoked tokens are removed");
        tokens.deauthorize("wx0a00000000000001", NOW);
        let after = kind(&tokens, &text, TOKEN_LIFETIME_S);
        assert_eq!(after, Some(TokenKind::Deauthorized));
    }
}
