//! Compares the log with the rows of votes and rejected votes.

use std::collections::BTreeMap;

use ballot::{Ballot, Reason, Rules};
use consumer::{KEPT_BYTES, named_voter, rejected_row, vote_row};
use platform::Output;
use store::{RejectedRow, Store, VoteRow};
use wire::Disclosure;

use super::findings::Findings;

/// The rows of consecutive offsets of a partition.
pub(super) struct BlockRows<'a> {
    partition: u32,
    disclosure: &'a Disclosure,
    votes: BTreeMap<i64, Vec<VoteRow>>,
    rejected: BTreeMap<i64, RejectedRow>,
}

impl<'a> BlockRows<'a> {
    /// Fetches the rows of these records.
    pub(super) async fn of(
        records: &[Output],
        store: &Store,
        partition: u32,
        disclosure: &'a Disclosure,
    ) -> anyhow::Result<BlockRows<'a>> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            anyhow::bail!("invariant: a block has records");
        };
        let (from, to) = (first.offset, last.next_offset());
        let mut votes: BTreeMap<i64, Vec<VoteRow>> = BTreeMap::new();
        for row in store.vote_rows(partition, from, to).await? {
            votes.entry(row.offset).or_default().push(row);
        }
        // One byte more than is stored, so that a longer value differs.
        let rejected = store
            .rejected_rows(partition, from, to, KEPT_BYTES + 1)
            .await?
            .into_iter()
            .map(|row| (row.offset, row))
            .collect();
        Ok(BlockRows {
            partition,
            disclosure,
            votes,
            rejected,
        })
    }

    /// Compares the row of a vote that counts.
    pub(super) fn compare_vote(
        &self,
        rules: &Rules,
        offset: i64,
        ballot: Ballot<'_>,
        findings: &mut Findings,
    ) {
        let expected = &vote_row(rules, self.disclosure, offset, ballot);
        let at = format!("partition {} offset {}", self.partition, expected.offset);
        let voter = &expected.voter_id;
        if let Some(RejectedRow { reason, .. }) = self.rejected.get(&expected.offset) {
            findings.differ(format!(
                "{at}: voter {voter}'s vote counts, but is in rejected_votes as {reason}"
            ));
        }
        let rows = self.votes_at(expected.offset);
        if rows.is_empty() {
            findings.differ(format!(
                "{at}: voter {voter}'s vote counts, but has no row in votes"
            ));
        }
        for row in rows.iter().filter(|row| *row != expected) {
            findings.differ(format!(
                "{at}: the log has voter {voter} for {} at {}, the row has voter {} for {} at {}",
                expected.choice(),
                expected.voting_time,
                row.voter_id,
                row.choice(),
                row.voting_time
            ));
        }
        if rows.len() > 1 {
            findings.differ(format!("{at}: {} rows in votes for one vote", rows.len()));
        }
    }

    /// Compares the row of a record that does not count.
    pub(super) fn compare_rejection(
        &self,
        rules: &Rules,
        record: &Output,
        reason: Reason,
        findings: &mut Findings,
    ) {
        let at = format!("partition {} offset {}", self.partition, record.offset);
        for row in self.votes_at(record.offset) {
            findings.differ(format!(
                "{at}: the vote is rejected as {reason}, but voter {} has a row in votes for it",
                row.voter_id
            ));
        }
        let Some(stored) = self.rejected.get(&record.offset) else {
            findings.differ(format!(
                "{at}: the vote is rejected as {reason}, but has no row in rejected_votes"
            ));
            return;
        };
        if stored.reason != reason {
            findings.differ(format!(
                "{at}: the vote is rejected as {reason}, its row says {}",
                stored.reason
            ));
        }
        let disclosure = self.disclosure;
        let voter_id = disclosure.stored_voter_id(named_voter(rules, &record.value));
        let expected = rejected_row(disclosure, record, reason, voter_id.into_owned());
        if stored.records != expected.records {
            findings.differ(format!(
                "{at}: {} offsets cannot be read, its row says {}",
                expected.records, stored.records
            ));
        }
        if stored.voter_id != expected.voter_id {
            findings.differ(format!(
                "{at}: the rejected vote names voter `{}`, its row says `{}`",
                expected.voter_id, stored.voter_id
            ));
        }
        if (&stored.value, stored.value_bytes) != (&expected.value, expected.value_bytes) {
            findings.differ(format!(
                "{at}: the rejected vote's {} bytes are not those that its row keeps",
                expected.value_bytes
            ));
        }
    }

    fn votes_at(&self, offset: i64) -> &[VoteRow] {
        self.votes.get(&offset).map_or(&[], Vec::as_slice)
    }
}
