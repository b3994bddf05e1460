//! Tallies: each partition's counts, stored together with the offset up to which they count.

use std::collections::BTreeMap;

use ballot::{CellPath, Reason, Tally};
use ledger::differences;
use wire::topics;

use crate::checkpoint::TALLY;
use crate::columns::{count_column, partition_column};
use crate::connection::{Connection, Row};
use crate::leases::{Lease, demand_leases};
use crate::transaction::Transaction;
use crate::{Store, StoreError};

/// A partition's tally, to be saved.
#[derive(Debug, Clone, Copy)]
pub struct PartitionTally<'a> {
    /// The partition.
    pub partition: u32,
    /// The lease to write under; `None` if one process has the database to itself.
    pub lease: Option<Lease>,
    /// The offset after the last record that it counts.
    pub next_offset: i64,
    /// The counts from offset 0 on.
    pub tally: &'a Tally,
    /// What is known of the tally that it replaces.
    pub stored: Stored<'a>,
}

/// What a writer knows to be stored of a partition.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stored<'a> {
    /// The checkpoint is here, or further.
    pub next_offset: i64,
    /// The tally, unless the answer to the last attempt to store one was lost.
    pub tally: Option<&'a Tally>,
}

/// One statement, hence one snapshot: a checkpoint and its cells are never of different commits.
const LOAD: &str = r#"
SELECT c."partition", c.next_offset, t.kind, t.contest, t."group", t.value, t.selection, t.total
FROM checkpoints c LEFT JOIN tallies t USING ("partition")
WHERE c.consumer = $1 AND c.topic = $2 AND ($3::int[] IS NULL OR c."partition" = ANY ($3))
"#;

/// Locks checkpoints until the transaction ends. Those that are missing are created first.
const LOCK: &str = r#"
INSERT INTO checkpoints AS c (consumer, topic, "partition", next_offset)
SELECT $1::text, $2::text, "partition", 0 FROM unnest($3::int[]) AS given ("partition")
ORDER BY "partition"
ON CONFLICT (consumer, topic, "partition") DO UPDATE SET next_offset = c.next_offset
"#;

const MOVE: &str = r#"
UPDATE checkpoints AS c SET next_offset = given.next_offset, updated_at = now()
FROM unnest($3::int[], $4::bigint[]) AS given ("partition", next_offset)
WHERE c.consumer = $1 AND c.topic = $2 AND c."partition" = given."partition"
"#;

const SAVE_CELLS: &str = r#"
INSERT INTO tallies AS t ("partition", kind, contest, "group", value, selection, total)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
ON CONFLICT ("partition", kind, contest, "group", value, selection) DO UPDATE SET total = excluded.total
WHERE t.total <> excluded.total
"#;

impl Store {
    /// A partition's tally and the offset up to which it counts, if one was saved.
    pub async fn load_tally(&self, partition: u32) -> Result<Option<(i64, Tally)>, StoreError> {
        let connection = self.connection().await?;
        let mut tallies = load(&connection, Some(vec![partition_column(partition)?])).await?;
        Ok(tallies.remove(&partition))
    }

    /// Every saved tally: partition, the offset up to which it counts, and the counts; by partition.
    pub async fn tallies(&self) -> Result<Vec<(u32, i64, Tally)>, StoreError> {
        let tallies = load(&self.connection().await?, None).await?.into_iter();
        Ok(tallies
            .map(|(partition, (next_offset, tally))| (partition, next_offset, tally))
            .collect())
    }

