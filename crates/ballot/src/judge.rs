//! Who judges a partition's records: the rules alone, or with a memory of who has voted.

use crate::params::PARAM_DUPLICATES;
use crate::{Ballot, FirstVotes, ParamError, ParsedVote, Reason, Rules, VoterRef, module_params};

/// Judges one partition's records, from its first one on: it knows who has voted.
pub struct PartitionJudge {
    rules: Rules,
    first_votes: FirstVotes,
}

impl PartitionJudge {
    /// A judge that has seen nothing.
    pub fn new(rules: Rules) -> Self {
        PartitionJudge {
            first_votes: FirstVotes::new(rules.hash_seed()),
            rules,
        }
    }

    /// Judges the record at `offset`. Asked again, it says the same.
    ///
    /// # Errors
    /// The reason it is rejected for.
    pub fn judge<'a>(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: &'a [u8],
    ) -> Result<Ballot<'a>, Reason> {
        self.judge_vote(offset, key, self.rules.read(value)?)
    }

    /// Judges the key at `offset` and the vote that the record's value is.
    ///
    /// # Errors
    /// As [`PartitionJudge::judge`].
    pub fn judge_vote<'a>(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        vote: ParsedVote<'a>,
    ) -> Result<Ballot<'a>, Reason> {
        let ballot = self.rules.judge_vote(key, vote)?;
        self.judge_voter(offset, &VoterRef::from(&*ballot.voter_id))?;
        Ok(ballot)
    }

    /// The rules for a vote by itself.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Says that these voters are about to be judged.
    pub(crate) fn expect<'a>(&self, voters: impl Iterator<Item = &'a VoterRef<'a>>) {
        let read = voters.fold(0, |read, voter| read ^ self.first_votes.read_ahead(voter));
        // Only the read matters, not its result.
        std::hint::black_box(read);
    }

    /// Judges whether the valid vote at `offset` is its voter's first.
    ///
    /// # Errors
    /// [`Reason::Duplicate`] when it is not.
    #[inline]
    pub(crate) fn judge_voter(&mut self, offset: i64, voter: &VoterRef<'_>) -> Result<(), Reason> {
        if self.first_votes.first_offset(voter, offset) == offset {
            Ok(())
        } else {
            Err(Reason::Duplicate)
        }
    }
}

/// Judges records as a SmartModule's parameters say.
pub enum Judge {
    /// Each vote by itself.
    Single(Rules),
    /// With a memory of who has voted.
    First(Box<PartitionJudge>),
}

impl Judge {
    /// The judge that the parameters of the rules and `duplicates` ask for.
    ///
    /// # Errors
    /// When one cannot be read; it names the parameter and says what it takes.
    pub fn from_params(get: impl Fn(&str) -> Option<String>) -> Result<Judge, ParamError> {
        let rules = Rules::from_params(&module_params(&get))?;
        match get(PARAM_DUPLICATES).as_deref() {
            None | Some("pass") => Ok(Judge::Single(rules)),
            Some("drop") => Ok(Judge::First(Box::new(PartitionJudge::new(rules)))),
            Some(other) => Err(ParamError::new(
                PARAM_DUPLICATES,
                format!("takes `pass` or `drop`, not `{other}`"),
            )),
        }
    }

    /// The rules for a vote by itself.
    pub fn rules(&self) -> &Rules {
        match self {
            Judge::Single(rules) => rules,
            Judge::First(judge) => judge.rules(),
        }
    }

    /// Judges the record at `offset`.
    ///
    /// # Errors
    /// The reason it is rejected for.
    pub fn judge<'a>(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        value: &'a [u8],
    ) -> Result<Ballot<'a>, Reason> {
        let vote = self.rules().read(value)?;
        self.judge_vote(offset, key, vote)
    }

    /// Judges the key at `offset` and the vote that the record's value is.
    ///
    /// # Errors
    /// The reason it is rejected for.
    pub fn judge_vote<'a>(
        &mut self,
        offset: i64,
        key: Option<&[u8]>,
        vote: ParsedVote<'a>,
    ) -> Result<Ballot<'a>, Reason> {
        match self {
            Judge::Single(rules) => rules.judge_vote(key, vote),
            Judge::First(judge) => judge.judge_vote(offset, key, vote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(params: &[(&str, &str)]) -> Result<Judge, ParamError> {
        Judge::from_params(|name| {
            let found = params.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_second_vote_passes_unless_duplicates_are_dropped() {
        let text =
            br#"{"voter_id":"v","candidate_id":"a","voting_time":"2024-07-04 12:00:00","vote":1}"#;
        let verdict = |judge: &mut Judge, offset| {
            let vote = judge.rules().read(text).unwrap();
            judge.judge_vote(offset, Some(b"v"), vote).map(drop)
        };
        let mut passing = judge(&[]).unwrap();
        let mut dropping = judge(&[("duplicates", "drop")]).unwrap();
        for (offset, dropped) in [(0, Ok(())), (1, Err(Reason::Duplicate)), (0, Ok(()))] {
            assert_eq!(verdict(&mut passing, offset), Ok(()));
            assert_eq!(verdict(&mut dropping, offset), dropped);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (name, value) in [
            ("duplicates", "x"),
            ("polls_open", "x"),
            ("candidates", "x"),
        ] {
            let error = judge(&[(name, value)]).err().unwrap();
            assert_eq!(error.name, name);
        }
    }
}
