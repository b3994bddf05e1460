//! The pages of voting: the ballot, a look at what is marked, and the receipt number.

mod marked;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use askama::Template;
use ballot::ranking::UNDECLARED_WRITE_INS;
use ballot::{Candidate, Contest, ElectionDefinition, Marks};
use serde_json::Value;
use service::public_url::portrait_path;

use self::marked::{MarkedContest, marked};
use super::parts;

/// Ranks that are shown at once; further ones are unfolded.
const RANKS_SHOWN: usize = 5;

/// The contents of the form: empty, or what was sent. The credential is never shown again.
#[derive(Default)]
pub(crate) struct BallotForm {
    pub(crate) voter_id: String,
    /// Each field of a mark, by its name: the values sent.
    pub(crate) marks: BTreeMap<String, Vec<String>>,
    /// What was wrong with it.
    pub(crate) problem: Option<String>,
}

impl BallotForm {
    fn values(&self, field: &str) -> &[String] {
        self.marks.get(field).map_or(&[], Vec::as_slice)
    }

    fn value(&self, field: &str) -> &str {
        self.values(field).first().map_or("", String::as_str)
    }
}

/// The answers that a form gives, by contest, as `choices` of a vote has them, and the names written in.
pub(crate) fn answers(
    definition: &ElectionDefinition,
    form: &BallotForm,
) -> (
    serde_json::Map<String, Value>,
    serde_json::Map<String, Value>,
) {
    let (mut answers, mut write_ins) = (serde_json::Map::new(), serde_json::Map::new());
    for contest in &definition.contests {
        let answer = answer(contest, form);
        let name = form.value(&write_in_field(contest)).trim();
        if !name.is_empty() && answer.to_string().contains(UNDECLARED_WRITE_INS) {
            write_ins.insert(contest.id.clone(), name.into());
        }
        if !answer.is_null() {
            answers.insert(contest.id.clone(), answer);
        }
    }
    (answers, write_ins)
}

fn answer(contest: &Contest, form: &BallotForm) -> Value {
    match contest.marks() {
        Marks::Candidates { .. } => match form.values(&marks_field(contest)) {
            [] => Value::Null,
            ids => ids.iter().map(|id| Value::from(id.as_str())).collect(),
        },
        Marks::Scores { .. } => {
            let scores = contest.candidates.iter().filter_map(|candidate| {
                let points = form.value(&score_field(contest, candidate)).trim();
                let points = (!points.is_empty()).then_some(points)?;
                // What is no number is refused with the ballot.
                let points = points
                    .parse::<u32>()
                    .map_or(Value::from(points), Value::from);
                Some((candidate.candidate_id.clone(), points))
            });
            let scores: serde_json::Map<String, Value> = scores.collect();
            match scores.is_empty() {
                true => Value::Null,
                false => Value::Object(scores),
            }
        }
        Marks::Ranking { .. } => {
            let ranks = (1..=ranks(contest)).map(|rank| form.value(&rank_field(contest, rank)));
            let mut ranks: Vec<Value> = ranks
                .map(|id| match id {
                    "" => Value::Null,
                    id => Value::from(id),
                })
                .collect();
            while ranks.last().is_some_and(Value::is_null) {
                ranks.pop();
            }
            match ranks.is_empty() {
                true => Value::Null,
                false => Value::Array(ranks),
            }
        }
    }
}

/// Ranks that can be marked on the page.
fn ranks(contest: &Contest) -> usize {
    match contest.marks() {
        Marks::Ranking { most } => (most as usize).min(contest.candidates.len()),
        _ => 0,
    }
}

/// The field of a contest's marks. Where a vote is a candidate's id and nothing else, it is called as in the vote.
fn marks_field(contest: &Contest) -> String {
    format!("marks/{}", contest.id)
}

fn rank_field(contest: &Contest, rank: usize) -> String {
    format!("rank/{}/{rank}", contest.id)
}

fn score_field(contest: &Contest, candidate: &Candidate) -> String {
    format!("points/{}/{}", contest.id, candidate.candidate_id)
}

fn write_in_field(contest: &Contest) -> String {
    format!("write-in/{}", contest.id)
}

#[derive(Template)]
#[template(path = "ballot.html")]
struct BallotPage<'a> {
    title: &'a str,
    contests: Vec<PaperContest<'a>>,
    /// Whether marks are looked at before they are cast.
    is_reviewed: bool,
    token: &'a str,
    form: &'a BallotForm,
}

/// A contest on the page.
struct PaperContest<'a> {
    legend: String,
    instruction: String,
    choices: Vec<Choice<'a>>,
    /// The ranks, each with its select.
    ranks: Vec<RankSelect<'a>>,
    kind: Kind,
    field: String,
    write_in: Option<WriteIn<'a>>,
}

#[derive(PartialEq, Eq)]
enum Kind {
    One,
    Several,
    Scores { highest: u32 },
    Ranking,
}

struct Choice<'a> {
    key: usize,
    portrait: String,
    candidate: &'a Candidate,
    is_chosen: bool,
    field: String,
    points: &'a str,
}

struct RankSelect<'a> {
    rank: usize,
    field: String,
    chosen: &'a str,
}

