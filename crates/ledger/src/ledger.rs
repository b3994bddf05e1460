//! Adding deltas up, exactly once: contiguity, and the free audit after a restart.

use std::sync::Arc;

use ballot::{Delta, ElectionDefinition, Tally, Unbalanced};

use crate::{Difference, differences};

/// Why a delta cannot be added. The count stops; nothing is guessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Records between the count's position and the delta are missing.
    #[error("a gap: the count stands at offset {expected}, the next delta starts at {found}")]
    Gap {
        /// The next offset to be counted.
        expected: i64,
        /// The delta's first offset.
        found: i64,
    },
    /// A delta overlaps what is counted without being contained in it.
    #[error("a delta for offsets {base}..{next} straddles the count's position {position}")]
    Straddles {
        /// The delta's first offset.
        base: i64,
        /// The offset after its last.
        next: i64,
        /// The next offset to be counted.
        position: i64,
    },
    /// A delta does not account for each of its records.
    #[error("the delta for offsets {base}..{next} accounts for {cast} records")]
    Unaccounted {
        /// The delta's first offset.
        base: i64,
        /// The offset after its last.
        next: i64,
        /// Counted and rejected.
        cast: u64,
    },
    /// A delta's groups do not agree.
    #[error("the delta for offsets {base}..{next} does not add up: {source}")]
    Unbalanced {
        /// The delta's first offset.
        base: i64,
        /// The offset after its last.
        next: i64,
        /// What does not add up.
        source: Unbalanced,
    },
    /// Counting the log again up to the checkpoint gives something else than what was stored there.
    #[error(
        "recounting up to the checkpoint at offset {offset} differs from the stored tally: {}",
        Difference::first_few(differences)
    )]
    CheckpointDiffers {
        /// The checkpoint's offset.
        offset: i64,
        /// Recounted against stored.
        differences: Vec<Difference>,
    },
    /// No batch ends where the checkpoint stands.
    #[error(
        "the checkpoint at offset {offset} is not at the end of a batch; the next ends at {next}"
    )]
    CheckpointInsideBatch {
        /// The checkpoint's offset.
        offset: i64,
        /// Where the count stands after the next batch.
        next: i64,
    },
}

/// What became of a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was added, and is new.
    Counted,
    /// It was added, but stands before the checkpoint: its sum is compared there, not counted anew.
    Recounted,
    /// It had been added before and was left out.
    Skipped,
}

/// The count of one partition: deltas from offset 0 on, each exactly once.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// What every delta must count, where that is known.
    definition: Option<Arc<ElectionDefinition>>,
    next_offset: i64,
    tally: Tally,
    checkpoint: Option<(i64, Tally)>,
}

impl Ledger {
    /// A ledger that starts at offset 0 and, on its way, is compared with the tally stored at a
    /// checkpoint.
    pub fn new(checkpoint: Option<(i64, Tally)>) -> Self {
        Ledger {
            checkpoint: checkpoint.filter(|(offset, _)| *offset > 0),
            ..Ledger::default()
        }
    }

    /// The same ledger, whose deltas must leave out nothing that this definition counts.
    pub fn of(self, definition: Arc<ElectionDefinition>) -> Self {
        Ledger {
            definition: Some(definition),
            ..self
        }
    }

    /// The next offset to be counted.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Everything counted so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The count as far as it is known: up to the checkpoint until that is reached, then what was
    /// added up here. It never goes back.
    pub fn standing(&self) -> (i64, &Tally) {
        match &self.checkpoint {
            Some((offset, tally)) => (*offset, tally),
            None => (self.next_offset, &self.tally),
        }
    }

    /// Whether the checkpoint (if there is one) has been reached and found equal. Before that, the
    /// ledger is behind what is stored and must not be stored over it.
    pub fn caught_up(&self) -> bool {
        self.checkpoint.is_none()
    }

    /// A ledger for a new stream of the same partition: it starts at offset 0 again and, on its way,
    /// is compared with where this one stands.
    pub fn begin_again(self) -> Self {
        let checkpoint = match self.checkpoint {
            Some(checkpoint) => checkpoint,
            None => (self.next_offset, self.tally),
        };
        Ledger {
            definition: self.definition,
            ..Ledger::new(Some(checkpoint))
        }
    }

