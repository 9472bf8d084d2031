//! What every store does, for the tests of each.

use std::thread;
use std::time::{Duration, Instant};

use super::claim::{
    ClaimChange, ClaimStep, Claimed, LinkKeys, LinkName, PostedOutcome, Settlement,
};
use super::owner::LockOwner;
use super::store::{LONGEST_LOCK, Store};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

pub(super) fn fulfils_the_contract(store: &dyn Store) {
    texts_and_locks(store);
    claims(store);
}

fn texts_and_locks(store: &dyn Store) {
    let swap = |was: Option<&str>, new| {
        let was = was.map(str::as_bytes);
        store.swap("k", was, new, soon()).unwrap()
    };
    let read = || store.read("k", soon()).unwrap();
    assert_eq!(read(), None);
    assert!(swap(None, "one"));
    assert!(!swap(None, "two"));
    assert!(!swap(Some("two"), "three"));
    assert_eq!(read().unwrap(), b"one");
    assert!(swap(Some("one"), "two"));
    assert_eq!(read().unwrap(), b"two");

    let lock = |key, whose: &LockOwner, lasts| store.lock(key, whose, lasts, soon()).unwrap();
    let unlock = |whose: &LockOwner| store.unlock("k", whose, soon()).unwrap();
    let (ours, anothers) = (LockOwner::new(), LockOwner::new());
    assert!(lock("k", &ours, LONGEST_LOCK));
    assert!(lock("k", &ours, LONGEST_LOCK));
    assert!(!lock("k", &anothers, LONGEST_LOCK));
    assert!(lock("other", &anothers, LONGEST_LOCK));
    unlock(&anothers);
    assert!(
        !lock("k", &anothers, LONGEST_LOCK),
        "another owner's lock was released"
    );
    unlock(&ours);
    let brief = Duration::from_millis(1);
    assert!(lock("k", &ours, brief));
    let give_up = soon();
    while !lock("k", &anothers, LONGEST_LOCK) {
        assert!(Instant::now() < give_up, "a lock that does not expire");
    }
    unlock(&ours);
    assert!(!lock("k", &ours, LONGEST_LOCK));
    unlock(&anothers);
}

