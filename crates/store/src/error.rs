//! The errors of the store. Each says what to do.

use std::error::Error;
use std::time::Duration;

use ledger::Difference;
use tokio_postgres::error::SqlState;

/// A failure of the store. No variant holds a password: a database is named by host, port and
/// database name only.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database URL cannot be read.
    #[error(
        "the database URL cannot be read: {problem}; it looks like `postgresql://user:password@host:5432/database`, with `@`, `:` and `/` in the password percent-encoded"
    )]
    Url {
        /// What is wrong, without the URL itself.
        problem: String,
    },
    /// The database cannot be reached.
    #[error(
        "cannot connect to PostgreSQL at {target}: {problem}; check that the server runs and that `DATABASE_URL` names it"
    )]
    Connect {
        /// Host, port and database.
        target: String,
        /// What the server or the network says.
        problem: String,
        /// Whether the server refused the user, so that a retry would not help.
        refused: bool,
    },
    /// All connections stayed in use.
    #[error(
        "no database connection was released within {} s; all {max_connections} are in use: allow more, or look for a transaction that is never ended",
        waited.as_secs()
    )]
    Busy {
        /// The size of the pool.
        max_connections: usize,
        /// How long it waited.
        waited: Duration,
    },
    /// A statement failed.
    #[error("the database failed to {doing}: {problem}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the server or the network says.
        problem: String,
        /// Whether a retry on a new connection may succeed.
        transient: bool,
    },
    /// The migrations could not be applied.
    #[error(
        "the database's schema cannot be brought up to date: {problem}; if another version of this program made it, use that version or another database"
    )]
    Migrate {
        /// What is wrong.
        problem: String,
    },
    /// Other candidates are registered.
    #[error(
        "other candidates are registered already ({registered}); use the same ones, or start over with `--fresh` or another database"
    )]
    OtherCandidates {
        /// The ids of the registered candidates, as a list.
        registered: String,
    },
    /// No election is set up.
    #[error(
        "no election is set up yet; set one up with `election producer init` (or the program `producer init`)"
    )]
    NoElection,
    /// The election has a secret key, and this is another one or none.
    #[error(transparent)]
    Key(#[from] evidence::KeyMismatch),
    /// The checkpoint is after the batch's start: another process has persisted, or the answer to a
    /// commit was lost.
    #[error(
        "the batch of `{topic}` partition {partition} begins at offset {expected}, but the checkpoint is at {found}: another process persists the same partition, or the answer to a commit was lost; continue from the checkpoint"
    )]
    CheckpointMoved {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// The batch's first offset.
        expected: i64,
        /// The stored next offset.
        found: i64,
    },
    /// The hash chain does not end at the batch's start, although the checkpoint is there.
    #[error(
        "the hash chain of `{topic}` partition {partition} ends at offset {chained_to}, but records are persisted up to {persisted_to}: table `log_chain` has been edited, or an older version of this program has persisted meanwhile; nothing more is persisted, and `election audit` lists the differences"
    )]
    ChainBroken {
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// Where the chain ends.
        chained_to: i64,
        /// The checkpoint.
        persisted_to: i64,
    },
    /// A tally would replace a later one.
    #[error(
        "the tally of partition {partition} at offset {given} is older than the stored one at {stored}: another process tallies the same partition; stop one of them"
    )]
    TallyGoesBack {
        /// The partition.
        partition: u32,
        /// The stored next offset.
        stored: i64,
        /// The tally's.
        given: i64,
    },
    /// The stored tally is not the one that this process stored.
    #[error(
        "the stored tally of partition {partition} has been edited since it was stored at offset {offset} (as stored against as found): {}; the count stopped, and `election audit` shows what is right",
        Difference::first_few(differences)
    )]
    TallyChanged {
        /// The partition.
        partition: u32,
        /// The offset up to which it counts.
        offset: i64,
        /// What was stored, against what is there now.
        differences: Vec<Difference>,
    },
    /// A tally does not account for each vote before its offset, or its groups do not agree.
    #[error(
        "the {which} tally of partition {partition} at offset {offset} {problem}; the count stopped, and `election audit` shows what is right"
    )]
    TallyUnbalanced {
        /// `stored` or `new`.
        which: &'static str,
        /// The partition.
        partition: u32,
        /// The offset up to which it counts.
        offset: i64,
        /// What is wrong with it.
        problem: String,
    },
    /// A checkpoint moved back.
    #[error(
        "the checkpoint of `{consumer}` in `{topic}` partition {partition} went back from offset {known} to {found}: it has been edited, or the database was restored from a copy; the count stopped; restart it to continue from {found}, then run `election audit`"
    )]
    WentBack {
        /// The consumer.
        consumer: &'static str,
        /// The topic.
        topic: &'static str,
        /// The partition.
        partition: u32,
        /// Where it was.
        known: i64,
        /// Where it is.
        found: i64,
    },
    /// The partition belongs to another member now.
    #[error(
        "partition {partition} belongs to another consumer now (it is no longer in epoch {epoch}); nothing of this batch was stored"
    )]
    LeaseLost {
        /// The partition.
        partition: u32,
        /// The epoch of the lost lease.
        epoch: i64,
    },
    /// A write to a partition named the lease of another one.
    #[error(
        "partition {partition} cannot be written under the lease of partition {leased}: each needs its own"
    )]
    OtherLease {
        /// The partition to be written.
        partition: u32,
        /// The lease's partition.
        leased: u32,
    },
    /// A batch does not account for each of its records exactly once.
    #[error("the batch of partition {partition}, offsets {base}..{next}, {problem}")]
    Unaccounted {
        /// The partition.
        partition: u32,
        /// The batch's first offset.
        base: i64,
        /// The offset after its last.
        next: i64,
        /// What does not add up.
        problem: String,
    },
    /// A partition number that the tables cannot hold.
    #[error(
        "there is no partition {partition}: the largest number is {}",
        i32::MAX
    )]
    Partition {
        /// The number.
        partition: u32,
    },
    /// A table holds something that this program never writes.
    #[error(
        "table `{table}` has been edited: {problem}; count again from the log (`election audit` lists the differences)"
    )]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The embedded server could not be started or stopped.
    #[error("embedded PostgreSQL in {directory}: {problem}")]
    Embedded {
        /// Its data directory.
        directory: String,
        /// What is wrong, and how to fix it.
        problem: String,
    },
}

