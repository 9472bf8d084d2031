//! Links many mini programs to many Official Accounts, and records the outcome of each row.
//!
//! A *job* is a folder with the rows, sorted by account, and a journal that is only ever appended
//! to. A job that was interrupted or killed is resumed from there. A *queue* does the same work on
//! many machines through a Redis.
//!
//! One worker at a time works on an account. It reads the account's list once and posts only what
//! the list does not show. A post is noted in the journal or the queue before it is made, so that
//! after a kill it is repeated only when it can no longer take effect.
//!
//! # Layout
//!
//! The lowest layer first. A module imports only from layers listed before it.
//!
//! - `message`: messages in English and Chinese. `lock`, `random`, `stop`: small tools.
//! - `rate`: limits on calls. `quota`: WeChat's quotas and when they are reset.
//! - `severity`: how serious a result is. `error`: the error of jobs and queues.
//! - `spreadsheet`: cells that spreadsheets do not run as formulas.
//! - `columns`: the columns of rows. `field`: the fields of JSON objects.
//! - `template`: empty files of rows to fill in.
//! - `row`: one link to make. `posts`: the invitations posted for it.
//! - `outcome`: a row's outcome and record, and counts of outcomes.
//! - `input`: reads and checks rows from CSV, JSON and XLSX.
//! - `folder`: a folder in which only files of ours are replaced or removed.
//! - `report`: a CSV file for each outcome.
//! - `runner`: processes accounts with a pool of workers, and detects outages.
//! - `follow`: follows invitations until the administrators have decided.
//! - `job`: jobs in a folder.
//! - `queue`: queues in a Redis.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod columns;
mod error;
mod field;
mod folder;
mod follow;
mod input;
mod job;
mod lock;
mod message;
mod outcome;
mod posts;
mod queue;
mod quota;
mod random;
mod rate;
mod report;
mod row;
mod runner;
mod severity;
mod spreadsheet;
mod stop;
mod template;

pub use columns::{LINK_COLUMNS, LinkColumn, OtherCell, OtherCells, column_of};
pub use error::BulkError;
pub use field::{Field, FieldValue};
pub use follow::{FollowConfig, FollowEnd, Follower};
pub use input::{Encoding, Format, ReadOptions, Rows, read_rows};
pub use job::{Job, JobView, OverQuotaAccount, Plan, PlannedAction, ResumeMode, UnreadableAccount};
pub use message::Message;
pub use outcome::{Outcome, OutcomeCount, Place, Record, Tally};
pub use queue::{
    Collected, JobStatus, PushProgress, Pushed, Queue, QueueStatus, QueuedResult, WorkerConfig,
    WorkerStatus,
};
pub use quota::format_beijing_time;
pub use rate::{Rate, Rates};
pub use report::{Report, ReportFile};
pub use row::{BadRow, Row, RowDefaults};
pub use runner::{RunEnd, Runner};
pub use severity::Severity;
pub use spreadsheet::{BYTE_ORDER_MARK, csv_line};
pub use stop::StopFlag;
pub use template::{csv_template, xlsx_template};
