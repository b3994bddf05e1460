//! Which candidates continue, are elected or are eliminated.

/// How a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Continuing,
    Elected,
    Eliminated,
    Excluded,
}

/// How the candidates stand.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    statuses: Vec<Status>,
    /// Whether an elected candidate continues to receive votes.
    elected_continue: bool,
    /// In the order of election.
    pub(super) elected: Vec<usize>,
    pub(super) eliminated: usize,
    /// Candidates that take part.
    pub(super) candidates: usize,
}

impl Standing {
    /// So many candidates, without the excluded ones.
    pub(super) fn of(
        candidates: usize,
        excluded: impl Fn(usize) -> bool,
        elected_continue: bool,
    ) -> Standing {
        let status = |candidate| match excluded(candidate) {
            true => Status::Excluded,
            false => Status::Continuing,
        };
        let statuses: Vec<Status> = (0..candidates).map(status).collect();
        let excluded = statuses
            .iter()
            .filter(|it| **it == Status::Excluded)
            .count();
        Standing {
            candidates: candidates - excluded,
            statuses,
            elected_continue,
            elected: Vec::new(),
            eliminated: 0,
        }
    }

    /// Whether each candidate collects votes.
    pub(super) fn continuing(&self) -> Vec<bool> {
        let continues = |status: &Status| match status {
            Status::Continuing => true,
            Status::Elected => self.elected_continue,
            Status::Eliminated | Status::Excluded => false,
        };
        self.statuses.iter().map(continues).collect()
    }

    /// Whether anybody is neither elected nor eliminated, apart from this candidate.
    pub(super) fn anybody_continues_but(&self, candidate: Option<usize>) -> bool {
        let mut others = (0..)
            .zip(&self.statuses)
            .filter(|(other, _)| Some(*other) != candidate);
        others.any(|(_, status)| *status == Status::Continuing)
    }

    pub(super) fn elect(&mut self, candidate: usize) {
        self.statuses[candidate] = Status::Elected;
        self.elected.push(candidate);
    }

    pub(super) fn eliminate(&mut self, candidate: usize) {
        self.statuses[candidate] = Status::Eliminated;
        self.eliminated += 1;
    }
}