    /// Saves tallies together with the offsets up to which they count, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when a partition belongs to another consumer;
    /// [`StoreError::TallyGoesBack`] when a later tally is stored; [`StoreError::WentBack`] and
    /// [`StoreError::TallyChanged`] when what is stored has been edited; [`StoreError::TallyUnbalanced`] when
    /// a tally does not add up. Then nothing is saved.
    pub async fn save_tallies(&self, tallies: &[PartitionTally<'_>]) -> Result<(), StoreError> {
        let transaction = Transaction::begin(self).await?;
        let leases: Vec<_> = tallies
            .iter()
            .map(|tally| (tally.partition, tally.lease))
            .collect();
        demand_leases(&transaction, &leases).await?;
        let found = lock_and_load(&transaction, tallies).await?;
        let nothing = (0, Tally::default());
        for tally in tallies {
            let found = found.get(&tally.partition).unwrap_or(&nothing);
            demand_as_stored(tally, found)?;
            demand_accounted("new", tally.partition, tally.next_offset, tally.tally)?;
        }
        move_checkpoints(&transaction, tallies).await?;
        save_cells(&transaction, tallies).await?;
        transaction.commit().await
    }
}

/// Tallies with the offsets up to which they count, by partition.
type Tallies = BTreeMap<u32, (i64, Tally)>;

async fn load(
    connection: &Connection,
    partitions: Option<Vec<i32>>,
) -> Result<Tallies, StoreError> {
    let rows = connection
        .query(
            "read the tallies",
            LOAD,
            &[&TALLY, &topics::VOTES, &partitions],
        )
        .await?;
    let mut partitions: BTreeMap<u32, (i64, Vec<(CellPath, u64)>)> = BTreeMap::new();
    for row in &rows {
        let next_offset = row.get(1)?;
        let (_, cells) = partitions
            .entry(row.partition(TABLE, 0)?)
            .or_insert((next_offset, Vec::new()));
        // A partition in which nothing was cast has a checkpoint and no cells.
        cells.extend(cell(row)?);
    }
    Ok(partitions
        .into_iter()
        .map(|(partition, (next_offset, cells))| {
            (partition, (next_offset, Tally::from_cells(cells)))
        })
        .collect())
}

/// Loads what is stored of the partitions, and locks it until the transaction ends.
async fn lock_and_load(
    transaction: &Transaction,
    tallies: &[PartitionTally<'_>],
) -> Result<Tallies, StoreError> {
    let partitions = partition_columns(tallies)?;
    transaction
        .execute(
            "lock the tallies' checkpoints",
            LOCK,
            &[&TALLY, &topics::VOTES, &partitions],
        )
        .await?;
    load(transaction, Some(partitions)).await
}

fn partition_columns(tallies: &[PartitionTally<'_>]) -> Result<Vec<i32>, StoreError> {
    let partitions = tallies.iter().map(|tally| tally.partition);
    partitions.map(partition_column).collect()
}

/// Demands that what is about to be replaced is what was stored. Otherwise an edited figure would be
/// overwritten unnoticed.
fn demand_as_stored(
    tally: &PartitionTally<'_>,
    (offset, found): &(i64, Tally),
) -> Result<(), StoreError> {
    let PartitionTally {
        partition, stored, ..
    } = *tally;
    if tally.next_offset < *offset {
        return Err(StoreError::TallyGoesBack {
            partition,
            stored: *offset,
            given: tally.next_offset,
        });
    }
    if *offset < stored.next_offset {
        return Err(StoreError::WentBack {
            consumer: TALLY,
            topic: topics::VOTES,
            partition,
            known: stored.next_offset,
            found: *offset,
        });
    }
    match stored.tally {
        Some(known) if *offset == stored.next_offset => {
            let differences = differences(known, found);
            if differences.is_empty() {
                Ok(())
            } else {
                Err(StoreError::TallyChanged {
                    partition,
                    offset: *offset,
                    differences,
                })
            }
        }
        _ => demand_accounted("stored", partition, *offset, found),
    }
}

/// Demands that each vote before the offset is counted or rejected, and that the groups agree.
fn demand_accounted(
    which: &'static str,
    partition: u32,
    offset: i64,
    tally: &Tally,
) -> Result<(), StoreError> {
    let cast = tally.cast();
    let problem = if u64::try_from(offset) != Ok(cast) {
        format!("accounts for {cast} votes")
    } else if let Err(unbalanced) = tally.demand_balanced() {
        format!("does not add up: {unbalanced}")
    } else {
        return Ok(());
    };
    Err(StoreError::TallyUnbalanced {
        which,
        partition,
        offset,
        problem,
    })
}

fn cell(row: &Row) -> Result<Option<(CellPath, u64)>, StoreError> {
    let text = |column: usize| row.get::<String>(column);
    let Some(kind) = row.get::<Option<&str>>(2)? else {
        return Ok(None);
    };
    let path = match kind {
        TURNOUT => CellPath::Turnout {
            group: text(4)?,
            value: text(5)?,
        },
        CONTEST => CellPath::Contest {
            contest: text(3)?,
            group: text(4)?,
            value: text(5)?,
            selection: text(6)?,
        },
        REJECTED => {
            let name = text(5)?;
            CellPath::Rejected {
                reason: Reason::from_name(&name).ok_or_else(|| damaged(&name))?,
            }
        }
        other => return Err(damaged(other)),
    };
    Ok(Some((path, row.count(TABLE, 7)?)))
}

fn damaged(name: &str) -> StoreError {
    StoreError::Damaged {
        table: TABLE,
        problem: format!("nothing is counted under `{name}`"),
    }
}

/// The table, in errors.
const TABLE: &str = "tallies";

/// The values of the column `kind`.
const TURNOUT: &str = "turnout";
const CONTEST: &str = "contest";
const REJECTED: &str = "rejected";

/// The columns kind, contest, group, value and selection.
fn path_columns(path: &CellPath) -> [&str; 5] {
    match path {
        CellPath::Turnout { group, value } => [TURNOUT, "", group, value, ""],
        CellPath::Contest {
            contest,
            group,
            value,
            selection,
        } => [CONTEST, contest, group, value, selection],
        CellPath::Rejected { reason } => [REJECTED, "", "", reason.as_str(), ""],
    }
}

async fn move_checkpoints(
    transaction: &Transaction,
    tallies: &[PartitionTally<'_>],
) -> Result<(), StoreError> {
    let partitions = partition_columns(tallies)?;
    let offsets: Vec<i64> = tallies.iter().map(|tally| tally.next_offset).collect();
    transaction
        .execute(
            "move the tallies' checkpoints",
            MOVE,
            &[&TALLY, &topics::VOTES, &partitions, &offsets],
        )
        .await?;
    Ok(())
}

async fn save_cells(
    transaction: &Transaction,
    tallies: &[PartitionTally<'_>],
) -> Result<(), StoreError> {
    let mut cells = Vec::new();
    for tally in tallies {
        let partition = partition_column(tally.partition)?;
        let stored = tally.stored.tally.map(Tally::cells).unwrap_or_default();
        let is_new = |(path, total): &(CellPath, u64)| stored.get(path) != Some(total);
        let changed = tally.tally.cells().into_iter().filter(is_new);
        cells.extend(changed.map(|(path, total)| (partition, path, count_column(total))));
    }
    let partitions: Vec<i32> = cells.iter().map(|(partition, ..)| *partition).collect();
    let totals: Vec<i64> = cells.iter().map(|(.., total)| *total).collect();
    let paths: Vec<[&str; 5]> = cells
        .iter()
        .map(|(_, path, _)| path_columns(path))
        .collect();
    let column = |at: usize| -> Vec<&str> { paths.iter().map(|path| path[at]).collect() };
    transaction
        .execute(
            "save the tallies",
            SAVE_CELLS,
            &[
                &partitions,
                &column(0),
                &column(1),
                &column(2),
                &column(3),
                &column(4),
                &totals,
            ],
        )
        .await?;
    Ok(())
}
