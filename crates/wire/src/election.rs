//! An election as its parts are told of it: who stands, when the polls are open, and what keys it uses.

use ballot::{Candidate, CredentialKey, PollsWindow, Rules};
use evidence::PseudonymKey;

/// What is voted on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Election {
    /// Who stands.
    pub candidates: Vec<Candidate>,
    /// When votes may be cast.
    pub polls: PollsWindow,
    /// What credentials are checked with, where votes must carry them.
    pub credentials: Option<CredentialKey>,
    /// What voters' pseudonyms are made with, where ballots are secret.
    pub pseudonyms: Option<PseudonymKey>,
}

impl Election {
    /// The rules that its votes are held to.
    pub fn rules(&self) -> Rules {
        let rules = Rules::new(&self.candidates, self.polls);
        match &self.credentials {
            Some(key) => rules.requiring(key.clone()),
            None => rules,
        }
    }
}
