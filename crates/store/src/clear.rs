//! Starting over: empties every table.

use crate::{Store, StoreError};

/// Leases are not deleted but change hands. Their epochs must not restart, and their holders have
/// counted the election that is deleted here; the members stay and take the leases again. Leases come
/// first, by partition: everyone who writes under a lease locks in this order.
const CLEAR: &str = r#"
WITH locked AS (SELECT "partition" FROM partition_leases ORDER BY "partition" FOR UPDATE)
UPDATE partition_leases AS lease SET member = NULL, epoch = lease.epoch + 1
FROM locked WHERE lease."partition" = locked."partition";
TRUNCATE candidates, voters, votes, rejected_votes, rejected_voters, dead_letters, tallies, checkpoints, elections,
    bridge_inbound, log_chain, seals
"#;

impl Store {
    /// Deletes the election with everything that belongs to it, but not the schema. Running consumers
    /// lose their leases, so they store nothing of the old election in the new one.
    pub async fn clear(&self) -> Result<(), StoreError> {
        let connection = self.connection().await?;
        connection.batch("delete the election", CLEAR).await
    }
}
