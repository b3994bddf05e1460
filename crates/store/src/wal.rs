//! Keeps the write-ahead log of the embedded server short.
//!
//! A PostgreSQL server has a process that makes checkpoints; the log before a checkpoint can be deleted.
//! The embedded server has no such process. Without checkpoints its log would outgrow the rows without
//! limit, and a start after a crash would read all of it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::StoreError;
use crate::connection::Connection;

/// Commits between two checks of the log. A transaction of votes writes some 6 MB.
const COMMITS_PER_CHECK: u32 = 16;

/// A checkpoint is due when the log since the last one is at least half as large as the database, and at
/// least [`SHORTEST_LOG_BYTES`]. So the number of checkpoints grows with the logarithm of the rows, and the
/// log takes about a third of the server's disk space at most.
const DATABASE_PER_LOG: i64 = 2;

/// The first change of a page after a checkpoint writes the whole page to the log. If checkpoints were more
/// frequent, the log would consist mostly of these pages.
const SHORTEST_LOG_BYTES: i64 = 512 << 20;

const LENGTHS: &str = "
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::bigint, pg_database_size(current_database())
FROM pg_control_checkpoint()
";

/// Files of the log that the last checkpoint should have deleted.
const LEFT_BEHIND: &str = "
SELECT count(*) FROM pg_ls_waldir()
WHERE name < (SELECT pg_walfile_name(redo_lsn) FROM pg_control_checkpoint())
";

/// Asks for checkpoints.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    commits: AtomicU32,
}

impl Checkpoints {
    /// To be called after each commit; makes a checkpoint if one is due.
    pub(crate) async fn committed(&self, connection: &Connection) -> Result<(), StoreError> {
        let commits = self.commits.fetch_add(1, Ordering::Relaxed);
        if !commits.is_multiple_of(COMMITS_PER_CHECK) {
            return Ok(());
        }
        let row = connection
            .query_one("check the length of its log", LENGTHS, &[])
            .await?;
        let (wal, database): (i64, i64) = (row.get(0)?, row.get(1)?);
        if wal < (database / DATABASE_PER_LOG).max(SHORTEST_LOG_BYTES) {
            return Ok(());
        }
        tracing::debug!(wal, database, "a checkpoint of the embedded PostgreSQL");
        make_checkpoint(connection).await
    }
}

/// Makes checkpoints until nothing is left behind. The server deletes files from the directory that it is
/// listing, and WASI remembers the position in a listing as a number of entries: for every 84 files that are
/// deleted, 84 others are skipped.
async fn make_checkpoint(connection: &Connection) -> Result<(), StoreError> {
    let doing = "make a checkpoint";
    let mut left = i64::MAX;
    loop {
        connection.batch(doing, "CHECKPOINT").await?;
        let now: i64 = connection
            .query_one(doing, LEFT_BEHIND, &[])
            .await?
            .get(0)?;
        if now == 0 || now >= left {
            return Ok(());
        }
        left = now;
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use crate::transaction::Transaction;
    use crate::{EmbeddedPostgres, Store};

    use super::*;

    const PIECE_BYTES: i64 = 50_000_000;
    /// Writes this many pieces of the log, each one record.
    const PIECES: &str = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 50000000))
                          FROM generate_series(1, $1::int)";

    /// The length of the log after this many more pieces, and then some commits.
    async fn length_after(store: &Store, pieces: i32) -> i64 {
        let connection = store.connection().await.unwrap();
        connection.query("test", PIECES, &[&pieces]).await.unwrap();
        drop(connection);
        for _ in 0..COMMITS_PER_CHECK + 1 {
            let transaction = Transaction::begin(store).await.unwrap();
            transaction.commit().await.unwrap();
        }
        count(store, LENGTHS).await
    }

    async fn count(store: &Store, query: &str) -> i64 {
        let connection = store.connection().await.unwrap();
        let row = connection.query_one("test", query, &[]).await.unwrap();
        row.get(0).unwrap()
    }

    #[tokio::test]
    async fn the_embedded_servers_log_is_kept_short_but_not_too_often() {
        let home = tempfile::tempdir().unwrap();
        let server = EmbeddedPostgres::start(home.path()).await.unwrap();
        let store = server.connect().await.unwrap();
        let length = length_after(&store, 4).await;
        assert!(length > 3 * PIECE_BYTES, "{length}");
        // 150 files: of 84 and more, some would be left behind.
        let length = length_after(&store, 44).await;
        assert!(length < PIECE_BYTES, "{length}");
        let left = count(&store, LEFT_BEHIND).await;
        assert_eq!(left, 0, "files of the log that nobody needs");
        store.close();
        server.stop().await.unwrap();
    }
}