    /// Adds a delta.
    ///
    /// # Errors
    /// When deltas do not follow on each other, or the checkpoint is contradicted.
    pub fn apply(&mut self, delta: &Delta) -> Result<Applied, LedgerError> {
        let (base, next) = (delta.base_offset, delta.next_offset);
        if next <= self.next_offset && base < self.next_offset {
            return Ok(Applied::Skipped);
        }
        if base > self.next_offset {
            return Err(LedgerError::Gap {
                expected: self.next_offset,
                found: base,
            });
        }
        if base < self.next_offset {
            return Err(LedgerError::Straddles {
                base,
                next,
                position: self.next_offset,
            });
        }
        let cast = delta.tally.cast();
        if next.checked_sub(base).and_then(|n| u64::try_from(n).ok()) != Some(cast) {
            return Err(LedgerError::Unaccounted { base, next, cast });
        }
        let complete = delta.tally.demand_balanced().and_then(|()| {
            let definition = self.definition.as_deref();
            definition.map_or(Ok(()), |it| delta.tally.demand_complete(it))
        });
        complete.map_err(|source| LedgerError::Unbalanced { base, next, source })?;
        self.tally.add(&delta.tally);
        self.next_offset = next;
        match &self.checkpoint {
            None => Ok(Applied::Counted),
            Some((offset, _)) if next < *offset => Ok(Applied::Recounted),
            Some((offset, _)) if next > *offset => Err(LedgerError::CheckpointInsideBatch {
                offset: *offset,
                next,
            }),
            Some((offset, stored)) => {
                let differences = differences(&self.tally, stored);
                if !differences.is_empty() {
                    return Err(LedgerError::CheckpointDiffers {
                        offset: *offset,
                        differences,
                    });
                }
                self.checkpoint = None;
                Ok(Applied::Recounted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ballot::Reason;

    use super::*;

    fn delta(base: i64, next: i64) -> Delta {
        let mut tally = Tally::default();
        if next > base {
            tally.rejected = [(Reason::Malformed, (next - base) as u64)].into();
        }
        Delta {
            base_offset: base,
            next_offset: next,
            tally,
            memory_bytes: 0,
        }
    }

    #[test]
    fn a_delta_counts_once_and_a_gap_stops() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.apply(&delta(0, 10)), Ok(Applied::Counted));
        assert_eq!(ledger.apply(&delta(0, 10)), Ok(Applied::Skipped));
        assert_eq!(ledger.apply(&delta(10, 15)), Ok(Applied::Counted));
        assert!(matches!(
            ledger.apply(&delta(16, 20)),
            Err(LedgerError::Gap {
                expected: 15,
                found: 16
            })
        ));
        assert!(matches!(
            ledger.apply(&delta(14, 20)),
            Err(LedgerError::Straddles { .. })
        ));
        assert_eq!(ledger.tally().cast(), 15);
    }

    #[test]
    fn a_delta_must_account_for_its_records() {
        let mut short = delta(0, 10);
        short.next_offset = 11;
        assert!(matches!(
            Ledger::default().apply(&short),
            Err(LedgerError::Unaccounted { cast: 10, .. })
        ));
    }

    #[test]
    fn every_counted_vote_is_counted_by_every_group() {
        let mut counted = delta(0, 2);
        counted.tally.rejected = [(Reason::Malformed, 1)].into();
        for group in ["location", "ward"] {
            counted.tally.add_turnout(group, "unknown", 1);
        }
        let applied = Ledger::default().apply(&counted);
        assert_eq!(applied, Ok(Applied::Counted));
        counted.tally.add_turnout("ward", "north", 1);
        let error = Ledger::default().apply(&counted).unwrap_err();
        let LedgerError::Unbalanced { source, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((source.group.as_str(), source.sum), ("ward", 2));
    }

    #[test]
    fn a_delta_that_leaves_out_what_the_definition_counts_is_refused() {
        let definition = Arc::new(ElectionDefinition::tutorial(Vec::new()));
        let mut counted = delta(0, 1);
        counted.tally.rejected.clear();
        for group in ["age", "gender", "location"] {
            counted.tally.add_turnout(group, "unknown", 1);
            let at = (group, "unknown");
            (counted.tally).add_selection(ballot::TUTORIAL_CONTEST, at, "c1", 1);
        }
        let ledger = || Ledger::default().of(definition.clone()).begin_again();
        assert_eq!(ledger().apply(&counted), Ok(Applied::Counted));
        counted.tally.turnout.remove("location");
        let groups = counted.tally.contests.values_mut();
        groups.for_each(|groups| drop(groups.remove("location")));
        let refused = ledger().apply(&counted);
        assert!(
            matches!(refused, Err(LedgerError::Unbalanced { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn after_a_restart_the_checkpoint_is_audited() {
        let mut stored = Ledger::default();
        stored.apply(&delta(0, 10)).unwrap();
        let mut ledger = Ledger::new(Some((10, stored.tally().clone())));
        assert_eq!(ledger.apply(&delta(0, 4)), Ok(Applied::Recounted));
        assert!(!ledger.caught_up());
        assert_eq!(ledger.standing(), (10, stored.tally()));
        assert_eq!(ledger.apply(&delta(4, 10)), Ok(Applied::Recounted));
        assert!(ledger.caught_up());
        assert_eq!(ledger.apply(&delta(10, 11)), Ok(Applied::Counted));

        let mut again = ledger.begin_again();
        assert_eq!(again.standing().0, 11);
        assert_eq!(again.apply(&delta(0, 11)), Ok(Applied::Recounted));
        assert!(again.caught_up());

        let mut tampered = stored.tally().clone();
        tampered.rejected = [(Reason::Malformed, 9)].into();
        let error = Ledger::new(Some((10, tampered)))
            .apply(&delta(0, 10))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("rejected malformed: 10 against 9"),
            "{error}"
        );
        let inside = Ledger::new(Some((7, Tally::default()))).apply(&delta(0, 10));
        assert!(matches!(
            inside,
            Err(LedgerError::CheckpointInsideBatch { .. })
        ));
    }
}
