//! An election as its parts are told of it: what is on the ballot, when the polls are open, and what keys it
//! uses.

use ballot::{Candidate, CredentialKey, ElectionDefinition, HashSeed, PollsWindow, Rules};
use evidence::PseudonymKey;

/// What is voted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Election {
    /// The contests, who stands in them, and what votes are counted by.
    pub definition: ElectionDefinition,
    /// When votes may be cast.
    pub polls: PollsWindow,
    /// What credentials are checked with, where votes must carry them.
    pub credentials: Option<CredentialKey>,
    /// What voters' pseudonyms are made with, where ballots are secret.
    pub pseudonyms: Option<PseudonymKey>,
}

impl Election {
    /// An election without keys.
    pub fn new(definition: ElectionDefinition, polls: PollsWindow) -> Election {
        Election {
            definition,
            polls,
            credentials: None,
            pseudonyms: None,
        }
    }

    /// The rules that its votes are held to, with a secret for hashes that is drawn at each call.
    pub fn rules(&self) -> Rules {
        let rules = Rules::of(&self.definition, self.polls).seeded(HashSeed::random());
        match &self.credentials {
            Some(key) => rules.requiring(key.clone()),
            None => rules,
        }
    }

    /// Every candidate of every contest, in the order of the ballot.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.definition.candidates().cloned().collect()
    }
}

/// The tutorial's election, in which nobody stands.
impl Default for Election {
    fn default() -> Self {
        Election::new(
            ElectionDefinition::tutorial(Vec::new()),
            PollsWindow::default(),
        )
    }
}
