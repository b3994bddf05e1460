//! A transaction that owns its connection, so that it can stay open while its caller does other work. It
//! is rolled back when it is dropped.

use std::ops::Deref;
use std::sync::Arc;

use crate::connection::Connection;
use crate::wal::Checkpoints;
use crate::{Store, StoreError};

#[derive(Debug)]
pub(crate) struct Transaction {
    connection: Connection,
    open: bool,
    checkpoints: Option<Arc<Checkpoints>>,
}

impl Transaction {
    pub(crate) async fn begin(store: &Store) -> Result<Transaction, StoreError> {
        // Owned before BEGIN is sent: if this future is dropped while it waits, Drop sends ROLLBACK.
        let transaction = Transaction {
            connection: store.connection().await?,
            open: true,
            checkpoints: store.checkpoints(),
        };
        transaction.batch("begin a transaction", "BEGIN").await?;
        Ok(transaction)
    }

    /// Commits. The caller's last statement must have succeeded: PostgreSQL answers COMMIT in a
    /// failed transaction by rolling back, without an error.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        faults::at("store/commit").map_err(StoreError::fault("commit"))?;
        self.connection.batch("commit", "COMMIT").await?;
        self.open = false;
        faults::at("store/committed").map_err(StoreError::fault("hear of the commit"))?;
        match &self.checkpoints {
            Some(checkpoints) => checkpoints.committed(&self.connection).await,
            None => Ok(()),
        }
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            // Sent and not awaited, so the connection can be kept (the embedded server has only one),
            // and its next user does not find the transaction open.
            self.connection.send("ROLLBACK");
        }
    }
}
