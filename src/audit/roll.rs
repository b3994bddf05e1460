//! Compares the records of `voters` with their rows and with their hash chain.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ballot::{FirstVotes, HashSeed, Voter};
use evidence::{ChainedTopic, Digest};
use platform::Output;
use store::{PERSIST, RejectedVoterRow, Store, differing_columns, stored_voter};
use wire::topics;

use super::chain::{ChainAuditor, compare_end};
use super::findings::Findings;
use super::report_stray_rows;
use crate::backend::Backend;
use crate::log_blocks::LogBlocks;

/// How many ids are read from the table together.
const IDS_AT_ONCE: usize = 16 * 1024;

/// How many differing rows are kept, because a later record of the voter may explain them.
const DOUBTS: usize = 10_000;

/// Compares the records of `voters` with the rows and the chain. Removes the chain's heads from `heads`.
pub(super) async fn audit_roll(
    backend: &Backend,
    heads: &mut BTreeSet<Digest>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let Backend {
        platform, store, ..
    } = backend;
    let ends = backend.ends(topics::VOTERS).await?;
    let mut roll = Roll {
        store,
        findings,
        registered: FirstVotes::new(HashSeed::random()),
        records: 0,
        begins: Vec::with_capacity(ends.len()),
        differing: BTreeMap::new(),
        missing: 0,
    };
    for (partition, &end) in (0..).zip(&ends) {
        roll.begins.push(roll.records);
        let persisted_to = store.checkpoint(PERSIST, topics::VOTERS, partition).await?;
        if persisted_to != end {
            roll.findings.differ(format!(
                "partition {partition}: voters are persisted up to offset {persisted_to}, the log ends at \
                 {end}; run the consumer to continue"
            ));
        }
        let mut chain = ChainAuditor::new(store, ChainedTopic::Voters, partition, heads);
        let mut blocks = LogBlocks::before(end, &**platform, topics::VOTERS, partition).await?;
        while let Some(records) = blocks.next().await? {
            chain.records(&records, roll.findings).await?;
            let persisted = records.partition_point(|record| record.offset < persisted_to);
            roll.compare(partition, &records[..persisted]).await?;
        }
        let chain_end = chain.finish(end, roll.findings).await?;
        compare_end(
            ChainedTopic::Voters,
            partition,
            chain_end,
            persisted_to,
            roll.findings,
        );
    }
    report_stray_rows(store, ChainedTopic::Voters, &ends, roll.findings).await?;
    roll.finish().await
}

/// What is known of the roll so far.
struct Roll<'a> {
    store: &'a Store,
    findings: &'a mut Findings,
    /// The number of each voter's first record; records are numbered from 0, through all partitions.
    registered: FirstVotes,
    records: i64,
    /// The number of each partition's first record.
    begins: Vec<i64>,
    /// The columns in which a row differs from the voter's first record, by voter.
    differing: BTreeMap<String, String>,
    missing: u64,
}

impl Roll<'_> {
    /// Compares consecutive records with their rows.
    async fn compare(&mut self, partition: u32, records: &[Output]) -> anyhow::Result<()> {
        let (voters, rejected) = consumer::read_voters(records);
        let voters: Vec<Voter> = voters.into_iter().map(stored_voter).collect();
        let ids: Vec<&str> = voters.iter().map(|voter| &*voter.voter_id).collect();
        let rows = self.store.voters(&ids).await?.into_iter();
        let rows: HashMap<_, _> = rows.map(|row| (row.voter_id.clone(), row)).collect();
        for voter in &voters {
            self.compare_voter(voter, rows.get(&voter.voter_id));
        }
        self.compare_rejected(partition, records, &rejected).await
    }

    fn compare_voter(&mut self, voter: &Voter, row: Option<&Voter>) {
        let id = &voter.voter_id;
        let number = self.records;
        self.records += 1;
        let first = self.registered.first_offset(&(&**id).into(), number);
        let Some(row) = row else {
            if first == number {
                self.missing += 1;
                self.findings.differ(format!(
                    "voter {id} is registered, but has no row in voters"
                ));
            }
            return;
        };
        if first == number {
            // Only the columns: what they contain is private.
            let differences = differing_columns(voter, row);
            if differences.is_empty() {
                return;
            }
            let differences = differences.join(", ");
            if self.differing.len() < DOUBTS {
                self.differing.insert(id.clone(), differences);
            } else {
                differ(self.findings, id, &differences);
            }
        } else if self.begins.last().is_some_and(|&begin| first < begin) && row == voter {
            // Registered in two partitions; the log does not show which record was persisted first.
            self.differing.remove(id);
        }
    }

    /// Compares the rows of records that are not voters, but not their wording, which may change between
    /// versions.
    async fn compare_rejected(
        &mut self,
        partition: u32,
        records: &[Output],
        expected: &[RejectedVoterRow],
    ) -> anyhow::Result<()> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        self.findings.rejected_voters += expected.len() as u64;
        let rows = self
            .store
            .rejected_voters(partition, first.offset, last.next_offset())
            .await?;
        let mut rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.offset, row)).collect();
        for expected in expected {
            let at = format!("partition {partition} offset {} of voters", expected.offset);
            match rows.remove(&expected.offset) {
                None => self.findings.differ(format!(
                    "{at}: the record is not a voter, but has no row in rejected_voters"
                )),
                Some(row) if row.value != expected.value => self.findings.differ(format!(
                    "{at}: the rejected record is not what its row keeps"
                )),
                Some(_) => {}
            }
        }
        for offset in rows.keys() {
            self.findings.differ(format!(
                "partition {partition} offset {offset} of voters: the record is a voter, but is in \
                 rejected_voters"
            ));
        }
        Ok(())
    }

    /// Looks for rows without a record.
    async fn finish(mut self) -> anyhow::Result<()> {
        for (id, differences) in &self.differing {
            differ(self.findings, id, differences);
        }
        let registered = self.registered.len() as u64;
        self.findings.voters = registered;
        let (rows, expected) = (
            self.store.count_rows().await?.voters,
            registered - self.missing,
        );
        if rows != expected && self.report_strays().await? == 0 {
            self.findings.differ(format!(
                "voters has {rows} rows for {expected} registered voters"
            ));
        }
        Ok(())
    }

    /// Reports rows of voters who are not registered in the log, and returns how many there are.
    async fn report_strays(&mut self) -> anyhow::Result<u64> {
        let mut strays = 0;
        let mut last = String::new();
        loop {
            let ids = self.store.voter_ids_after(&last, IDS_AT_ONCE).await?;
            for id in &ids {
                let number = self.records;
                if self.registered.first_offset(&(&**id).into(), number) == number {
                    strays += 1;
                    self.findings.differ(format!(
                        "voters row of voter {id}: the log does not register this voter"
                    ));
                }
            }
            match ids.into_iter().next_back() {
                Some(id) => last = id,
                None => return Ok(strays),
            }
        }
    }
}

fn differ(findings: &mut Findings, voter_id: &str, differences: &str) {
    findings.differ(format!(
        "voter {voter_id}: the row differs from the registration: {differences}"
    ));
}
