//! The count in every partition, as far as this consumer knows it: its own partitions as it counts them,
//! those of other consumers as they are stored.

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
    /// A partition that this consumer does not own: as it was stored last.
    Stored { next_offset: i64, tally: Tally },
    /// A partition that this consumer owns.
    Own {
        ledger: Ledger,
        lease: Option<Lease>,
        /// The offset up to which it is stored.
        stored: i64,
        /// The tally that is stored there; `None` while that is uncertain.
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
    /// Knows nothing of any partition yet.
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

    /// Begins a new stream of a partition, at offset 0. It is compared up to where the partition stands, which
    /// is returned.
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
                let failed = |source| ConsumerError::Ledger { partition, source };
                let applied = ledger.apply(delta).map_err(failed)?;
                compare_counts(partition, ledger, *rows)?;
                Ok(applied)
            }
            Partition::Stored { .. } => Err(ConsumerError::NotOurs { partition }),
        }
    }

    /// Notes how many votes before an offset are rows. If both counts are known, they are compared.
    pub(crate) fn set_rows(
        &self,
        partition: u32,
        offset: i64,
        counted: u64,
    ) -> Result<(), ConsumerError> {
        match &mut *self.lock(partition) {
            Partition::Own { ledger, rows, .. } => {
                *rows = Some((offset, counted));
                compare_counts(partition, ledger, *rows)
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

    /// This consumer's partitions that are counted further than they are stored.
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

    /// Notes that what is stored is uncertain: the answer to an attempt was lost.
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

/// Checks that as many votes are rows as the stream counted, if both stand at the same offset. A tally that
/// was only loaded is not compared: counting up to there shows whether it is right.
fn compare_counts(
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
