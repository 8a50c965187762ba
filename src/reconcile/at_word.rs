//! A run that a person starts from a terminal, with rights of their own. It goes the way of the guard's; but what fails
//! before anything was registered is that person's to mend, who sees it at once: it wakes nobody else, and leaves no record
//! of a guard that could not do its work.

use jiff::Timestamp;

use super::{Concluded, Guard, RunError};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::outcome::Alerting;
use crate::domain::provenance::Provenance;
use crate::domain::report::{Failure, Report};

impl Guard {
    /// Brings the world around a revision into order at a person's word, and tells and records what came of it. The caller
    /// has made sure that what this person registers is ours by the functions' settings: or nothing could undo it.
    ///
    /// # Errors
    /// When the run did not come to an outcome, or nobody could be told. The same again goes on where it stopped.
    pub async fn remedy_at_word(
        &self,
        id: &TaskDefinitionId,
        provenance: &Provenance,
        deadline: Timestamp,
    ) -> Result<Concluded, RunError> {
        let (report, past) = Box::pin(self.reconcile(id, provenance, deadline, self.patience(deadline))).await?;
        if is_theirs_to_mend(&report) {
            return Ok(Concluded::of(report.answer(Alerting::None), report));
        }
        let concluded = Box::pin(self.report(report, past, deadline)).await?;
        // No sweep need come after it: what is older than its first run it leaves alone.
        Box::pin(self.follow_to_services(concluded, usize::MAX, provenance, deadline)).await
    }
}

/// Whether a call was refused before anything was registered. What somebody did to the bucket is told as ever.
fn is_theirs_to_mend(report: &Report) -> bool {
    report.made.is_empty() && matches!(report.failure, Some(Failure::Call(_)))
}
