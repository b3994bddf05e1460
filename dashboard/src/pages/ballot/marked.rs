//! What a ballot marks in a contest, in words, with what the voter should know before casting it.

use std::collections::BTreeSet;

use ballot::counting::Method;
use ballot::ranking::UNDECLARED_WRITE_INS;
use ballot::{Contest, Marks, Selection};
use serde_json::Value;

/// A contest as it is marked.
pub(super) struct MarkedContest {
    pub(super) title: String,
    pub(super) marks: Vec<String>,
    /// Overvotes, undervotes, skipped and repeated ranks.
    pub(super) warnings: Vec<String>,
}

pub(super) fn marked(
    contest: &Contest,
    answer: &Value,
    write_in: Option<&str>,
    districts: Option<String>,
) -> MarkedContest {
    let name = |id: &str| match (id, write_in) {
        (UNDECLARED_WRITE_INS, Some(name)) => format!("{name} (written in)"),
        (id, _) => contest.candidate(id).candidate_name,
    };
    let ids: Vec<Option<&str>> = match answer {
        Value::Array(ids) => ids.iter().map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let marks: Vec<String> = match (contest.marks(), answer) {
        (Marks::Ranking { .. }, _) => {
            let ranked = (1..).zip(&ids);
            let ranked = ranked.filter_map(|(rank, id)| Some((rank, (*id)?)));
            ranked
                .map(|(rank, id): (usize, _)| format!("{rank}. {}", name(id)))
                .collect()
        }
        (_, Value::Object(scores)) => {
            let scores = scores.iter();
            scores
                .map(|(id, points)| format!("{}: {points} points", name(id)))
                .collect()
        }
        _ => ids.iter().flatten().map(|id| name(id)).collect(),
    };
    let mut warnings = Vec::new();
    match (contest.answered(&answer.to_string()), contest.marks()) {
        (Err(problem), _) => warnings.push(format!("This cannot be cast: {problem}.")),
        (Ok(Selection::Undervote), _) => warnings.push(match districts {
            None => "You have marked nothing. The contest stays blank.".to_owned(),
            Some(districts) => {
                format!("You have marked nothing. That is right unless you vote in {districts}.")
            }
        }),
        (Ok(Selection::Overvote), Marks::Candidates { most }) => warnings.push(format!(
            "You have marked {}, and at most {most} may be. None of them will count.",
            marks.len()
        )),
        (Ok(Selection::Overvote), _) => {
            warnings.push("You have marked too much. None of it will count.".to_owned());
        }
        (Ok(_), Marks::Candidates { most }) if most > 1 => {
            let most = (most as usize).min(contest.candidates.len());
            if marks.len() < most && contest.seats > 1 {
                warnings.push(format!("You may mark {} more.", most - marks.len()));
            }
        }
        (Ok(_), Marks::Ranking { .. }) => {
            warnings.extend(of_ranking(&ids, name, ends_at_repetition(contest)));
        }
        (Ok(_), _) => {}
    }
    if ids.contains(&Some(UNDECLARED_WRITE_INS)) && write_in.is_none() {
        warnings.push("You have marked a write-in without a name.".to_owned());
    }
    MarkedContest {
        title: contest.title.clone(),
        marks,
        warnings,
    }
}

/// Whether the rules end a ballot where it ranks a candidate again.
fn ends_at_repetition(contest: &Contest) -> bool {
    match &contest.method {
        Method::Irv(irv) => irv.0.exhaust_on_repeated,
        Method::Stv(stv) => stv.0.exhaust_on_repeated,
        _ => false,
    }
}

fn of_ranking(
    ids: &[Option<&str>],
    name: impl Fn(&str) -> String,
    ends_at_repetition: bool,
) -> Vec<String> {
    let then = match ends_at_repetition {
        true => "Your ballot ends there.",
        false => "Only the first rank counts.",
    };
    let mut warnings = Vec::new();
    let mut seen = BTreeSet::new();
    for (rank, id) in (1..).zip(ids) {
        match id {
            None => warnings.push(format!("You have skipped rank {rank}.")),
            Some(id) if !seen.insert(*id) => warnings.push(format!(
                "You have ranked {} again at {rank}. {then}",
                name(id)
            )),
            Some(_) => {}
        }
    }
    warnings
}
