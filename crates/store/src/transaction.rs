//! A transaction that owns its connection, so that it can be kept open across the caller's own
//! work, and that cannot leak: dropped, it is rolled back.

use std::ops::Deref;
use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Object};
use futures_util::FutureExt;

use crate::wal::Checkpoints;
use crate::{Store, StoreError};

#[derive(Debug)]
pub(crate) struct Transaction {
    client: Object,
    open: bool,
    checkpoints: Option<Arc<Checkpoints>>,
}

impl Transaction {
    pub(crate) async fn begin(store: &Store) -> Result<Transaction, StoreError> {
        // Owned before BEGIN is sent: if this future is dropped while it waits, Drop sends ROLLBACK.
        let transaction = Transaction {
            client: store.client().await?,
            open: true,
            checkpoints: store.checkpoints(),
        };
        transaction
            .batch_execute("BEGIN")
            .await
            .map_err(StoreError::database("begin a transaction"))?;
        Ok(transaction)
    }

    /// Commits. The caller's last statement must have succeeded: PostgreSQL answers COMMIT in a
    /// failed transaction by rolling back, without an error.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        faults::at("store/commit").map_err(StoreError::fault("commit"))?;
        self.client
            .batch_execute("COMMIT")
            .await
            .map_err(StoreError::database("commit"))?;
        self.open = false;
        faults::at("store/committed").map_err(StoreError::fault("hear of the commit"))?;
        match &self.checkpoints {
            Some(checkpoints) => checkpoints.committed(&self.client).await,
            None => Ok(()),
        }
    }
}

impl Deref for Transaction {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // Polled once, the statement is queued on the connection, after whatever was sent before and
        // before whatever the pool's next user sends. So the connection can be kept (the embedded
        // server has only one), and nobody finds the transaction open.
        if let Some(Err(error)) = self.client.batch_execute("ROLLBACK").now_or_never() {
            tracing::debug!("the connection is closed, and the transaction with it: {error}");
        }
    }
}