impl StoreError {
    /// Whether a retry on a new connection may succeed: after a network failure, a restart of the server,
    /// or a deadlock.
    pub fn is_transient(&self) -> bool {
        match self {
            StoreError::Connect { refused, .. } => !refused,
            StoreError::Busy { .. } => true,
            StoreError::Database { transient, .. } => *transient,
            _ => false,
        }
    }

    /// The lost partition, if this is [`StoreError::LeaseLost`].
    pub fn is_lease_lost(&self) -> Option<u32> {
        match self {
            StoreError::LeaseLost { partition, .. } => Some(*partition),
            _ => None,
        }
    }

    /// For `map_err`: a statement failed while the store was `doing` this.
    pub(crate) fn database(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> StoreError {
        move |error| StoreError::Database {
            doing,
            problem: match error.code() {
                // How the embedded server reports a full disk.
                Some(code) if *code == SqlState::IO_ERROR => {
                    format!("{}; is its disk full?", with_causes(&error))
                }
                _ => with_causes(&error),
            },
            transient: match error.code() {
                Some(code) => is_transient(code),
                None => error.is_closed() || is_network(&error),
            },
        }
    }

    /// For `map_err`: a test made this fail.
    pub fn fault(doing: &'static str) -> impl Fn(faults::Fault) -> StoreError {
        move |fault| StoreError::Database {
            doing,
            transient: fault.passes(),
            problem: fault.problem,
        }
    }

    pub(crate) fn connect(target: String, error: &tokio_postgres::Error) -> StoreError {
        const INVALID_AUTHORIZATION: &str = "28";
        StoreError::Connect {
            target,
            problem: with_causes(error),
            refused: error
                .code()
                .is_some_and(|code| code.code().starts_with(INVALID_AUTHORIZATION)),
        }
    }
}

/// Whether it is one of the transient classes of SQLSTATE: connection, transaction rollback (deadlock), out
/// of resources, operator intervention (shutdown); or a transaction that was idle for too long.
fn is_transient(code: &SqlState) -> bool {
    *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        || ["08", "40", "53", "57"]
            .iter()
            .any(|class| code.code().starts_with(class))
}

fn is_network(error: &tokio_postgres::Error) -> bool {
    error
        .source()
        .is_some_and(|source| source.is::<std::io::Error>())
}

/// An error and its causes on one line: `tokio_postgres` alone says only `db error`.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += ": ";
        text += &error.to_string();
        cause = error.source();
    }
    text.replace('\n', "; ")
}
