//! `election audit`: counts the log again, natively and by itself, and compares it record by record
//! with the stored tally and with the rows.

use std::collections::BTreeMap;

use domain::{PartitionCounter, Reason, Rules, Tally, topics};
use futures_util::StreamExt;
use platform::{Output, Platform, StreamRequest};
use serde::Serialize;
use store::{Store, VoteRow};

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::AuditArgs;
use crate::render;

/// Records whose rows are fetched together.
const RECORDS_PER_QUERY: usize = 16 * 1024;

/// Differences that are listed; more are only counted.
const LISTED: usize = 50;

/// What the audit found.
#[derive(Debug, Default, Serialize)]
struct Findings {
    /// Records of `votes` in the log.
    records: u64,
    /// Of these, votes that count.
    counted: u64,
    /// Of these, votes that do not.
    rejected: u64,
    /// How many figures or rows differ.
    differences: u64,
    /// The first of them, in words.
    listed: Vec<String>,
}

impl Findings {
    fn differ(&mut self, difference: String) {
        self.differences += 1;
        if self.listed.len() < LISTED {
            self.listed.push(difference);
        }
    }
}

pub(crate) async fn run(args: AuditArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let findings = audit(&backend).await;
    let closed = backend.close().await;
    let findings = findings?;
    closed?;
    if args.json {
        render::print_json(&findings)?;
    } else {
        print(&findings);
    }
    Ok(if findings.differences == 0 {
        Outcome::Fine
    } else {
        Outcome::CheckFailed
    })
}

fn print(findings: &Findings) {
    use indicatif::HumanCount;
    println!(
        "{} records in the log: {} counted, {} rejected.",
        HumanCount(findings.records),
        HumanCount(findings.counted),
        HumanCount(findings.rejected)
    );
    if findings.differences == 0 {
        println!("Log, tally and rows agree on every one of them.");
        return;
    }
    println!(
        "Log, tally and rows DIFFER in {}:",
        HumanCount(findings.differences)
    );
    for difference in &findings.listed {
        println!("  {difference}");
    }
    let unlisted = findings.differences - findings.listed.len() as u64;
    if unlisted > 0 {
        println!("  and {} more", HumanCount(unlisted));
    }
}

async fn audit(backend: &Backend) -> anyhow::Result<Findings> {
    let election = backend.election().await?.election;
    let rules = Rules::of(&election);
    let ends = backend.ends(topics::VOTES).await?;
    let mut findings = Findings::default();
    for (partition, &end) in (0..).zip(&ends) {
        let mut auditor = Auditor {
            store: &backend.store,
            partition,
            counter: PartitionCounter::new(rules.clone()),
            rules: &rules,
            findings: &mut findings,
        };
        auditor.compare_rows(&*backend.platform, end).await?;
        let counted = auditor.counter.take_tally();
        auditor.compare_tally(&counted, end).await?;
    }
    for (partition, _, tally) in backend.store.tallies().await? {
        if partition as usize >= ends.len() {
            findings.differ(format!(
                "partition {partition}: a tally of {} votes is stored, but `votes` has no such partition",
                tally.cast()
            ));
        }
    }
    let ends: Vec<_> = (0..).zip(ends).collect();
    for (partition, row) in backend.store.stray_rows(&ends, LISTED + 1).await? {
        findings.differ(format!(
            "votes row of voter {}: partition {partition} has no offset {}",
            row.voter_id, row.offset
        ));
    }
    for (partition, offset, reason) in backend.store.stray_rejected_rows(&ends, LISTED + 1).await? {
        findings.differ(format!(
            "rejected_votes row ({reason}): partition {partition} has no offset {offset}"
        ));
    }
    Ok(findings)
}

struct Auditor<'a> {
    store: &'a Store,
    partition: u32,
    counter: PartitionCounter,
    rules: &'a Rules,
    findings: &'a mut Findings,
}

