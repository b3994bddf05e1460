//! The page of a contest: what each choice got, how much is reported, and for a ranked count every round.

mod duels;
mod flows;
mod rounds;
#[cfg(test)]
mod tests;

use askama::Template;
use ballot::counting::{Outcome, Stopped};

use self::duels::Duels;
use self::flows::Flows;
use self::rounds::Pass;
use super::parts::{self, Live};
use crate::model::{CandidateResult, ContestResult, Snapshot};
use crate::numbers::Numbers;

/// Choices that the style sheet shows before all are asked for.
const SHOWN_FIRST: usize = 10;

#[derive(Template)]
#[template(path = "contest.html")]
struct ContestPage<'a> {
    live: Live<'a>,
    n: &'a Numbers,
    contest: &'a ContestResult,
    choices: Vec<ChoiceRow<'a>>,
    passes: Vec<Pass>,
    duels: Option<Duels<'a>>,
    stopped: Option<String>,
}

/// A choice, in the order of the result.
struct ChoiceRow<'a> {
    key: usize,
    result: &'a CandidateResult,
    wins: bool,
}

impl ContestPage<'_> {
    fn winners(&self) -> impl Iterator<Item = &ChoiceRow<'_>> {
        self.choices.iter().filter(|row| row.wins)
    }
}

/// The contest as far as it is counted.
pub(crate) fn contest(
    snapshot: &Snapshot,
    contest: &ContestResult,
    outcome: &Outcome,
    n: &Numbers,
) -> Result<String, askama::Error> {
    let colours = parts::choice_colours(contest);
    let choices = contest.choices.iter();
    let choices = choices.map(|result| ChoiceRow {
        key: colours.get(&*result.candidate_id).copied().unwrap_or(0),
        wins: contest.winners.contains(&result.candidate_id),
        result,
    });
    ContestPage {
        live: Live::new(snapshot, None),
        n,
        choices: choices.collect(),
        passes: rounds::passes(contest, outcome, n),
        duels: Duels::of(contest, outcome),
        stopped: outcome.stopped.as_ref().map(|why| stopped(contest, why)),
        contest,
    }
    .render()
}

/// Why the count stops before its end.
fn stopped(contest: &ContestResult, why: &Stopped) -> String {
    let Stopped::Tie {
        round,
        among,
        to_be_elected,
        ..
    } = why
    else {
        return why.to_string();
    };
    let among: Vec<&str> = among.iter().map(|id| contest.name_of(id)).collect();
    let fate = match to_be_elected {
        true => "elected",
        false => "eliminated",
    };
    let among = among.join(" and ");
    format!("in round {round} {among} are tied, and people decide who is {fate}")
}
