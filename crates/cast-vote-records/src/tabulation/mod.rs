//! From records to reports: the contest that a configuration describes, its ballots summed up, its rounds as RCTab
//! reports them. What happens in the rounds is for the counting methods of `ballot` to say.

mod contest;
mod files;
mod profiles;
mod rounds;

pub use contest::{CONTEST_ID, contest};
pub use files::{ReportFile, report_files, stem};
pub use profiles::Profiles;

use ballot::Contest;
use ballot::counting::Rounds;

use crate::config::{RctabConfig, WinnerElectionMode};
use crate::report::{Report, SliceKind};

/// A tabulated contest.
#[derive(Debug, Clone)]
pub struct Tabulation {
    /// Its rounds and winners, by the candidates' ids.
    pub rounds: Rounds,
    /// Its reports: one pass, or of a multi-pass contest one for each seat.
    pub passes: Vec<PassReports>,
}

/// The reports of a pass.
#[derive(Debug, Clone)]
pub struct PassReports {
    /// Its number from 1 on; `None` where the contest has no passes.
    pub pass: Option<u32>,
    /// The report of all ballots.
    pub whole: Report,
    /// The reports of precincts and batches, where the configuration asks for them.
    pub slices: Vec<Report>,
}

/// Tabulates a contest: the one of [`contest()`], perhaps with ties that people have decided. Slices are reported in the
/// rounds of the whole. Where the count stopped before its end ([`Rounds::stopped`]) the reports are of the rounds up
/// to there.
pub fn tabulate(config: &RctabConfig, contest: &Contest, profiles: &Profiles) -> Tabulation {
    let Some(count) = contest.method.ranked(contest) else {
        return Tabulation {
            rounds: Rounds::default(),
            passes: Vec::new(),
        };
    };
    let whole = count.rounds(&profiles.whole);
    let slices: Vec<(SliceKind, &str, Rounds)> = profiles
        .slices()
        .map(|(kind, id, profile)| (kind, id, count.rounds_of_part(profile, &whole)))
        .collect();
    let is_multi_pass = config.rules.winner_election_mode == WinnerElectionMode::MultiPassIrv;
    let passes = whole
        .rounds
        .chunk_by(|left, right| left.pass == right.pass)
        .map(|rounds| {
            let pass = rounds.first().map_or(1, |round| round.pass);
            let of_pass = |rounds: &Rounds| -> Vec<_> {
                let rounds = rounds.rounds.iter();
                rounds.filter(|round| round.pass == pass).cloned().collect()
            };
            let report = |rounds: &[_]| {
                let mut report = Report::new(config, rounds::reported(config, rounds));
                if is_multi_pass {
                    // A pass is an election of one, without those who were elected before.
                    report.rules.number_of_winners = 1;
                    report.excluded_candidates += pass.saturating_sub(1) as usize;
                }
                report
            };
            let whole = report(rounds);
            let slices = slices.iter().map(|(kind, id, rounds)| {
                let mut slice = report(&of_pass(rounds));
                slice.slice = Some((*kind, (*id).to_owned()));
                slice.candidate_order = whole.candidate_order.clone();
                slice
            });
            PassReports {
                pass: is_multi_pass.then_some(pass),
                slices: slices.collect(),
                whole,
            }
        })
        .collect();
    Tabulation {
        rounds: whole,
        passes,
    }
}
