//! The repeatable operations: make sure that a mini program is linked, and wait until it is.
//!
//! They decide by the list. An invitation is posted at most once in a call, only if the list does
//! not show the mini program, and only if the call gets the link's claim (`claims.rs`).

use std::time::Duration;

use super::client::{Client, LinkChoices};
use super::link_tracker::{Invited, LinkTracker, MAX_WAIT, is_permanent};
use super::progress::{LinkProgress, LinkState, Operation};
use crate::response::list::LinkList;

impl Client {
    /// Makes sure that a mini program is linked, or at least invited. This is what most programs
    /// want.
    ///
    /// Reads the list, posts an invitation only if the mini program is not in it, and then waits up
    /// to `wait` for the administrators. Calls that share a store can repeat it safely: after a
    /// failure, while an invitation is pending, and when the mini program is already linked. Takes
    /// at most `timeout_ms` plus `wait`.
    ///
    /// One call posts at most once. For `settle_ms` after a post, no call that shares the store
    /// (option `store`; the default is this process's memory) posts another invitation for the same
    /// mini program and the same account or token: the result is then [`LinkState::InDoubt`], or
    /// pending if WeChat accepted the earlier one. With the option `account`, invitations are
    /// remembered for 90 days: one that WeChat accepted and that is no longer in the list is
    /// [`LinkState::Vanished`] and is not repeated unless the option `reinvite` is set. If the list
    /// shows that the administrator refused, nothing is posted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wxlink::{Client, LinkChoices, LinkState, Options};
    ///
    /// # let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
    /// # let mut options = Options::new();
    /// # options.set("base_url", sandbox.http_url())?;
    /// # let client = Client::new(&options)?;
    /// # let token = "SANDBOX-TOKEN";
    /// let choices = LinkChoices { notify_users: false, show_profile: true };
    /// let progress = client.ensure_linked(token, "wx0b00000000000001", choices, Duration::ZERO);
    /// match progress.state() {
    ///     LinkState::Linked => println!("linked"),
    ///     LinkState::Declined => println!("the mini program's administrator refused"),
    ///     // "pending official_account": its administrator has to agree.
    ///     state => println!("{} {}", state.as_str(), state.waits_for()),
    /// }
    /// # assert_eq!(progress.state().as_str(), "pending");
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    pub fn ensure_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
        wait: Duration,
    ) -> LinkProgress {
        let wait = wait.min(MAX_WAIT);
        self.counted(self.ensure(access_token.into(), appid, choices, wait))
    }

    fn ensure(
        &self,
        token: Option<&str>,
        appid: &str,
        choices: LinkChoices,
        wait: Duration,
    ) -> LinkProgress {
        let mut tracker = LinkTracker::new(self, Operation::Ensure, token, appid, wait);
        match tracker.read_list() {
            Err(e) => return tracker.fail(e),
            Ok(found) => tracker.progress.found = found,
        }
        if tracker.progress.found == LinkState::Absent {
            match tracker.invite(choices, wait, &mut || true) {
                Err(e) => return tracker.fail(e),
                Ok(Invited::NotRepeated) => return tracker.progress,
                Ok(Invited::Listed) if wait.is_zero() => return tracker.progress,
                Ok(_) => {}
            }
        } else if wait.is_zero() {
            return tracker.finish();
        }
        if tracker.progress.is_settled() {
            return tracker.finish();
        }
        tracker.poll(wait, Some(choices))
    }

    /// Like [`ensure_linked`](Client::ensure_linked) without a wait, for callers that link many
    /// mini programs to one account: they read the list once and pass it to every call as `list`.
    /// The list is read again only if the outcome of a post is unknown. This call does not wait
    /// until the end of its claim is stored;
    /// [`finish_token_fetches`](Client::finish_token_fetches) does.
    ///
    /// `may_post` is called at most once, on this thread, immediately before an invitation is
    /// posted, when its link is claimed. If it returns `false`, nothing is posted and the state is
    /// [`LinkState::Absent`]. It counts towards the time limit.
    pub fn ensure_linked_in<'a>(
        &self,
        list: &LinkList,
        access_token: impl Into<Option<&'a str>>,
        appid: &str,
        choices: LinkChoices,
        may_post: &mut dyn FnMut() -> bool,
    ) -> LinkProgress {
        let token = access_token.into();
        let mut tracker = LinkTracker::new(self, Operation::Ensure, token, appid, Duration::ZERO);
        tracker.waits_for_store = false;
        match tracker.update_from(list) {
            Ok(found) => tracker.progress.found = found,
            Err(e) => return tracker.fail(e),
        }
        if tracker.progress.found == LinkState::Absent {
            if let Err(e) = tracker.invite(choices, Duration::ZERO, may_post) {
                return self.counted(tracker.fail(e));
            }
        }
        self.counted(tracker.progress)
    }

    /// Like [`wait_linked`](Client::wait_linked) without a wait, for callers that follow many mini
    /// programs of one account: they read the list once and pass it to every call as `list`. A mini
    /// program that is not in it is [`LinkState::Vanished`].
    pub fn wait_linked_in<'a>(
        &self,
        list: &LinkList,
        access_token: impl Into<Option<&'a str>>,
        appid_or_gh_id: &str,
    ) -> LinkProgress {
        let (token, id) = (access_token.into(), appid_or_gh_id);
        let mut tracker = LinkTracker::new(self, Operation::Wait, token, id, Duration::ZERO);
        match tracker.update_from(list) {
            Ok(found) => tracker.progress.found = found,
            Err(e) => return tracker.fail(e),
        }
        tracker.finish()
    }

    /// Counts a call that ended in doubt.
    fn counted(&self, progress: LinkProgress) -> LinkProgress {
        if progress.state == LinkState::InDoubt && !self.is_forked() {
            self.pool.stats().count_in_doubt();
        }
        progress
    }

    /// Waits until a mini program is linked or its administrator has refused. Posts nothing.
    ///
    /// Reads the list with pauses that grow from 2 s to 30 s (shorter if the wait is short). A read
    /// that fails does not end the wait, unless reading again would fail in the same way: WeChat
    /// refuses the access token, an administrator or the caller must change something first (the
    /// classes [`ActionRequired`](crate::Class::ActionRequired) and
    /// [`InvalidRequest`](crate::Class::InvalidRequest)), an argument is invalid, or the handle is
    /// cancelled, forked or failed internally. Takes at most `timeout_ms` plus `wait`.
    ///
    /// `appid_or_gh_id` is the mini program's appid or original id (`gh_…`). A refused item has
    /// no appid, so that an earlier refusal is found by the original id only.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use wxlink::{Client, Options};
    /// # let client = Client::new(&Options::new())?;
    /// # let token = "";
    /// let progress = client.wait_linked(token, "gh_000000000001", Duration::from_secs(600));
    /// println!("{}", progress.state().as_str());
    /// # Ok::<(), wxlink::Error>(())
    /// ```
    pub fn wait_linked<'a>(
        &self,
        access_token: impl Into<Option<&'a str>>,
        appid_or_gh_id: &str,
        wait: Duration,
    ) -> LinkProgress {
        let (token, wait) = (access_token.into(), wait.min(MAX_WAIT));
        let mut tracker = LinkTracker::new(self, Operation::Wait, token, appid_or_gh_id, wait);
        match tracker.read_list() {
            Err(e) if wait.is_zero() || is_permanent(&e) => return tracker.fail(e),
            Err(_) => {}
            Ok(found) => tracker.progress.found = found,
        }
        if tracker.progress.is_settled() || wait.is_zero() {
            return tracker.finish();
        }
        tracker.poll(wait, None)
    }
}
