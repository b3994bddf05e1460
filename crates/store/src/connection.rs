//! A connection of the pool: the statements on it, each prepared once, and the rows that they return.
//! Their errors say what was being done.

use deadpool_postgres::Object;
use evidence::Digest;
use futures_util::FutureExt;
use tokio_postgres::types::{FromSql, ToSql};

use crate::StoreError;

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

#[derive(Debug)]
pub(crate) struct Connection(pub(crate) Object);

impl Connection {
    pub(crate) async fn query(
        &self,
        doing: &'static str,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let failed = StoreError::database(doing);
        let statement = self.0.prepare_cached(statement).await.map_err(&failed)?;
        let rows = self.0.query(&statement, parameters).await.map_err(failed)?;
        Ok(rows.into_iter().map(|row| Row { row, doing }).collect())
    }

    pub(crate) async fn query_one(
        &self,
        doing: &'static str,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Row, StoreError> {
        let failed = StoreError::database(doing);
        let statement = self.0.prepare_cached(statement).await.map_err(&failed)?;
        let row = self.0.query_one(&statement, parameters).await;
        row.map(|row| Row { row, doing }).map_err(failed)
    }

    /// For statements that return at most one row.
    pub(crate) async fn query_opt(
        &self,
        doing: &'static str,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(doing, statement, parameters).await?.pop())
    }

    /// Returns how many rows changed.
    pub(crate) async fn execute(
        &self,
        doing: &'static str,
        statement: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, StoreError> {
        let failed = StoreError::database(doing);
        let statement = self.0.prepare_cached(statement).await.map_err(&failed)?;
        let changed = self.0.execute(&statement, parameters).await;
        changed.map_err(failed)
    }

    /// Runs statements without parameters.
    pub(crate) async fn batch(
        &self,
        doing: &'static str,
        statements: &str,
    ) -> Result<(), StoreError> {
        let done = self.0.batch_execute(statements).await;
        done.map_err(StoreError::database(doing))
    }

    /// Sends a statement without waiting for its answer. One poll queues it, behind what was sent before
    /// and ahead of what the connection's next user sends.
    pub(crate) fn send(&self, statement: &str) {
        if let Some(Err(error)) = self.0.batch_execute(statement).now_or_never() {
            tracing::debug!("{statement} was not sent, the connection is closed: {error}");
        }
    }
}

/// A row that a statement returned.
#[derive(Debug)]
pub(crate) struct Row {
    row: tokio_postgres::Row,
    doing: &'static str,
}

impl Row {
    pub(crate) fn get<'r, T: FromSql<'r>>(&'r self, column: usize) -> Result<T, StoreError> {
        let value = self.row.try_get(column);
        value.map_err(StoreError::database(self.doing))
    }

    /// A partition; PostgreSQL has no unsigned integers.
    pub(crate) fn partition(&self, table: &'static str, column: usize) -> Result<u32, StoreError> {
        let partition: i32 = self.get(column)?;
        u32::try_from(partition).map_err(|_| StoreError::Damaged {
            table,
            problem: format!("there is a row of partition {partition}"),
        })
    }

    /// A number of votes or of rows.
    pub(crate) fn count(&self, table: &'static str, column: usize) -> Result<u64, StoreError> {
        let count: i64 = self.get(column)?;
        u64::try_from(count).map_err(|_| StoreError::Damaged {
            table,
            problem: format!("there is a count of {count}"),
        })
    }

    /// A hash, unless the column is null.
    pub(crate) fn digest(
        &self,
        table: &'static str,
        column: usize,
    ) -> Result<Option<Digest>, StoreError> {
        let Some(bytes) = self.get::<Option<&[u8]>>(column)? else {
            return Ok(None);
        };
        let digest = bytes.try_into().map(Digest::from_bytes);
        digest.map(Some).map_err(|_| StoreError::Damaged {
            table,
            problem: format!("there is a hash of {} bytes", bytes.len()),
        })
    }
}
