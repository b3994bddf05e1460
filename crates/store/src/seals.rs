//! The seals: what was stated, at a moment, of the votes of every partition that count. They are only
//! ever added to.

use chrono::{DateTime, Utc};
use evidence::Seal;
use tokio_postgres::Row;

use crate::columns::{
    count_column, count_from, digest_column, digest_from, partition_column, partition_from,
};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// The table, in errors.
const TABLE: &str = "seals";

impl Store {
    /// Every seal, by number and partition.
    ///
    /// # Errors
    /// When the database fails, or a seal's root is not the one that its parts have.
    pub async fn seals(&self) -> Result<Vec<Seal>, StoreError> {
        self.read_seals("true").await
    }

    /// The latest seal, by partition; empty when there is none.
    ///
    /// # Errors
    /// As [`Store::seals`].
    pub async fn latest_seal(&self) -> Result<Vec<Seal>, StoreError> {
        self.read_seals("seal = (SELECT max(seal) FROM seals)")
            .await
    }

    async fn read_seals(&self, which: &'static str) -> Result<Vec<Seal>, StoreError> {
        let query = format!(
            r#"SELECT seal, "partition", sealed_at, next_offset, chain_head, leaves, tree_root, root
               FROM seals WHERE {which} ORDER BY seal, "partition""#
        );
        let failed = StoreError::database("read the seals");
        let client = self.client().await?;
        let statement = client.prepare_cached(&query).await.map_err(&failed)?;
        client
            .query(&statement, &[])
            .await
            .map_err(&failed)?
            .iter()
            .map(seal)
            .collect()
    }

    /// Adds a seal: its statements of all partitions, at once.
    ///
    /// # Errors
    /// When there is one of this number already, or the database fails.
    pub async fn add_seal(&self, partitions: &[Seal]) -> Result<(), StoreError> {
        let failed = StoreError::database("add a seal");
        let transaction = Transaction::begin(self).await?;
        for seal in partitions {
            let sealed_at = DateTime::from_timestamp_millis(seal.sealed_at)
                .expect("invariant: an election is sealed in this age");
            let root = seal.root();
            transaction
                .execute(
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
                        &digest_column(&root),
                    ],
                )
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await
    }
}

fn number_column(number: u32) -> Result<i32, StoreError> {
    i32::try_from(number).map_err(|_| damaged(format!("seal {number} is one too many")))
}

fn damaged(problem: String) -> StoreError {
    StoreError::Damaged {
        table: TABLE,
        problem,
    }
}

fn seal(row: &Row) -> Result<Seal, StoreError> {
    let failed = StoreError::database("read the seals");
    let digest = |column: usize| digest_from(TABLE, row.try_get(column).map_err(&failed)?);
    let number: i32 = row.try_get(0).map_err(&failed)?;
    let sealed_at: DateTime<Utc> = row.try_get(2).map_err(&failed)?;
    let seal = Seal {
        number: u32::try_from(number).map_err(|_| damaged(format!("there is a seal {number}")))?,
        partition: partition_from(TABLE, row.try_get(1).map_err(&failed)?)?,
        sealed_at: sealed_at.timestamp_millis(),
        next_offset: row.try_get(3).map_err(&failed)?,
        chain_head: digest(4)?,
        leaves: count_from(TABLE, row.try_get(5).map_err(&failed)?)?,
        tree_root: digest(6)?,
    };
    if digest(7)? != seal.root() {
        return Err(damaged(format!(
            "the root of seal {number}, partition {}, is not that of its parts",
            seal.partition
        )));
    }
    Ok(seal)
}
