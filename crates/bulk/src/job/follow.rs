//! Follows the invitations of a job until the administrators have decided.

use std::time::Duration;

use wxlink::Lang;

use super::state::Job;
use crate::error::BulkError;
use crate::follow::{Arrivals, DecisionSink, FollowEnd, Follower, Invitation};
use crate::outcome::Record;

impl Job {
    /// Follows the rows that were invited, until the administrators have decided, the limit of the
    /// follower has passed or a stop is requested. Each decision becomes the row's outcome: linked,
    /// or declined. The report is kept up to date.
    ///
    /// `observer` is called with each decision before it is kept: after a kill in between, it is
    /// called again.
    ///
    /// # Errors
    /// The journal or the report cannot be written, or the system is out of threads. Decisions that
    /// were made are kept.
    pub fn follow(
        &self,
        follower: &Follower<'_>,
        observer: &(dyn Fn(&Record) + Sync),
    ) -> Result<FollowEnd, BulkError> {
        let sink = JobSink {
            job: self,
            lang: follower.client.lang(),
            observer,
        };
        let end = follower.run(&sink);
        self.journal().sync()?;
        end
    }
}

struct JobSink<'a> {
    job: &'a Job,
    /// The language of the report.
    lang: Lang,
    observer: &'a (dyn Fn(&Record) + Sync),
}

impl DecisionSink for JobSink<'_> {
    fn arrivals(&self) -> Result<Arrivals, BulkError> {
        let mut invitations = Vec::new();
        for record in self.job.last_records()? {
            let record = record?;
            if record.outcome.is_open() {
                invitations.push(Invitation {
                    record,
                    job: String::new(),
                });
            }
        }
        Ok(Arrivals {
            invitations,
            is_complete: true,
        })
    }

    fn place_interval(&self) -> Option<Duration> {
        // The folder of the job is locked.
        None
    }

    fn keep_place(&self) -> Result<(), BulkError> {
        Ok(())
    }

    fn decide(&self, invitation: &Invitation, decision: Record) -> Result<(), BulkError> {
        (self.observer)(&decision);
        self.job
            .replace_record(invitation.record.outcome, &decision)
    }

    fn write_report(&self) -> Result<(), BulkError> {
        self.job.report(self.lang).map(drop)
    }
}
