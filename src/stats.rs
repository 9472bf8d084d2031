//! What a client has done since it was created, in numbers: calls by endpoint and outcome, their
//! durations, connections and tokens. Handles of one client share them.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::model::attempt::{Attempt, Phase};
use crate::model::delivery::Delivery;
use crate::model::endpoint::Endpoint;
use crate::model::status::Status;
use crate::sys::lock::lock;

/// Each power of two of microseconds is divided into 8 buckets, so that a bucket's limits differ by
/// at most an eighth.
const SUB_BUCKET_BITS: u32 = 3;
const SUB_BUCKETS: u32 = 1 << SUB_BUCKET_BITS;
/// Enough buckets for all values of a `u32`: 71 minutes.
const BUCKETS: usize = ((u32::BITS - SUB_BUCKET_BITS + 1) * SUB_BUCKETS) as usize;

/// The numbers of a client since it was created. [`Client::stats`](crate::Client::stats) returns
/// them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClientStats {
    /// When the client was created (s since 1970).
    pub since: u64,
    /// The endpoints that were called, in the order of their first calls.
    pub endpoints: Vec<EndpointStats>,
    /// The calls of `ensure_linked` and `wait_linked` that ended as
    /// [`LinkState::InDoubt`](crate::LinkState::InDoubt).
    pub in_doubt: u64,
    /// The access tokens that the client fetched from its token source.
    pub tokens_fetched: u64,
    /// The connections that were opened, proxy and TLS handshakes included.
    pub connections_opened: u64,
    /// The attempts that used a connection of an earlier one.
    pub connections_reused: u64,
    /// The connections that are open now and not in use.
    pub connections_idle: usize,
}

/// The calls of one endpoint. A call includes the fetch of its token, its retries and their pauses.
/// Calls with an invalid argument are not counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointStats {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// How many calls ended with each status.
    pub outcomes: Vec<(Status, u64)>,
    /// The attempts of calls after their first ones, at the same or another host.
    pub retries: u64,
    /// The calls whose request was sent and not answered by WeChat.
    pub delivery_unknown: u64,
    /// How long the calls took.
    pub latency: Histogram,
}

/// Durations, counted in buckets whose limits differ by at most an eighth.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    sum_us: u64,
    max_us: u32,
}

/// The durations from the limit of the previous bucket up to, and without, `below`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The shortest duration that is too long for the bucket.
    pub below: Duration,
    /// How many durations it has.
    pub count: u64,
}

impl Histogram {
    const EMPTY: Histogram = Histogram {
        counts: [0; BUCKETS],
        sum_us: 0,
        max_us: 0,
    };

    fn add(&mut self, duration: Duration) {
        let us = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
        self.counts[bucket_of(us)] += 1;
        self.sum_us += u64::from(us);
        self.max_us = self.max_us.max(us);
    }

    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all durations.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_us)
    }

    /// The longest duration.
    pub fn max(&self) -> Duration {
        Duration::from_micros(self.max_us.into())
    }

    /// The buckets that are not empty, in ascending order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        let buckets = self.counts.iter().enumerate();
        buckets.filter(|(_, n)| **n > 0).map(|(i, n)| Bucket {
            below: Duration::from_micros(limit_us(i)),
            count: *n,
        })
    }
}

/// Values below the number of sub-buckets have a bucket each. A larger one is found by its highest
/// bit and the `SUB_BUCKET_BITS` bits after it.
fn bucket_of(us: u32) -> usize {
    let shift = us
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(SUB_BUCKET_BITS);
    (shift * SUB_BUCKETS + (us >> shift)) as usize
}

/// The limit of a bucket, which does not belong to it.
fn limit_us(bucket: usize) -> u64 {
    let (bucket, sub) = (bucket as u64, u64::from(SUB_BUCKETS));
    let shift = (bucket / sub).saturating_sub(1);
    (bucket - shift * sub + 1) << shift
}

