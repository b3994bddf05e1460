//! What this consumer knows of the count in every partition: its own partitions live, as it counts
//! them; those of other consumers as they are stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ballot::{Delta, ElectionDefinition, Reason, Tally};
use ledger::{Applied, Ledger};
use store::Lease;

use crate::ConsumerError;
use crate::context::Ours;

/// The partitions, shared between those who add and those who publish and store. Locks are held for
/// one addition or one copy, never across an await; hence a plain mutex.
#[derive(Clone)]
pub(crate) struct Ledgers {
    partitions: Arc<Vec<Mutex<Partition>>>,
    definition: Arc<ElectionDefinition>,
}

enum Partition {
    /// Another consumer's, or nobody's yet: as it was stored last.
    Stored { next_offset: i64, tally: Tally },
    /// Our own, and by what right.
    Own {
        ledger: Ledger,
        lease: Option<Lease>,
        /// The offset up to which it is stored.
        stored: i64,
        /// The tally that is stored there; `None` while that is not certain.
        stored_tally: Option<Box<Tally>>,
        /// How many votes before an offset are rows.
        rows: Option<(i64, u64)>,
    },
}

/// A tally that is not stored yet.
pub(crate) struct Unstored {
    pub(crate) ours: Ours,
    pub(crate) next_offset: i64,
    pub(crate) tally: Tally,
    /// What is stored by now: up to where, and what.
    pub(crate) stored: i64,
    pub(crate) stored_tally: Option<Box<Tally>>,
}

impl Partition {
    fn standing(&self) -> (i64, &Tally) {
        match self {
            Partition::Stored { next_offset, tally } => (*next_offset, tally),
            Partition::Own { ledger, .. } => ledger.standing(),
        }
    }
}

impl Ledgers {
    /// Nothing is known of any partition.
    pub(crate) fn new(partitions: u32, definition: ElectionDefinition) -> Self {
        let unknown = || {
            Mutex::new(Partition::Stored {
                next_offset: 0,
                tally: Tally::default(),
            })
        };
        Ledgers {
            partitions: Arc::new((0..partitions).map(|_| unknown()).collect()),
            definition: Arc::new(definition),
        }
    }

    fn lock(&self, partition: u32) -> MutexGuard<'_, Partition> {
        self.partitions[partition as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn partitions(&self) -> std::ops::Range<u32> {
        0..self.partitions.len() as u32
    }

    /// Takes a partition over where it is stored.
    pub(crate) fn own(&self, ours: Ours, checkpoint: Option<(i64, Tally)>) {
        let (stored, tally) = checkpoint.clone().unwrap_or_default();
        *self.lock(ours.partition) = Partition::Own {
            ledger: Ledger::new(checkpoint).of(self.definition.clone()),
            lease: ours.lease,
            stored,
            stored_tally: Some(Box::new(tally)),
            rows: None,
        };
    }

    /// Gives a partition up; what is known of it stays known.
    pub(crate) fn disown(&self, partition: u32) {
        let mut known = self.lock(partition);
        let (next_offset, tally) = known.standing();
        let tally = tally.clone();
        *known = Partition::Stored { next_offset, tally };
    }

    /// Notes what another consumer has stored of a partition.
    pub(crate) fn learn(&self, partition: u32, offset: i64, stored: Tally) {
        if let Partition::Stored { next_offset, tally } = &mut *self.lock(partition)
            && offset > *next_offset
        {
            *next_offset = offset;
            *tally = stored;
        }
    }

    pub(crate) fn owns(&self, partition: u32) -> bool {
        matches!(*self.lock(partition), Partition::Own { .. })
    }

    /// A new stream of a partition begins, at offset 0: up to where the partition stands, it is
    /// compared. Returns where that is.
    pub(crate) fn begin_stream(&self, partition: u32) -> i64 {
        let mut known = self.lock(partition);
        if let Partition::Own { ledger, .. } = &mut *known {
            *ledger = std::mem::take(ledger).begin_again();
        }
        known.standing().0
    }

    /// Adds a delta to one of our own partitions.
    pub(crate) fn apply(&self, partition: u32, delta: &Delta) -> Result<Applied, ConsumerError> {
        match &mut *self.lock(partition) {
            Partition::Own { ledger, rows, .. } => {
                let applied = ledger.apply(delta);
                let applied =
                    applied.map_err(|source| ConsumerError::Ledger { partition, source })?;
                demand_same(partition, ledger, *rows)?;
                Ok(applied)
            }
            Partition::Stored { .. } => Err(ConsumerError::NotOurs { partition }),
        }
    }

    /// Notes how many votes before an offset are rows. Where both counts are there, they are compared.
    pub(crate) fn set_rows(
        &self,
        partition: u32,
        offset: i64,
        counted: u64,
    ) -> Result<(), ConsumerError> {
        match &mut *self.lock(partition) {
            Partition::Own { ledger, rows, .. } => {
                *rows = Some((offset, counted));
                demand_same(partition, ledger, *rows)
            }
            Partition::Stored { .. } => Ok(()),
        }
    }

    /// The sum of all partitions, as far as each is known.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        for partition in self.partitions() {
            total.add(self.lock(partition).standing().1);
        }
        total
    }

    /// Our own partitions that are counted further than they are stored.
    pub(crate) fn unstored(&self) -> Vec<Unstored> {
        let unstored = |partition| match &*self.lock(partition) {
            Partition::Own {
                ledger,
                lease,
                stored,
                stored_tally,
                ..
            } => {
                let (next_offset, tally) = ledger.standing();
                (next_offset > *stored).then(|| Unstored {
                    ours: Ours {
                        partition,
                        lease: *lease,
                    },
                    next_offset,
                    tally: tally.clone(),
                    stored: *stored,
                    stored_tally: stored_tally.clone(),
                })
            }
            Partition::Stored { .. } => None,
        };
        self.partitions().filter_map(unstored).collect()
    }

    /// Notes up to where one of our own partitions is stored, and what.
    pub(crate) fn set_stored(&self, partition: u32, offset: i64, tally: Tally) {
        if let Partition::Own {
            stored,
            stored_tally,
            ..
        } = &mut *self.lock(partition)
        {
            *stored = offset;
            *stored_tally = Some(Box::new(tally));
        }
    }

    /// Notes that it is not certain any more what is stored: the answer to an attempt was lost.
    pub(crate) fn doubt_stored(&self, partition: u32) {
        if let Partition::Own { stored_tally, .. } = &mut *self.lock(partition) {
            *stored_tally = None;
        }
    }

    /// Votes of a partition that are rejected so far, by reason.
    pub(crate) fn rejected(&self, partition: u32) -> BTreeMap<Reason, u64> {
        self.lock(partition).standing().1.rejected.clone()
    }
}

/// Demands that as many votes are rows as the stream counted, where both stand at the same offset. What is
/// only known as stored is not compared: counting up to there tells whether it is right.
fn demand_same(
    partition: u32,
    ledger: &Ledger,
    rows: Option<(i64, u64)>,
) -> Result<(), ConsumerError> {
    if !ledger.caught_up() {
        return Ok(());
    }
    let (standing, tally) = ledger.standing();
    match rows {
        Some((offset, rows)) if offset == standing && rows != tally.counted() => {
            Err(ConsumerError::RowsDiffer {
                partition,
                offset,
                counted: tally.counted(),
                rows,
            })
        }
        _ => Ok(()),
    }
}
