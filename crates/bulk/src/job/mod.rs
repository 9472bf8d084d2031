//! Jobs: many links, kept in a folder so that the work can be interrupted and resumed.
//!
//! - `manifest`: what is known about all rows, in `job.json`.
//! - `import`: writes the rows into the folder, sorted by account.
//! - `journal`: the records, appended one by one.
//! - `state`: [`Job`], which ties these together: which rows are left, and who may work on them.
//! - `view`: a job that is only looked at.
//! - `source`: hands out the accounts of a job to workers; runs a job.
//! - `plan`: finds out what a job would do.
//! - `report`: writes the CSV files.
//! - `follow`: follows invitations until the administrators have decided.

mod follow;
mod import;
mod journal;
mod manifest;
mod plan;
mod report;
mod source;
mod state;
mod view;

pub use plan::{OverQuotaAccount, Plan, PlannedAction, UnreadableAccount};
pub use state::{Job, ResumeMode};
pub use view::JobView;
