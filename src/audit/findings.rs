//! The findings of an audit, and how they are printed.

use evidence::{ChainedTopic, Digest};
use indicatif::HumanCount;
use serde::Serialize;

/// How many differences are listed; more are only counted.
pub(crate) const LISTED: usize = 50;

/// What the audit found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// Records of `votes` in the log.
    pub(crate) records: u64,
    /// Of these, votes that count.
    pub(crate) counted: u64,
    /// Of these, rejected votes.
    pub(crate) rejected: u64,
    /// Voters registered in the log.
    pub(crate) voters: u64,
    /// Records of `voters` that are not voters.
    pub(crate) rejected_voters: u64,
    /// How many figures or rows differ.
    pub(crate) differences: u64,
    /// The first of them.
    pub(crate) listed: Vec<String>,
    /// The chain of each partition, of votes and then of voters.
    pub(crate) chains: Vec<ChainSummary>,
    /// Seals whose roots were compared with the log.
    pub(crate) seals: u64,
    /// Records that the bridge left behind. They are no difference: the log has them.
    pub(crate) dead_letters: u64,
    /// What could not be compared, and the first dead letters.
    pub(crate) notes: Vec<String>,
}

/// The chain of a partition's hashes.
#[derive(Debug, Serialize)]
pub(crate) struct ChainSummary {
    pub(crate) topic: ChainedTopic,
    pub(crate) partition: u32,
    pub(crate) begins_at: i64,
    pub(crate) next_offset: i64,
    pub(crate) batches: u64,
    pub(crate) head: Digest,
}

impl Findings {
    /// Adds a difference.
    pub(crate) fn differ(&mut self, difference: String) {
        self.differences += 1;
        if self.listed.len() < LISTED {
            self.listed.push(difference);
        }
    }

    /// The differences, one on each line.
    pub(crate) fn list(&self) -> String {
        let mut text = String::new();
        for difference in &self.listed {
            text += &format!("  {difference}\n");
        }
        let unlisted = self.differences - self.listed.len() as u64;
        if unlisted > 0 {
            text += &format!("  and {} more\n", HumanCount(unlisted));
        }
        text
    }

    /// Prints the findings as text.
    pub(crate) fn print(&self) {
        println!(
            "{} votes in the log: {} counted, {} rejected. {} voters on the roll.",
            HumanCount(self.records),
            HumanCount(self.counted),
            HumanCount(self.rejected),
            HumanCount(self.voters)
        );
        if self.differences == 0 {
            println!(
                "Log, tally and rows agree on every one of them, and the log is the one that was persisted."
            );
        } else {
            println!(
                "Log, tally and rows DIFFER in {}:",
                HumanCount(self.differences)
            );
            print!("{}", self.list());
        }
        for chain in &self.chains {
            println!(
                "Partition {} of {}: head {} after offset {}",
                chain.partition,
                chain.topic.as_str(),
                chain.head,
                chain.next_offset
            );
        }
        if self.seals > 0 {
            println!("{} sealed roots compared with the log.", self.seals);
        }
        if self.dead_letters > 0 {
            println!(
                "{} records were left behind by the bridge.",
                HumanCount(self.dead_letters)
            );
        }
        for note in &self.notes {
            println!("Note: {note}");
        }
    }
}
