//! Writes the report of a job from its journal.

use wxlink::Lang;

use super::state::Job;
use crate::error::BulkError;
use crate::outcome::Record;
use crate::report::{Report, ReportWriter};

/// The folder of the report, within the job's.
const REPORT: &str = "report";

impl Job {
    /// Writes a CSV file for each outcome into the folder `report` within the job's. Replaces an
    /// earlier report of the job, and no other files. `lang` is the language of remedies that no
    /// record contains.
    ///
    /// # Errors
    /// The files cannot be written, or files that the job did not write are in the way.
    pub fn report(&self, lang: Lang) -> Result<Report, BulkError> {
        let mut writer = self.report_writer(lang)?;
        writer.set_other_columns(self.other_columns().to_vec());
        for record in self.last_records()? {
            writer.add(&record?)?;
        }
        writer.finish()
    }

    /// The record of each row that has one. A row that was retried or followed has several records;
    /// the last one counts.
    pub(super) fn last_records(
        &self,
    ) -> Result<impl Iterator<Item = Result<Record, BulkError>> + '_, BulkError> {
        let mut last_record: Vec<u32> = vec![0; self.line_slots()];
        for (nth, record) in self.journal().records()?.enumerate() {
            let line = usize::try_from(record?.row.line).unwrap_or(usize::MAX);
            if let Some(last) = last_record.get_mut(line) {
                *last = u32::try_from(nth).unwrap_or(u32::MAX);
            }
        }
        let records = self.journal().records()?.enumerate();
        Ok(records.filter_map(move |(nth, record)| {
            let record = match record {
                Ok(record) => record,
                Err(e) => return Some(Err(e)),
            };
            let line = usize::try_from(record.row.line).unwrap_or(usize::MAX);
            let last = last_record.get(line);
            last.is_some_and(|last| *last as usize == nth)
                .then_some(Ok(record))
        }))
    }

    /// Checks whether a report could be written, so that the problem is found before the work.
    ///
    /// # Errors
    /// See [`Job::report`].
    pub fn check_report(&self) -> Result<(), BulkError> {
        self.report_writer(Lang::En).map(drop)
    }

    fn report_writer(&self, lang: Lang) -> Result<ReportWriter, BulkError> {
        ReportWriter::new(&self.dir().join(REPORT), self.identity(), lang)
    }
}
