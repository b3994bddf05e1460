//! From our types to columns and back, and binary COPY.

use std::borrow::Cow;
use std::pin::Pin;

use ballot::VotingTime;
use chrono::{DateTime, NaiveDateTime};
use deadpool_postgres::ClientWrapper;
use evidence::Digest;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::StoreError;

/// The `"partition"` column: PostgreSQL has no unsigned integers.
pub(crate) fn partition_column(partition: u32) -> Result<i32, StoreError> {
    i32::try_from(partition).map_err(|_| StoreError::Partition { partition })
}

/// The partition that a column says.
pub(crate) fn partition_from(table: &'static str, column: i32) -> Result<u32, StoreError> {
    u32::try_from(column).map_err(|_| StoreError::Damaged {
        table,
        problem: format!("there is a row of partition {column}"),
    })
}

/// A `timestamp` column.
pub(crate) fn time_column(time: VotingTime) -> NaiveDateTime {
    DateTime::from_timestamp(time.unix_seconds(), 0)
        .expect("invariant: a voting time has a year of four digits")
        .naive_utc()
}

/// The voting time that a column says; `None` when its year has not four digits.
pub(crate) fn time_from(column: NaiveDateTime) -> Option<VotingTime> {
    VotingTime::parse(&column.format(VotingTime::FORMAT).to_string())
}

/// A `bigint` column that holds a number of votes.
pub(crate) fn count_column(count: u64) -> i64 {
    i64::try_from(count).expect("invariant: fewer than 2^63 votes are cast")
}

/// The count that a column says.
pub(crate) fn count_from(table: &'static str, column: i64) -> Result<u64, StoreError> {
    u64::try_from(column).map_err(|_| StoreError::Damaged {
        table,
        problem: format!("{column} is no number of votes"),
    })
}

/// A `bytea` column that holds a hash.
pub(crate) fn digest_column(digest: &Digest) -> &[u8] {
    digest.as_bytes()
}

/// The hash that a column says.
pub(crate) fn digest_from(table: &'static str, column: &[u8]) -> Result<Digest, StoreError> {
    let bytes = column.try_into().map_err(|_| StoreError::Damaged {
        table,
        problem: format!("a hash of {} bytes", column.len()),
    })?;
    Ok(Digest::from_bytes(bytes))
}

/// Text as PostgreSQL takes it, which is any but NUL.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Rows on their way into a table, by binary COPY.
pub(crate) struct Copy {
    writer: Pin<Box<BinaryCopyInWriter>>,
    doing: &'static str,
}

impl Copy {
    /// Begins a `COPY … FROM STDIN (FORMAT binary)` whose columns have these types.
    pub(crate) async fn begin(
        client: &ClientWrapper,
        doing: &'static str,
        statement: &str,
        types: &[Type],
    ) -> Result<Copy, StoreError> {
        faults::at("store/copy").map_err(StoreError::fault(doing))?;
        let failed = StoreError::database(doing);
        let statement = client.prepare_cached(statement).await.map_err(&failed)?;
        let sink = client.copy_in(&statement).await.map_err(&failed)?;
        Ok(Copy {
            writer: Box::pin(BinaryCopyInWriter::new(sink, types)),
            doing,
        })
    }

    pub(crate) async fn row(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        faults::at("store/copying").map_err(StoreError::fault(self.doing))?;
        self.writer
            .as_mut()
            .write(values)
            .await
            .map_err(StoreError::database(self.doing))
    }

    pub(crate) async fn finish(mut self) -> Result<u64, StoreError> {
        self.writer
            .as_mut()
            .finish()
            .await
            .map_err(StoreError::database(self.doing))
    }
}
