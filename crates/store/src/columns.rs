//! From our types to columns and back, and binary COPY.

use std::borrow::Cow;
use std::pin::Pin;

use ballot::VotingTime;
use chrono::{DateTime, NaiveDateTime};
use evidence::Digest;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::StoreError;
use crate::connection::Connection;

/// The `"partition"` column: PostgreSQL has no unsigned integers.
pub(crate) fn partition_column(partition: u32) -> Result<i32, StoreError> {
    i32::try_from(partition).map_err(|_| StoreError::Partition { partition })
}

/// A `timestamp` column.
pub(crate) fn time_column(time: VotingTime) -> NaiveDateTime {
    DateTime::from_timestamp(time.unix_seconds(), 0)
        .expect("invariant: a voting time has a year of four digits")
        .naive_utc()
}

/// The voting time in a column; `None` if its year does not have four digits.
pub(crate) fn time_from(column: NaiveDateTime) -> Option<VotingTime> {
    VotingTime::parse(&column.format(VotingTime::FORMAT).to_string())
}

/// A `bigint` column that holds a number of votes.
pub(crate) fn count_column(count: u64) -> i64 {
    i64::try_from(count).expect("invariant: fewer than 2^63 votes are cast")
}

/// A `LIMIT`.
pub(crate) fn limit_column(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// A `bytea` column that holds a hash.
pub(crate) fn digest_column(digest: &Digest) -> &[u8] {
    digest.as_bytes()
}

/// PostgreSQL's text cannot hold NUL.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A binary COPY of rows into a table.
pub(crate) struct Copy {
    writer: Pin<Box<BinaryCopyInWriter>>,
    doing: &'static str,
}

impl Copy {
    /// Begins a `COPY … FROM STDIN (FORMAT binary)` whose columns have these types.
    pub(crate) async fn begin(
        connection: &Connection,
        doing: &'static str,
        statement: &str,
        types: &[Type],
    ) -> Result<Copy, StoreError> {
        faults::at("store/copy").map_err(StoreError::fault(doing))?;
        let failed = StoreError::database(doing);
        let client = &connection.0;
        let statement = client.prepare_cached(statement).await.map_err(&failed)?;
        let sink = client.copy_in(&statement).await.map_err(failed)?;
        Ok(Copy {
            writer: Box::pin(BinaryCopyInWriter::new(sink, types)),
            doing,
        })
    }

    pub(crate) async fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        faults::at("store/copying").map_err(StoreError::fault(self.doing))?;
        let written = self.writer.as_mut().write(values).await;
        written.map_err(StoreError::database(self.doing))
    }

    pub(crate) async fn finish(mut self) -> Result<(), StoreError> {
        let finished = self.writer.as_mut().finish().await;
        finished.map(drop).map_err(StoreError::database(self.doing))
    }
}
