//! What others may see of a vote: of a rejected one's text, and of its voter's name.

use std::borrow::Cow;

use evidence::PseudonymKey;

use crate::Election;
use crate::publishable::without_credential;

/// What others may see of an election's votes.
#[derive(Debug, Clone, Default)]
pub struct Disclosure {
    /// Whether credentials are taken out of what is shown.
    blanks_credentials: bool,
    /// What stands for voters, where ballots are secret.
    pseudonyms: Option<PseudonymKey>,
}

impl Disclosure {
    /// What may be seen of this election's votes.
    pub fn of(election: &Election) -> Disclosure {
        Disclosure {
            blanks_credentials: election.credentials.is_some(),
            pseudonyms: election.pseudonyms.clone(),
        }
    }

    /// For a program that is told the rules of an election only: all is shown, but for credentials where
    /// `credentials` says that the rules ask for them.
    pub fn blanking(credentials: bool) -> Disclosure {
        Disclosure {
            blanks_credentials: credentials,
            pseudonyms: None,
        }
    }

    /// A rejected vote as others may see it. Its credential may still be good for a vote that counts, so
    /// where credentials are required it is taken out; of what is no JSON object nothing is left, for
    /// nobody can say where in it the credential stands. Where ballots are secret nothing is left of any: it
    /// names voter and candidate.
    pub fn publishable<'a>(&self, value: &'a [u8]) -> Cow<'a, [u8]> {
        if self.pseudonyms.is_some() {
            return Cow::default();
        }
        if self.blanks_credentials {
            return without_credential(value).unwrap_or_default();
        }
        Cow::Borrowed(value)
    }

    /// What stands for a voter in tables and in rejected votes: a pseudonym where ballots are secret, and
    /// nothing where no voter is named.
    pub fn stored_voter_id<'a>(&self, voter_id: Cow<'a, str>) -> Cow<'a, str> {
        match &self.pseudonyms {
            Some(key) if !voter_id.is_empty() => key.pseudonym(&voter_id).into(),
            _ => voter_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence::ElectionKey;

    use super::*;

    const VOTE: &str =
        r#"{"voter_id":"v","candidate_id":"a","voting_time":"2024-07-04 12:00:00","vote":1}"#;

    #[test]
    fn what_is_shown_of_a_rejected_vote_is_good_for_no_other() {
        let key = ElectionKey::from_bytes([7; 32]).credentials();
        let own = key.credential("v");
        let election = Election {
            credentials: Some(key),
            ..Election::default()
        };
        let requiring = Disclosure::of(&election);
        let by_rules = Disclosure::blanking(election.rules().requires_credentials());
        let open = Disclosure::default();
        let with = |fields: &str| VOTE.replacen('{', &format!("{{{fields}"), 1).into_bytes();
        let good = with(&format!(r#""credential":"{own}","#));
        let twice = with(&format!(r#""credential":"{own}","credential":"{own}","#));
        for value in [&good, &twice, &good[..good.len() - 1].to_vec()] {
            let shown = String::from_utf8(requiring.publishable(value).into_owned()).unwrap();
            assert!(!shown.contains(&own), "{shown}");
            assert_eq!(by_rules.publishable(value), shown.as_bytes());
            assert_eq!(*open.publishable(value), **value);
        }
    }

    #[test]
    fn where_ballots_are_secret_a_voter_is_stored_under_a_pseudonym() {
        let key = ElectionKey::from_bytes([7; 32]).pseudonyms();
        let election = Election {
            pseudonyms: Some(key.clone()),
            ..Election::default()
        };
        let secret = Disclosure::of(&election);
        assert_eq!(secret.stored_voter_id("v".into()), key.pseudonym("v"));
        assert_eq!(secret.stored_voter_id("".into()), "");
        assert_eq!(*secret.publishable(VOTE.as_bytes()), *b"");
        let open = Disclosure::default();
        assert_eq!(open.stored_voter_id("v".into()), "v");
        let params = election.rules().to_params();
        assert_eq!(
            params.keys().collect::<Vec<_>>(),
            ["candidates", "hash_seed"]
        );
    }
}
