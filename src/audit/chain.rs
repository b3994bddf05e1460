//! Compares the log with its hash chain: hashes every batch again, and computes every head.

use std::collections::{BTreeSet, VecDeque};

use evidence::{BatchHasher, ChainedTopic, Digest, HashedBatch, first_head, next_head};
use platform::Output;
use store::{ChainEnd, ChainHashes, ChainRow, Store};

use super::findings::{ChainSummary, Findings};

/// How many rows of the chain are fetched together.
const ROWS_PER_QUERY: usize = 1024;

/// Follows the chain of a partition along the log.
pub(crate) struct ChainAuditor<'a> {
    store: &'a Store,
    topic: ChainedTopic,
    partition: u32,
    /// Rows that are fetched but not used yet, and where to fetch the next.
    rows: VecDeque<ChainRow>,
    fetch_from: Option<i64>,
    /// The row whose records are coming.
    current: Option<(ChainRow, BatchHasher)>,
    begins_at: i64,
    end: ChainEnd,
    /// Whether the previous row is missing, so that the next head cannot be checked.
    is_cut: bool,
    batches: u64,
    /// Heads that must be in some chain.
    wanted: &'a mut BTreeSet<Digest>,
}

impl<'a> ChainAuditor<'a> {
    pub(crate) fn new(
        store: &'a Store,
        topic: ChainedTopic,
        partition: u32,
        wanted: &'a mut BTreeSet<Digest>,
    ) -> ChainAuditor<'a> {
        let head = first_head(topic, partition, 0);
        wanted.remove(&head);
        ChainAuditor {
            store,
            topic,
            partition,
            rows: VecDeque::new(),
            fetch_from: Some(0),
            current: None,
            begins_at: 0,
            end: ChainEnd {
                next_offset: 0,
                head,
            },
            is_cut: false,
            batches: 0,
            wanted,
        }
    }

    /// Takes the next records of the log.
    pub(crate) async fn records(
        &mut self,
        records: &[Output],
        findings: &mut Findings,
    ) -> anyhow::Result<()> {
        for record in records {
            if self.current.is_none() && !self.begin_row(findings).await? {
                return Ok(());
            }
            let Some((row, hasher)) = &mut self.current else {
                continue;
            };
            if record.offset < row.base_offset {
                continue;
            }
            consumer::hash_record(hasher, record);
            if record.next_offset() >= row.next_offset {
                let (row, hash) = (*row, hasher.finish());
                self.current = None;
                self.end_row(row, Some(hash), findings);
            }
        }
        Ok(())
    }

    /// Compares the rest of the chain at the log's end, and returns the chain's end.
    pub(crate) async fn finish(
        mut self,
        log_end: i64,
        findings: &mut Findings,
    ) -> anyhow::Result<ChainEnd> {
        while self.current.is_some() || self.begin_row(findings).await? {
            let Some((row, _)) = self.current.take() else {
                break;
            };
            findings.differ(format!(
                "{}: these records were persisted, but the log ends at {log_end}",
                self.offsets(&row)
            ));
            self.end_row(row, None, findings);
        }
        findings.chains.push(ChainSummary {
            topic: self.topic,
            partition: self.partition,
            begins_at: self.begins_at,
            next_offset: self.end.next_offset,
            batches: self.batches,
            head: self.end.head,
        });
        if self.begins_at > 0 {
            findings.notes.push(format!(
                "{place}: the {0} records before offset {0} were persisted before the chain existed; only tally and \
                 rows confirm them",
                self.begins_at,
                place = self.place(),
            ));
        }
        Ok(self.end)
    }

    /// The partition, in words.
    fn place(&self) -> String {
        match self.topic {
            ChainedTopic::Votes => format!("partition {}", self.partition),
            ChainedTopic::Voters => format!("partition {} of voters", self.partition),
        }
    }

    fn offsets(&self, row: &ChainRow) -> String {
        let place = self.place();
        format!("{place} offsets {}..{}", row.base_offset, row.next_offset)
    }

    /// Begins the chain's next row; false if there is none.
    async fn begin_row(&mut self, findings: &mut Findings) -> anyhow::Result<bool> {
        loop {
            let Some(row) = self.next_row().await? else {
                return Ok(false);
            };
            let due = self.end.next_offset;
            if row.base_offset < due || row.next_offset <= row.base_offset {
                findings.differ(format!(
                    "{}: a row was added to the chain",
                    self.offsets(&row)
                ));
                continue;
            }
            if row.base_offset > due {
                findings.differ(format!(
                    "{} offsets {due}..{}: the chain has no row for them",
                    self.place(),
                    row.base_offset
                ));
                self.is_cut = true;
            }
            self.current = Some((row, BatchHasher::default()));
            return Ok(true);
        }
    }

    async fn next_row(&mut self) -> anyhow::Result<Option<ChainRow>> {
        if self.rows.is_empty()
            && let Some(from) = self.fetch_from
        {
            let rows = self
                .store
                .chain_rows(self.topic, self.partition, from, ROWS_PER_QUERY)
                .await?;
            self.fetch_from = rows.last().map(|last| last.base_offset + 1);
            self.rows = rows.into();
        }
        Ok(self.rows.pop_front())
    }

    /// Compares a row with its records' hash (`None`: the log does not have them all), and continues from
    /// it.
    fn end_row(&mut self, row: ChainRow, found: Option<Digest>, findings: &mut Findings) {
        let (before, is_cut) = (self.end.head, std::mem::take(&mut self.is_cut));
        self.end = row.end(self.topic, self.partition);
        let Some(ChainHashes {
            batch: stored,
            head,
        }) = row.hashes
        else {
            self.begins_at = row.next_offset;
            return;
        };
        self.batches += 1;
        if found.is_some_and(|found| found != stored) {
            findings.differ(format!(
                "{}: the log is not what was persisted (hash {}, stored {stored})",
                self.offsets(&row),
                found.unwrap_or(stored)
            ));
        }
        let follows = |hash: Digest| {
            next_head(
                before,
                &HashedBatch {
                    partition: self.partition,
                    base_offset: row.base_offset,
                    next_offset: row.next_offset,
                    hash,
                },
            )
        };
        // If one of the row's parts was edited, the others show what it was.
        let computed = follows(found.unwrap_or(stored));
        if is_cut || computed == head || follows(stored) == head {
            self.wanted.remove(&head);
        } else {
            findings.differ(format!(
                "{}: the chain's head {head} does not follow from the batches up to there, {computed} does",
                self.offsets(&row)
            ));
            self.end.head = computed;
        }
    }
}

/// Compares where a partition's chain ends with its checkpoint.
pub(super) fn compare_end(
    topic: ChainedTopic,
    partition: u32,
    end: ChainEnd,
    persisted_to: i64,
    findings: &mut Findings,
) {
    if end.next_offset != persisted_to {
        findings.differ(format!(
            "partition {partition}: the chain ends at offset {}, but {} are persisted up to {persisted_to}",
            end.next_offset,
            topic.as_str()
        ));
    }
}
