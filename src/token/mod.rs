//! Access tokens that nobody has to hand in: kept in memory, got anew ahead of their end.
//!
//! Getting one may take several requests, and its outcome must not be lost with the call that needed it. So
//! it is done on a thread of its own, one for each account at a time, however many calls wait for it; a call
//! whose time is up leaves, and the thread goes on.

#[cfg(unix)]
mod command;
mod component;
mod lifetime;
mod record;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::Cancel;
use crate::client::Limits;
use crate::error::Error;
use crate::options::Options;
use crate::status::Status;
use crate::sync::lock;
use crate::wire::Wire;

#[cfg(unix)]
use command::Command;
pub(crate) use component::Component;
pub(crate) use store::check as check_store;

/// How often a call that waits for a token looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);
/// After a failure nobody waited for, how long the source is left alone.
const LEAVE_ALONE: Duration = Duration::from_secs(10);
/// How many accounts are remembered (some 1 kB each). Beyond, half of them go: the source still knows them.
const MAX: usize = 16_384;

/// A token and how long it serves.
pub(crate) struct Fetched {
    pub token: String,
    /// Until then nobody needs to ask for it.
    pub fresh: Duration,
    /// Until then it is used while the source is being asked.
    pub good: Duration,
    /// Until then it is used if the source cannot be asked.
    pub alive: Duration,
}

/// Where tokens come from.
enum Source {
    Fixed(Arc<str>),
    #[cfg(unix)]
    Command(Command),
    Component(Box<Component>),
}

#[cfg(unix)]
fn by_command(line: &str, options: &Options) -> Result<Source, String> {
    Ok(Source::Command(Command::new(line.to_owned(), options.lang)))
}

#[cfg(not(unix))]
fn by_command(_: &str, _: &Options) -> Result<Source, String> {
    Err("token_command needs a Unix".into())
}

/// What is known of one account.
#[derive(Default)]
struct Slot {
    held: Option<Held>,
    /// The token WeChat refused last, which is not to come back.
    refused: Option<Arc<str>>,
    failed: Option<(Instant, Error)>,
    /// Whether a thread is asking the source.
    asking: bool,
}

struct Held {
    token: Arc<str>,
    fresh: Instant,
    good: Instant,
    alive: Instant,
}

/// The tokens of a client.
pub(crate) struct Tokens {
    source: Source,
    limits: Limits,
    slots: Mutex<HashMap<String, Slot>>,
    news: Condvar,
}

