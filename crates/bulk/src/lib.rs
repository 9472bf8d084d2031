//! Links of many accounts at once, and what becomes of each row.
//!
//! A *job* is a folder: the rows in the order of their accounts, and a journal that is only ever appended to. Whoever
//! is killed goes on from there. Each account is visited by one worker at a time, which reads its list once and posts
//! what the list shows no trace of; that is why nothing is posted twice, whenever the killing was.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod calendar;
mod engine;
mod error;
mod folder;
mod job;
mod journal;
mod json;
mod lines;
mod local;
mod outcome;
mod pace;
mod plan;
mod queue;
mod report;
mod row;
mod sync;
mod table;
mod verdict;

pub use calendar::shown as in_beijing;
pub use engine::{Crew, End, Stop};
pub use error::BulkError;
pub use job::{Job, Reopen};
pub use local::Rates;
pub use outcome::{Outcome, Record, Tally};
pub use pace::Rate;
pub use plan::{Finding, Plan};
pub use queue::{Arrived, Collected, Queue, Standing, Terms};
pub use report::Report;
pub use row::{BadRow, Choices, Format, Row, column_of, read_rows};
pub use verdict::Verdict;
