//! Rounds as RCTab's reports have them: by the candidates' names, and without the causes of what a transfer loses.

use std::collections::BTreeMap;

use ballot::counting::{self, Destination, Round, Votes};

use crate::config::RctabConfig;
use crate::report::{Decimal, Decision, EXHAUSTED, Inactive, RESIDUAL_SURPLUS, RoundReport};

/// The rounds of a pass.
pub(super) fn reported(config: &RctabConfig, rounds: &[Round]) -> Vec<RoundReport> {
    rounds.iter().map(|round| of_round(config, round)).collect()
}

fn of_round(config: &RctabConfig, round: &Round) -> RoundReport {
    let decisions = |decisions: &[counting::Decision]| {
        let decisions = decisions.iter();
        decisions.map(|it| of_decision(config, it)).collect()
    };
    let inactive = &round.inactive;
    RoundReport {
        tally: (round.votes.iter())
            .map(|it| (name(config, &it.candidate_id), decimal(it.votes)))
            .collect(),
        threshold: decimal(round.threshold),
        elected: decisions(&round.elected),
        eliminated: decisions(&round.eliminated),
        active_ballots: decimal(round.active),
        inactive: Inactive {
            overvotes: decimal(inactive.overvotes),
            skipped_rankings: decimal(inactive.skipped_rankings),
            exhausted_choices: decimal(inactive.exhausted_choices),
            repeated_rankings: decimal(inactive.repeated_rankings),
            did_not_rank_any_candidates: decimal(inactive.undervotes),
        },
        final_round_surplus: decimal(round.final_surplus),
        residual_surplus: decimal(round.residual_surplus),
    }
}

fn of_decision(config: &RctabConfig, decision: &counting::Decision) -> Decision {
    let mut transfers: BTreeMap<String, Decimal> = BTreeMap::new();
    for transfer in &decision.transfers {
        let to = match &transfer.to {
            Destination::Candidate(id) => name(config, id),
            Destination::Inactive(_) | Destination::FinalSurplus => EXHAUSTED.to_owned(),
            Destination::ResidualSurplus => RESIDUAL_SURPLUS.to_owned(),
        };
        let votes = transfers.entry(to).or_default();
        *votes = *votes + decimal(transfer.votes);
    }
    Decision {
        candidate: name(config, &decision.candidate_id),
        by_tiebreak: decision.tie.is_some(),
        transfers,
    }
}

fn name(config: &RctabConfig, id: &str) -> String {
    config.name_of(id).unwrap_or(id).to_owned()
}

fn decimal(votes: Votes) -> Decimal {
    let votes = votes.to_string().parse();
    votes.expect("invariant: votes have at most 16 digits before and 20 after the point")
}