impl ClientStats {
    /// The numbers as JSON, in the form that `wx_client_stats` of the C interface describes.
    pub fn json(&self) -> Value {
        let endpoints: Map<String, Value> = self
            .endpoints
            .iter()
            .map(|e| (e.endpoint.as_str().to_owned(), e.json()))
            .collect();
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "since": self.since,
            "endpoints": endpoints,
            "in_doubt": self.in_doubt,
            "tokens_fetched": self.tokens_fetched,
            "connections": {
                "opened": self.connections_opened,
                "reused": self.connections_reused,
                "idle": self.connections_idle,
            },
        })
    }

    fn endpoint(&mut self, endpoint: Endpoint) -> &mut EndpointStats {
        let known = self.endpoints.iter().position(|e| e.endpoint == endpoint);
        let index = known.unwrap_or_else(|| {
            self.endpoints.push(EndpointStats {
                endpoint,
                outcomes: Vec::new(),
                retries: 0,
                delivery_unknown: 0,
                latency: Histogram::EMPTY,
            });
            self.endpoints.len() - 1
        });
        &mut self.endpoints[index]
    }
}

impl EndpointStats {
    fn json(&self) -> Value {
        let outcomes = self.outcomes.iter();
        let outcomes: Map<String, Value> = outcomes
            .map(|(status, n)| (status.name().to_owned(), (*n).into()))
            .collect();
        let bucket = |b: Bucket| json!({"below_us": b.below.as_micros() as u64, "calls": b.count});
        let buckets: Vec<Value> = self.latency.buckets().map(bucket).collect();
        json!({
            "calls": self.latency.count(),
            "outcomes": outcomes,
            "retries": self.retries,
            "delivery_unknown": self.delivery_unknown,
            "latency": {
                "sum_us": self.latency.sum_us,
                "max_us": self.latency.max_us,
                "buckets": buckets,
            },
        })
    }
}

/// A call that has ended.
pub(crate) struct FinishedCall<'a> {
    pub endpoint: Endpoint,
    pub outcome: Status,
    pub delivery: Delivery,
    pub attempts: &'a [Attempt],
    pub duration: Duration,
}

/// Collects the numbers of a client.
pub(crate) struct Stats(Mutex<ClientStats>);

impl Stats {
    pub fn new() -> Stats {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Stats(Mutex::new(ClientStats {
            since: since.map_or(0, |since| since.as_secs()),
            ..ClientStats::default()
        }))
    }

    /// What was counted so far.
    pub fn snapshot(&self) -> ClientStats {
        lock(&self.0).clone()
    }

    pub fn count_call(&self, call: &FinishedCall<'_>) {
        let opened = |a: &&Attempt| !a.reused && a.phase >= Phase::Send;
        let mut stats = lock(&self.0);
        stats.connections_opened += call.attempts.iter().filter(opened).count() as u64;
        stats.connections_reused += call.attempts.iter().filter(|a| a.reused).count() as u64;
        let endpoint = stats.endpoint(call.endpoint);
        match endpoint
            .outcomes
            .iter_mut()
            .find(|(s, _)| *s == call.outcome)
        {
            Some((_, n)) => *n += 1,
            None => endpoint.outcomes.push((call.outcome, 1)),
        }
        endpoint.retries += call.attempts.len().saturating_sub(1) as u64;
        endpoint.delivery_unknown += u64::from(call.delivery == Delivery::Unknown);
        endpoint.latency.add(call.duration);
    }

    pub fn count_in_doubt(&self) {
        lock(&self.0).in_doubt += 1;
    }

