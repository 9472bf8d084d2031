//! Random stories about one link: processes that share a store, in a file or in Redis, ensure it;
//! they are killed, stopped and cancelled; requests fail and take effect late; the list lags; and
//! administrators decide in between. All times are scaled down: claims last 300 ms.
//!
//! In every story:
//! - within the settle time after an invitation was posted, no other is posted;
//! - a call posts at most once, reports no fewer posts than WeChat received, and reports `linked`
//!   only if it is true;
//! - with the option `account`, an accepted invitation is never repeated;
//! - the last caller's result is the true state;
//! - no result, no output and no store contains the access token.
//!
//! `make model` runs 100,000 stories. `WXLINK_MODEL_RUNS` sets their number and `WXLINK_MODEL_SEED`
//! the seed of the first one. If a story fails, the test removes steps as long as it still fails,
//! and prints it with the command that repeats it.

#![cfg(all(unix, feature = "file-store", feature = "redis-store"))]

mod process;
mod story;
mod watch;
mod world;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use wxlink_testkit::redis::Redis;
use wxlink_testkit::scratch;

use story::Story;
use watch::Watch;
use world::{Figures, World};

const ACCOUNT: &str = "wx0a00000000000001";
const APPID: &str = "wx0b00000000000001";
/// How many stories run at the same time. Most of their time they wait.
const THREADS: u64 = 8;
/// How many shorter versions of a story that failed are tried.
const MAX_SHORTENED: u32 = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |n| n.parse().expect(name))
}

/// The story of a seed.
fn story_of(seed: u64, has_redis: bool) -> Story {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    story::story(has_redis)
        .new_tree(&mut runner)
        .unwrap()
        .current()
}

/// Removes steps from a story that failed, as long as it still fails in some way.
fn shorten(world: &mut World, mut story: Story, mut error: String) -> (Story, String) {
    let mut index = story.steps.len();
    for _ in 0..MAX_SHORTENED {
        let Some(next) = index.checked_sub(1) else {
            break;
        };
        index = next;
        let mut shorter = story.clone();
        shorter.steps.remove(index);
        if let Err(e) = world.run(&shorter) {
            (story, error) = (shorter, e);
        }
    }
    (story, error)
}

/// Runs the stories of a thread: takes seeds until there are none left.
fn run_stories(folder: &Path, redis: Option<&Redis>, watch: &Watch, seeds: &Seeds) -> Figures {
    let mut world = World::new(folder, redis.map(Redis::url), watch);
    while let Some(seed) = seeds.take() {
        let story = story_of(seed, redis.is_some());
        if let Err(error) = world.run(&story) {
            seeds.skip_all();
            let (shortened, last) = shorten(&mut world, story.clone(), error.clone());
            panic!(
                "{error}\nin the story {story:#?}\n\nshortened: {last}\nin {shortened:#?}\n\n\
                 repeat it with\n  WXLINK_MODEL_SEED={seed} WXLINK_MODEL_RUNS=1 \
                 cargo test --test model"
            );
        }
    }
    world.finish()
}

/// The seeds of the stories that have not been run.
struct Seeds {
    next: AtomicU64,
    end: u64,
}

impl Seeds {
    fn take(&self) -> Option<u64> {
        let seed = self.next.fetch_add(1, SeqCst);
        (seed < self.end).then_some(seed)
    }

    /// Ends the other threads too.
    fn skip_all(&self) {
        self.next.store(self.end, SeqCst);
    }
}

#[test]
fn no_story_posts_two_invitations() {
    let first = number("WXLINK_MODEL_SEED", 1);
    let seeds = Seeds {
        next: first.into(),
        end: first + number("WXLINK_MODEL_RUNS", 300),
    };
    let redis = Redis::start("stories in Redis");
    let watch = Watch::start();
    let figures = Mutex::new(Figures::default());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (redis, watch, seeds, figures) = (redis.as_ref(), &watch, &seeds, &figures);
            scope.spawn(move || {
                let folder = scratch(&format!("model-{}-{thread}", std::process::id()));
                let own = run_stories(&folder, redis, watch, seeds);
                let _ = std::fs::remove_dir_all(&folder);
                figures.lock().unwrap().add(&own);
            });
        }
    });
    let figures = figures.into_inner().unwrap();
    println!("{figures}");
    figures.check();
}

/// Not a test: a process of a story.
#[test]
fn a_process() {
    process::serve();
}