fn claims(store: &dyn Store) {
    // A name is an account, or a token if it begins with "t".
    let keys = |names: &[&str]| {
        let find = |is_token| {
            names
                .iter()
                .find(|n| n.starts_with('t') == is_token)
                .copied()
        };
        LinkKeys::new(&LinkName {
            realm: "test",
            account: find(false),
            token: find(true),
            appid: "wx",
        })
    };
    let long = Duration::from_secs(600);
    let change = |names: &[&str], owner: &LockOwner, step| ClaimChange {
        keys: keys(names).into(),
        owner: *owner,
        step,
        limit: soon(),
    };
    let claim = |names: &[&str], owner: &LockOwner, lasts| {
        let change = change(names, owner, ClaimStep::Claim { lasts });
        store.change_claim(&change).unwrap().unwrap()
    };
    let settle = |names: &[&str], owner: &LockOwner, settlement| {
        let change = change(names, owner, ClaimStep::Settle(settlement));
        assert_eq!(store.change_claim(&change).unwrap(), None);
    };
    let taken = |earlier| Claimed::Taken { earlier };
    let held_by = |claimed: Claimed| match claimed {
        Claimed::Held { outcome, left } => {
            assert!(left > Duration::from_secs(500) && left <= long, "{left:?}");
            outcome
        }
        taken => panic!("{taken:?}"),
    };
    let posted = |outcome, stands| Settlement::Posted { outcome, stands };
    let (ours, theirs) = (LockOwner::new(), LockOwner::new());

    // A claim under two names blocks both, and another mini program not.
    assert_eq!(claim(&["a", "t"], &ours, long), taken(None));
    assert_eq!(claim(&["a", "t"], &ours, long), taken(None));
    for names in [&["a"][..], &["t"], &["t", "b"], &["t2", "a"]] {
        assert_eq!(held_by(claim(names, &theirs, long)), None, "{names:?}");
    }
    assert_eq!(claim(&["b"], &theirs, long), taken(None));

    // Another owner's settlement changes nothing of ours.
    settle(&["a", "t"], &theirs, Settlement::NotPosted);
    assert_eq!(held_by(claim(&["a"], &theirs, long)), None);
    // What was not posted is free and leaves nothing behind.
    settle(&["a", "t"], &ours, Settlement::NotPosted);
    assert_eq!(claim(&["t"], &theirs, long), taken(None));
    settle(&["t"], &theirs, Settlement::NotPosted);

    // After a post the claim stands for everybody, its owner included.
    for outcome in [PostedOutcome::Accepted, PostedOutcome::Unknown] {
        let ours = LockOwner::new();
        let brief = Duration::from_millis(1);
        let mut taken_again = claim(&["p"], &ours, long);
        assert!(matches!(taken_again, Claimed::Taken { .. }));
        settle(&["p"], &ours, posted(outcome, long));
        for owner in [&ours, &theirs] {
            assert_eq!(held_by(claim(&["p"], owner, long)), Some(outcome));
        }
        // When it has expired, the outcome is still remembered.
        settle(&["p"], &ours, posted(outcome, brief));
        let give_up = soon();
        while !matches!(taken_again, Claimed::Taken { earlier: Some(_) }) {
            assert!(Instant::now() < give_up, "a claim that does not expire");
            thread::sleep(Duration::from_millis(2));
            taken_again = claim(&["p"], &theirs, long);
        }
        assert_eq!(taken_again, taken(Some(outcome)));
        // A refusal removes the claim and keeps what is remembered.
        settle(&["p"], &theirs, Settlement::NotPosted);
        assert_eq!(claim(&["p"], &ours, long), taken(Some(outcome)));
        settle(&["p"], &ours, Settlement::Unlinked);
        assert_eq!(claim(&["p"], &ours, long), taken(None));
        settle(&["p"], &ours, Settlement::Unlinked);
    }

    // Nothing is remembered of a token.
    assert_eq!(claim(&["t3"], &ours, long), taken(None));
    settle(
        &["t3"],
        &ours,
        posted(PostedOutcome::Accepted, Duration::from_millis(1)),
    );
    thread::sleep(Duration::from_millis(20));
    assert_eq!(claim(&["t3"], &theirs, long), taken(None));
    settle(&["t3"], &theirs, Settlement::NotPosted);

    // A post by an owner who holds no claim, such as a plain link, shortens no claim, and the
    // holder's settlement does not remove it.
    assert_eq!(claim(&["l"], &ours, Duration::from_millis(1)), taken(None));
    thread::sleep(Duration::from_millis(20));
    assert_eq!(claim(&["l"], &theirs, long), taken(None));
    settle(
        &["l"],
        &ours,
        posted(PostedOutcome::Unknown, Duration::from_millis(1)),
    );
    thread::sleep(Duration::from_millis(20));
    let unknown = Some(PostedOutcome::Unknown);
    assert_eq!(held_by(claim(&["l"], &theirs, long)), unknown);
    settle(&["l"], &theirs, Settlement::NotPosted);
    assert_eq!(held_by(claim(&["l"], &theirs, long)), unknown);
    // Nor does one lengthen a claim beyond its own time.
    settle(&["m"], &ours, posted(PostedOutcome::Accepted, long));
    settle(
        &["m"],
        &theirs,
        posted(PostedOutcome::Accepted, Duration::from_millis(1)),
    );
    assert_eq!(
        held_by(claim(&["m"], &ours, long)),
        Some(PostedOutcome::Accepted)
    );
    // Seen as linked: a call that read the list before does not post.
    let accepted = Some(PostedOutcome::Accepted);
    settle(
        &["m"],
        &LockOwner::new(),
        Settlement::Linked { stands: long },
    );
    assert_eq!(held_by(claim(&["m"], &ours, long)), accepted);
    // Unlinked: no call has to wait for the claim.
    settle(&["m"], &LockOwner::new(), Settlement::Unlinked);
    assert_eq!(claim(&["m"], &ours, long), taken(None));
    // A claim whose post is on the way stays.
    for settlement in [Settlement::Unlinked, Settlement::Linked { stands: long }] {
        settle(&["m"], &theirs, settlement);
        assert_eq!(held_by(claim(&["m"], &theirs, long)), None);
    }
    // WeChat answered the owner's post that the mini program is linked.
    settle(&["m"], &ours, Settlement::Linked { stands: long });
    assert_eq!(held_by(claim(&["m"], &theirs, long)), accepted);
    settle(&["m"], &ours, Settlement::Unlinked);
    assert_eq!(claim(&["m"], &theirs, long), taken(None));

    // Changes of several links, of which two are of the same one.
    let claimed = ClaimStep::Claim { lasts: long };
    let changes = [
        change(&["x", "t4"], &ours, claimed),
        change(&["y"], &ours, claimed),
        change(&["x"], &theirs, claimed),
        change(&["y"], &ours, ClaimStep::Settle(Settlement::NotPosted)),
        change(&["y"], &theirs, claimed),
    ];
    let mut results = Vec::new();
    store.change_claims(&changes, &mut |n, result| {
        assert_eq!(n, results.len());
        results.push(result.unwrap());
    });
    assert_eq!(results[..2], [Some(taken(None)); 2]);
    assert_eq!(held_by(results[2].unwrap()), None);
    assert_eq!(results[3..], [None, Some(taken(None))]);
}
