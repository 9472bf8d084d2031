//! A job that is only looked at: also while another process works on it.

use std::path::Path;

use wxlink::Lang;

use super::manifest::Manifest;
use super::state::Job;
use crate::error::BulkError;
use crate::outcome::Tally;
use crate::report::Report;

/// A job as its files describe it at one moment. Nothing in its folder changes but the report.
pub struct JobView(Job);

impl JobView {
    /// Reads a job. Another process may work on it at the same time.
    ///
    /// # Errors
    /// The folder holds no job, or its files do not belong together.
    pub fn read(dir: &Path) -> Result<JobView, BulkError> {
        Job::read(dir, Manifest::read(dir)?).map(JobView)
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.0.rows()
    }

    /// How many accounts its rows are for.
    pub fn accounts(&self) -> u64 {
        self.0.accounts()
    }

    /// Its rows with an outcome, by outcome.
    pub fn tally(&self) -> &Tally {
        self.0.tally()
    }

    /// How many of its rows have no outcome, or are deferred and due.
    pub fn left(&self) -> u64 {
        self.0.left()
    }

    /// Writes the report again: see [`Job::report`].
    ///
    /// # Errors
    /// See [`Job::report`].
    pub fn report(&self, lang: Lang) -> Result<Report, BulkError> {
        self.0.report(lang)
    }
}
