//! The seals: statements of the counted votes of every partition at a moment. They are never changed.

use chrono::{DateTime, Utc};
use evidence::Seal;

use crate::columns::{count_column, digest_column, partition_column};
use crate::connection::Row;
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// The table, in errors.
const TABLE: &str = "seals";

impl Store {
    /// Every seal, by number and partition.
    pub async fn seals(&self) -> Result<Vec<Seal>, StoreError> {
        self.read_seals("true").await
    }

    /// The latest seal, by partition; empty if there is none.
    pub async fn latest_seal(&self) -> Result<Vec<Seal>, StoreError> {
        self.read_seals("seal = (SELECT max(seal) FROM seals)")
            .await
    }

    async fn read_seals(&self, which: &'static str) -> Result<Vec<Seal>, StoreError> {
        let query = format!(
            r#"SELECT seal, "partition", sealed_at, next_offset, chain_head, leaves, tree_root, root
               FROM seals WHERE {which} ORDER BY seal, "partition""#
        );
        let connection = self.connection().await?;
        let rows = connection.query("read the seals", &query, &[]).await?;
        rows.iter().map(seal).collect()
    }

    /// Adds a seal, with its statements of all partitions.
    ///
    /// # Errors
    /// When its number is taken, or the database fails.
    pub async fn add_seal(&self, partitions: &[Seal]) -> Result<(), StoreError> {
        let transaction = Transaction::begin(self).await?;
        for seal in partitions {
            let sealed_at = DateTime::from_timestamp_millis(seal.sealed_at)
                .expect("invariant: the time of a seal is now");
            transaction
                .execute(
                    "add a seal",
                    r#"INSERT INTO seals (seal, "partition", sealed_at, next_offset, chain_head,
                                          leaves, tree_root, root)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"#,
                    &[
                        &number_column(seal.number)?,
                        &partition_column(seal.partition)?,
                        &sealed_at,
                        &seal.next_offset,
                        &digest_column(&seal.chain_head),
                        &count_column(seal.leaves),
                        &digest_column(&seal.tree_root),
                        &digest_column(&seal.root()),
                    ],
                )
                .await?;
        }
        transaction.commit().await
    }
}

fn number_column(number: u32) -> Result<i32, StoreError> {
    i32::try_from(number).map_err(|_| damaged(format!("{number} is too large for a seal")))
}

fn damaged(problem: String) -> StoreError {
    StoreError::Damaged {
        table: TABLE,
        problem,
    }
}

fn seal(row: &Row) -> Result<Seal, StoreError> {
    let digest = |column: usize| {
        let digest = row.digest(TABLE, column)?;
        digest.ok_or_else(|| damaged("a hash is missing".to_owned()))
    };
    let number: i32 = row.get(0)?;
    let sealed_at: DateTime<Utc> = row.get(2)?;
    let seal = Seal {
        number: u32::try_from(number).map_err(|_| damaged(format!("there is a seal {number}")))?,
        partition: row.partition(TABLE, 1)?,
        sealed_at: sealed_at.timestamp_millis(),
        next_offset: row.get(3)?,
        chain_head: digest(4)?,
        leaves: row.count(TABLE, 5)?,
        tree_root: digest(6)?,
    };
    if digest(7)? != seal.root() {
        return Err(damaged(format!(
            "the root of seal {number}, partition {}, does not match its parts",
            seal.partition
        )));
    }
    Ok(seal)
}