impl Auditor<'_> {
    async fn compare_rows(&mut self, platform: &dyn Platform, end: i64) -> anyhow::Result<()> {
        if end == 0 {
            return Ok(());
        }
        let mut stream = platform
            .stream(StreamRequest {
                topic: topics::VOTES.into(),
                partition: self.partition,
                from: 0,
                chain: Vec::new(),
            })
            .await?;
        let mut records = Vec::new();
        let mut next = 0;
        while next < end {
            let Some(outputs) = stream.next().await else {
                anyhow::bail!("the stream of partition {} ended at {next}", self.partition);
            };
            records.extend(outputs?);
            next = records.last().map_or(next, |last: &Output| last.offset + 1);
            if records.len() >= RECORDS_PER_QUERY || next >= end {
                records.retain(|record| record.offset < end);
                self.compare_block(&std::mem::take(&mut records)).await?;
            }
        }
        Ok(())
    }

    /// Compares consecutive records with the rows of their offsets.
    async fn compare_block(&mut self, records: &[Output]) -> anyhow::Result<()> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        let (from, to) = (first.offset, last.offset + 1);
        let mut rows: BTreeMap<i64, Vec<VoteRow>> = BTreeMap::new();
        for row in self.store.vote_rows(self.partition, from, to).await? {
            rows.entry(row.offset).or_default().push(row);
        }
        let mut rejections: BTreeMap<i64, Reason> = self
            .store
            .rejected_rows(self.partition, from, to)
            .await?
            .into_iter()
            .collect();
        for record in records {
            let offset = record.offset;
            self.findings.records += 1;
            let rows = rows.remove(&offset).unwrap_or_default();
            let rejection = rejections.remove(&offset);
            match self
                .counter
                .count(offset, record.key.as_deref(), &record.value)
            {
                Ok(ballot) => {
                    self.findings.counted += 1;
                    let expected = VoteRow {
                        voter_id: self.rules.stored_voter_id(ballot.voter_id).into_owned(),
                        candidate_id: ballot.candidate_id.into_owned(),
                        voting_time: ballot.voting_time,
                        offset,
                    };
                    self.compare_vote(&expected, &rows, rejection);
                }
                Err(reason) => {
                    self.findings.rejected += 1;
                    self.compare_rejection(offset, reason, &rows, rejection);
                }
            }
        }
        Ok(())
    }

    fn compare_vote(&mut self, expected: &VoteRow, rows: &[VoteRow], rejection: Option<Reason>) {
        let at = format!("partition {} offset {}", self.partition, expected.offset);
        let voter = &expected.voter_id;
        if let Some(reason) = rejection {
            self.findings.differ(format!(
                "{at}: voter {voter}'s vote counts, but stands in rejected_votes as {reason}"
            ));
        }
        if rows.is_empty() {
            self.findings.differ(format!(
                "{at}: voter {voter}'s vote counts, but has no row in votes"
            ));
        }
        for row in rows {
            if row == expected {
                continue;
            }
            self.findings.differ(format!(
                "{at}: the log has voter {voter} for candidate {} at {}, the row has voter {} for \
                 candidate {} at {}",
                expected.candidate_id,
                expected.voting_time,
                row.voter_id,
                row.candidate_id,
                row.voting_time
            ));
        }
        if rows.len() > 1 {
            self.findings
                .differ(format!("{at}: {} rows in votes for one vote", rows.len()));
        }
    }

    fn compare_rejection(
        &mut self,
        offset: i64,
        reason: Reason,
        rows: &[VoteRow],
        rejection: Option<Reason>,
    ) {
        let at = format!("partition {} offset {offset}", self.partition);
        for row in rows {
            self.findings.differ(format!(
                "{at}: the vote is rejected as {reason}, but voter {} has a row in votes for it",
                row.voter_id
            ));
        }
        match rejection {
            Some(stored) if stored == reason => {}
            Some(stored) => self.findings.differ(format!(
                "{at}: the vote is rejected as {reason}, its row says {stored}"
            )),
            None => self.findings.differ(format!(
                "{at}: the vote is rejected as {reason}, but has no row in rejected_votes"
            )),
        }
    }

    async fn compare_tally(&mut self, counted: &Tally, end: i64) -> anyhow::Result<()> {
        let partition = self.partition;
        let (offset, tally) = self.store.load_tally(partition).await?.unwrap_or_default();
        if offset != end {
            self.findings.differ(format!(
                "partition {partition}: the stored tally counts up to offset {offset}, the log ends \
                 at {end}; run the consumer to go on"
            ));
        }
        for difference in counted.differences(&tally) {
            self.findings.differ(format!(
                "partition {partition}: {difference} (log against stored tally)"
            ));
        }
        Ok(())
    }
}