struct WriteIn<'a> {
    field: String,
    name: &'a str,
}

/// The ballot. An election that is still being set up has no definition.
pub(crate) fn ballot(
    definition: Option<&ElectionDefinition>,
    token: &str,
    form: &BallotForm,
) -> Result<String, askama::Error> {
    let contests = definition.map_or(&[][..], |definition| &definition.contests);
    let is_reviewed = definition.is_some_and(|definition| !definition.takes_candidate_id());
    BallotPage {
        title: definition.map_or("", |definition| &definition.election.title),
        contests: contests
            .iter()
            .map(|contest| paper_contest(contest, definition, form))
            .collect(),
        is_reviewed,
        token,
        form,
    }
    .render()
}

fn paper_contest<'a>(
    contest: &'a Contest,
    definition: Option<&'a ElectionDefinition>,
    form: &'a BallotForm,
) -> PaperContest<'a> {
    let is_only = definition.is_some_and(ElectionDefinition::takes_candidate_id);
    let field = match is_only {
        true => "candidate_id".to_owned(),
        false => marks_field(contest),
    };
    let chosen = form.values(&field);
    let candidates = contest.candidates.iter().enumerate();
    let choices = candidates.map(|(index, candidate)| {
        let score = score_field(contest, candidate);
        Choice {
            key: parts::colour(index),
            portrait: portrait_path(&candidate.candidate_id),
            is_chosen: chosen.contains(&candidate.candidate_id),
            points: form.value(&score),
            field: score,
            candidate,
        }
    });
    let ranks = (1..=ranks(contest)).map(|rank| {
        let field = rank_field(contest, rank);
        RankSelect {
            rank,
            chosen: form.value(&field),
            field,
        }
    });
    let (kind, instruction) = match contest.marks() {
        Marks::Candidates { most: 1 } => (Kind::One, "Mark one.".to_owned()),
        Marks::Candidates { most } if most as usize >= contest.candidates.len() => {
            (Kind::Several, "Mark as many as you like.".to_owned())
        }
        Marks::Candidates { most } => (Kind::Several, format!("Mark up to {most}.")),
        Marks::Scores { highest } => (
            Kind::Scores { highest },
            format!("Give points from 0 to {highest}."),
        ),
        Marks::Ranking { .. } => (
            Kind::Ranking,
            "Choose your first, then whom you would like next. You may stop at any rank."
                .to_owned(),
        ),
    };
    let mut candidates = contest.candidates.iter();
    let write_in = candidates.any(|it| it.candidate_id == UNDECLARED_WRITE_INS);
    PaperContest {
        legend: match is_only {
            true => "Who do you vote for?".to_owned(),
            false => contest.title.clone(),
        },
        instruction: match (is_only, districts(contest, definition)) {
            (true, _) => String::new(),
            (false, None) => instruction,
            (false, Some(districts)) => format!("{instruction} Only for voters of {districts}."),
        },
        choices: choices.collect(),
        ranks: ranks.collect(),
        kind,
        field,
        write_in: write_in.then(|| {
            let field = write_in_field(contest);
            WriteIn {
                name: form.value(&field),
                field,
            }
        }),
    }
}

/// The districts that vote in a contest, if not all do.
fn districts(contest: &Contest, definition: Option<&ElectionDefinition>) -> Option<String> {
    let all = definition.map_or(&[][..], |definition| &definition.districts);
    let districts = all.iter().filter(|it| contest.districts.contains(&it.id));
    let titles: Vec<&str> = districts.map(|it| &*it.title).collect();
    (!titles.is_empty()).then(|| titles.join(", "))
}

#[derive(Template)]
#[template(path = "ballot_review.html")]
struct ReviewPage<'a> {
    contests: Vec<MarkedContest>,
    fields: Vec<(&'a str, &'a str)>,
    token: &'a str,
    form: &'a BallotForm,
}

/// What is marked, what may be wrong with it, and the question who votes.
pub(crate) fn ballot_review(
    definition: &ElectionDefinition,
    token: &str,
    form: &BallotForm,
) -> Result<String, askama::Error> {
    let (answers, write_ins) = answers(definition, form);
    let contests = definition.contests.iter();
    let contests = contests.map(|contest| {
        let answer = answers.get(&contest.id).unwrap_or(&Value::Null);
        let write_in = write_ins.get(&contest.id).and_then(Value::as_str);
        marked(
            contest,
            answer,
            write_in,
            districts(contest, Some(definition)),
        )
    });
    let fields = form.marks.iter();
    let fields = fields.flat_map(|(name, values)| {
        let values = values.iter();
        values.map(|value| (name.as_str(), value.as_str()))
    });
    ReviewPage {
        contests: contests.collect(),
        fields: fields.collect(),
        token,
        form,
    }
    .render()
}

#[derive(Template)]
#[template(path = "ballot_receipt.html")]
struct ReceiptPage<'a> {
    receipt: &'a str,
}

/// Says that the vote was cast.
pub(crate) fn ballot_receipt(receipt: &str) -> Result<String, askama::Error> {
    ReceiptPage { receipt }.render()
}
