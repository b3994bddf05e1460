//! The write-ahead log of the embedded server, kept short.
//!
//! A PostgreSQL server has a process that makes checkpoints, behind which the log is not needed any more. The
//! embedded one has no processes: without anybody who asks for checkpoints, its log takes more room than all the
//! rows, for ever, and a start after a crash reads all of it.

use std::sync::atomic::{AtomicU32, Ordering};

use deadpool_postgres::ClientWrapper;

use crate::StoreError;

/// Commits between two looks at the log. A transaction of votes writes some 6 MB.
const COMMITS_PER_LOOK: u32 = 16;

/// A checkpoint is due when the log since the last one is half as long as the database is large, and no less than
/// [`SHORTEST_PAUSE_BYTES`]. So the number of checkpoints grows with the logarithm of the rows, and the log takes
/// about a third of the server's room at most.
const DATABASE_PER_LOG: i64 = 2;

/// Each page's first change after a checkpoint goes to the log whole: with shorter pauses these pages would be
/// most of it.
const SHORTEST_PAUSE_BYTES: i64 = 512 << 20;

const LENGTHS: &str = "
SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::bigint, pg_database_size(current_database())
FROM pg_control_checkpoint()
";

/// Files of the log that the last checkpoint has left behind, although they are not needed any more.
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
    /// To be called after each commit; makes a checkpoint where one is due.
    pub(crate) async fn committed(&self, client: &ClientWrapper) -> Result<(), StoreError> {
        if !self
            .commits
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(COMMITS_PER_LOOK)
        {
            return Ok(());
        }
        let failed = StoreError::database("look at the length of its log");
        let row = client.query_one(LENGTHS, &[]).await.map_err(&failed)?;
        let wal: i64 = row.try_get(0).map_err(&failed)?;
        let database: i64 = row.try_get(1).map_err(&failed)?;
        if wal < (database / DATABASE_PER_LOG).max(SHORTEST_PAUSE_BYTES) {
            return Ok(());
        }
        tracing::debug!(wal, database, "a checkpoint of the embedded PostgreSQL");
        make_checkpoint(client).await
    }
}

/// Makes checkpoints until nothing is left behind. The server deletes from the directory that it is reading, and
/// WASI's place in a directory is a number of entries: for each 84 files that are deleted, 84 are passed over.
async fn make_checkpoint(client: &ClientWrapper) -> Result<(), StoreError> {
    let failed = StoreError::database("make a checkpoint");
    let mut left = i64::MAX;
    loop {
        client.batch_execute("CHECKPOINT").await.map_err(&failed)?;
        let row = client.query_one(LEFT_BEHIND, &[]).await.map_err(&failed)?;
        let now: i64 = row.try_get(0).map_err(&failed)?;
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
    /// So many pieces of the log, each one record.
    const PIECES: &str = "SELECT pg_logical_emit_message(false, 'test', repeat('x', 50000000))
                          FROM generate_series(1, $1::int)";

    /// The length of the log after so many pieces more, and then some commits.
    async fn length_after(store: &Store, pieces: i32) -> i64 {
        store
            .client()
            .await
            .unwrap()
            .query(PIECES, &[&pieces])
            .await
            .unwrap();
        for _ in 0..COMMITS_PER_LOOK + 1 {
            let transaction = Transaction::begin(store).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let client = store.client().await.unwrap();
        client.query_one(LENGTHS, &[]).await.unwrap().get(0)
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
        let client = store.client().await.unwrap();
        let left: i64 = client.query_one(LEFT_BEHIND, &[]).await.unwrap().get(0);
        assert_eq!(left, 0, "files of the log that nobody needs");
        drop(client);
        store.close();
        server.stop().await.unwrap();
    }
}