impl Tokens {
    /// The source the options name, if they name one.
    pub fn new(options: &Options, wire: &Arc<Wire>) -> Result<Option<Arc<Tokens>>, String> {
        let named = [
            options.access_token.is_some(),
            options.token_command.is_some(),
            options.component_appid.is_some(),
        ];
        if named.iter().filter(|n| **n).count() > 1 {
            return Err(
                "access_token, token_command and component_appid are three sources of tokens; set one"
                    .into(),
            );
        }
        let source = if let Some(token) = &options.access_token {
            Source::Fixed(token.as_str().into())
        } else if let Some(command) = &options.token_command {
            by_command(command, options)?
        } else if options.component_appid.is_some() || options.component_appsecret.is_some() {
            Source::Component(Box::new(Component::new(options, wire.clone())?))
        } else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Tokens {
            source,
            limits: options.limits(),
            slots: Mutex::default(),
            news: Condvar::new(),
        })))
    }

    /// Whether they are more than the one token of one account.
    pub fn serves_accounts(&self) -> bool {
        !matches!(self.source, Source::Fixed(_))
    }

    /// The platform whose accounts these are, if that is the source.
    pub fn component(&self) -> Option<&Component> {
        match &self.source {
            Source::Component(component) => Some(component),
            _ => None,
        }
    }

    /// The account's token.
    pub fn get(
        self: &Arc<Tokens>,
        account: Option<&str>,
        limit: Instant,
        cancel: &Cancel,
    ) -> Result<Arc<str>, Error> {
        let account = match (&self.source, account) {
            (Source::Fixed(token), _) => return Ok(token.clone()),
            (_, Some(account)) => account,
            (_, None) => {
                let why = "there is neither an access_token nor an account to get one for; set the option account";
                return Err(self.wrong(Status::BadValue, why));
            }
        };
        self.wait(account, limit, cancel)
    }

    /// Another token than the one WeChat refused; `None` if there is no other.
    pub fn get_other(
        self: &Arc<Tokens>,
        account: Option<&str>,
        refused: &Arc<str>,
        limit: Instant,
        cancel: &Cancel,
    ) -> Result<Option<Arc<str>>, Error> {
        let Some(account) = account.filter(|_| !matches!(self.source, Source::Fixed(_))) else {
            return Ok(None);
        };
        {
            let mut slots = self.slots();
            let slot = slots.entry(account.to_owned()).or_default();
            // Only if it is still the one: somebody else may have got another meanwhile.
            if slot
                .held
                .as_ref()
                .is_some_and(|held| held.token == *refused)
            {
                slot.held = None;
                slot.refused = Some(refused.clone());
            }
        }
        let other = self.wait(account, limit, cancel)?;
        Ok((other != *refused).then_some(other))
    }

    /// Answers what is held, or has the source asked and waits for it.
    fn wait(
        self: &Arc<Tokens>,
        account: &str,
        limit: Instant,
        cancel: &Cancel,
    ) -> Result<Arc<str>, Error> {
        let started = Instant::now();
        let mut slots = self.slots();
        loop {
            let now = Instant::now();
            let slot = match slots.get_mut(account) {
                Some(slot) => slot,
                None => {
                    if slots.len() >= MAX {
                        make_room(&mut slots, now);
                    }
                    slots.entry(account.to_owned()).or_default()
                }
            };
            // Older failures are not news: only what was found since we asked counts.
            let failed = slot.failed.as_ref().filter(|(at, _)| started <= *at);
            match (&slot.held, failed) {
                (Some(held), _) if now < held.fresh => return Ok(held.token.clone()),
                // Used while the source is asked, and while it is asked in vain.
                (Some(held), _) if now < held.good || slot.failed.is_some() && now < held.alive => {
                    let token = held.token.clone();
                    let leave = slot
                        .failed
                        .as_ref()
                        .is_some_and(|(at, _)| now < *at + LEAVE_ALONE);
                    if !slot.asking && !leave {
                        self.ask(account, slot);
                    }
                    return Ok(token);
                }
                (_, Some((_, error))) => return Err(error.clone()),
                _ if !slot.asking => self.ask(account, slot),
                _ => {}
            }
            let left = limit.saturating_duration_since(now);
            if left.is_zero() {
                return Err(self.wrong(Status::TimeoutUnsent, "waiting for an access token"));
            }
            if cancel.is_over() {
                return Err(self.wrong(Status::Cancelled, ""));
            }
            slots = self
                .news
                .wait_timeout(slots, left.min(LOOK))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Starts the thread that asks the source and tells everyone who waits.
    fn ask(self: &Arc<Tokens>, account: &str, slot: &mut Slot) {
        let tokens = self.clone();
        let (name, refused) = (account.to_owned(), slot.refused.clone());
        let spawned = thread::Builder::new()
            .name("wxlink-token".into())
            .spawn(move || {
                let fetched = tokens.fetch(&name, refused.as_deref());
                tokens.learn(&name, fetched);
            });
        match spawned {
            Ok(_) => slot.asking = true,
            Err(e) => {
                let why = format!("no thread to get a token: {e}");
                slot.failed = Some((Instant::now(), self.wrong(Status::Internal, &why)));
            }
        }
    }

    fn fetch(&self, account: &str, refused: Option<&str>) -> Result<Fetched, Error> {
        let limit = Instant::now() + self.limits.timeout;
        let fetched = match &self.source {
            Source::Fixed(_) => Err(self.wrong(Status::Internal, "a fixed token needs no getting")),
            #[cfg(unix)]
            Source::Command(command) => command.fetch(account, refused, limit),
            Source::Component(component) => component.fetch(account, refused, limit),
        }?;
        if Some(fetched.token.as_str()) == refused {
            let why = "the source has no other token than the one WeChat refused";
            return Err(self.wrong(Status::NoToken, why));
        }
        Ok(fetched)
    }

    fn learn(&self, account: &str, fetched: Result<Fetched, Error>) {
        let now = Instant::now();
        let mut slots = self.slots();
        let slot = slots.entry(account.to_owned()).or_default();
        slot.asking = false;
        match fetched {
            // Refused while it was being got: whoever found that out asks again.
            Ok(f) if slot.refused.as_deref() == Some(f.token.as_str()) => {}
            Ok(f) => {
                slot.failed = None;
                slot.held = Some(Held {
                    token: f.token.into(),
                    fresh: now + f.fresh,
                    good: now + f.good,
                    alive: now + f.alive,
                });
            }
            Err(error) => slot.failed = Some((now, error)),
        }
        drop(slots);
        self.news.notify_all();
    }

    fn wrong(&self, status: Status, why: &str) -> Error {
        Error::argument(status, why, self.limits.lang)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        lock(&self.slots)
    }
}

/// Forgets accounts until half as many are left as there may be, those without a good token first.
fn make_room(slots: &mut HashMap<String, Slot>, now: Instant) {
    slots.retain(|_, s| s.asking || s.held.as_ref().is_some_and(|h| now < h.good));
    let mut surplus = slots.len().saturating_sub(MAX / 2);
    slots.retain(|_, s| {
        let goes = surplus > 0 && !s.asking;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_do_not_pile_up() {
        let now = Instant::now();
        let slot = |asking, good_s| Slot {
            held: Some(Held {
                token: "t".into(),
                fresh: now,
                good: now + Duration::from_secs(good_s),
                alive: now,
            }),
            asking,
            ..Slot::default()
        };
        let mut slots: HashMap<_, _> = (0..MAX).map(|n| (n.to_string(), slot(false, 60))).collect();
        slots.insert("asking".into(), slot(true, 0));
        slots.insert("over".into(), slot(false, 0));
        make_room(&mut slots, now);
        assert_eq!(slots.len(), MAX / 2);
        assert!(slots.contains_key("asking") && !slots.contains_key("over"));
    }

    #[cfg(unix)]
    #[test]
    fn while_a_source_is_asked_in_vain_the_old_token_is_used() {
        let mut options = Options::new();
        options.set("token_command", "exit 1").unwrap();
        let wire = Arc::new(Wire::new(&options).unwrap());
        let tokens = Tokens::new(&options, &wire).unwrap().unwrap();
        let (now, cancel) = (Instant::now(), Cancel::new().unwrap());
        let held = Held {
            token: "OLD".into(),
            fresh: now,
            good: now,
            alive: now + Duration::from_secs(3600),
        };
        let slot = Slot {
            held: Some(held),
            ..Slot::default()
        };
        tokens.slots().insert("wx1".into(), slot);
        let limit = now + Duration::from_secs(60);
        let get = || tokens.get(Some("wx1"), limit, &cancel).unwrap();
        assert_eq!(&*get(), "OLD");
        assert!(tokens.slots()["wx1"].failed.is_some());
        // Nobody waits again, nor is it asked at once.
        assert_eq!(&*get(), "OLD");
        assert!(!tokens.slots()["wx1"].asking);
    }
}
