//! Starting anew: every table emptied.

use crate::{Store, StoreError};

impl Store {
    /// Deletes the election with everything that belongs to it. The schema stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn clear(&self) -> Result<(), StoreError> {
        self.client()
            .await?
            .batch_execute(
                "TRUNCATE candidates, voters, votes, rejected_votes, rejected_voters, tallies, \
                 checkpoints, elections",
            )
            .await
            .map_err(StoreError::database("delete the election"))
    }
}