    pub fn count_token(&self) {
        lock(&self.0).tokens_fetched += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::client::{Client, LinkChoices};
    use crate::config::options::Options;

    #[test]
    fn a_bucket_has_the_values_below_its_limit_and_not_below_that_of_the_previous_one() {
        let powers = (0..u32::BITS).flat_map(|bit| {
            let power = 1_u32 << bit;
            [power - 1, power, power + 1, power + power / 3]
        });
        for us in powers.chain([0, 1000, 999_999, u32::MAX]) {
            let bucket = bucket_of(us);
            assert!(bucket < BUCKETS, "{us}");
            assert!(u64::from(us) < limit_us(bucket), "{us}");
            assert!(bucket == 0 || u64::from(us) >= limit_us(bucket - 1), "{us}");
        }
        assert_eq!(bucket_of(u32::MAX), BUCKETS - 1);
    }

    #[test]
    fn the_limits_of_a_bucket_differ_by_at_most_an_eighth() {
        for bucket in SUB_BUCKETS as usize..BUCKETS {
            let (low, limit) = (limit_us(bucket - 1), limit_us(bucket));
            assert!(limit > low && (limit - low) * 8 <= low, "{low} {limit}");
        }
    }

    #[test]
    fn a_duration_beyond_all_buckets_is_in_the_last_one() {
        let mut histogram = Histogram::EMPTY;
        histogram.add(Duration::from_millis(3));
        histogram.add(Duration::MAX);
        let buckets: Vec<Bucket> = histogram.buckets().collect();
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.max(), Duration::from_micros(u32::MAX.into()));
        assert_eq!(buckets.len(), 2);
        assert_eq!(buckets[1].below.as_micros(), 1 << 32);
    }

    /// The fastest of many, because other programs may delay any of them.
    fn fastest(count: u32, mut work: impl FnMut()) -> Duration {
        let time = |_| {
            let started = Instant::now();
            work();
            started.elapsed()
        };
        (0..count).map(time).min().unwrap()
    }

    #[test]
    fn counting_takes_at_most_a_hundredth_of_a_link() {
        let sandbox = wxlink_sandbox::Sandbox::start(Default::default()).unwrap();
        let mut options = Options::new();
        options.set("base_url", sandbox.http_url()).unwrap();
        let client = Client::new(&options).unwrap();
        let choices = LinkChoices {
            notify_users: false,
            show_profile: false,
        };
        // Refused, so that it can be repeated.
        let appid = "wx0b000000000000e1";
        let link = fastest(200, || {
            let refused = client.link_miniprogram("SANDBOX-TOKEN", appid, choices);
            assert_eq!(refused.unwrap_err().errcode(), Some(89013));
        });
        let (stats, refused) = (Stats::new(), client.link_miniprogram("", appid, choices));
        let refused = refused.unwrap_err();
        let counting = fastest(200, || {
            stats.count_call(&FinishedCall {
                endpoint: Endpoint::Link,
                outcome: refused.status(),
                delivery: refused.delivery(),
                attempts: refused.attempts(),
                duration: link,
            });
        });
        assert!(counting * 100 <= link, "{counting:?} of {link:?}");
    }

    #[test]
    fn attempts_are_counted_as_retries_and_connections() {
        let attempt = |phase, reused| Attempt {
            host: String::new(),
            phase,
            ms: 0,
            reused,
            outcome: Status::Connect,
            http_status: 0,
            repaired: false,
            detail: String::new(),
        };
        let stats = Stats::new();
        stats.count_call(&FinishedCall {
            endpoint: Endpoint::Get,
            outcome: Status::Timeout,
            delivery: Delivery::Unknown,
            attempts: &[
                attempt(Phase::Connect, false),
                attempt(Phase::Wait, false),
                attempt(Phase::Done, true),
            ],
            duration: Duration::from_micros(1),
        });
        let json = stats.snapshot().json();
        assert_eq!(
            json["endpoints"]["get"],
            json!({
                "calls": 1,
                "outcomes": {"TIMEOUT": 1},
                "retries": 2,
                "delivery_unknown": 1,
                "latency": {
                    "sum_us": 1, "max_us": 1, "buckets": [{"below_us": 2, "calls": 1}],
                },
            })
        );
        let connections = json!({"opened": 1, "reused": 1, "idle": 0});
        assert_eq!(json["connections"], connections);
    }
}
