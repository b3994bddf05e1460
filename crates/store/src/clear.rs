//! Starting anew: every table emptied.

use crate::{Store, StoreError};

/// Leases are not deleted but change hands: their epochs must not begin anew, and a holder
/// has counted the election that is deleted here. The members live on, and take them again. First of
/// all, and by partition, since that is the order in which those who write under a lease lock.
const CLEAR: &str = r#"
WITH locked AS (SELECT "partition" FROM partition_leases ORDER BY "partition" FOR UPDATE)
UPDATE partition_leases AS lease SET member = NULL, epoch = lease.epoch + 1
FROM locked WHERE lease."partition" = locked."partition";
TRUNCATE candidates, voters, votes, rejected_votes, rejected_voters, tallies, checkpoints, elections,
    bridge_inbound, log_chain, seals
"#;

impl Store {
    /// Deletes the election with everything that belongs to it. The schema stays; consumers that run
    /// lose their leases, so that they store nothing of the old election in the new one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.client()
            .await?
            .batch_execute(CLEAR)
            .await
            .map_err(StoreError::database("delete the election"))
    }
}
