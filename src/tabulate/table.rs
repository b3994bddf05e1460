//! The rounds of a tabulation at the terminal.

use std::collections::BTreeMap;

use ballot::counting::{Decision, TieBroken};
use cast_vote_records::RctabConfig;
use cast_vote_records::report::{Decimal, Report, RoundReport};
use cast_vote_records::tabulation::{PassReports, Tabulation};
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use crate::render::{PLAIN, grouped};

/// The width where there is no terminal.
const DEFAULT_WIDTH: usize = 100;
/// Spaces around each cell.
const PADDING: usize = 2;
/// Marks behind the votes of elected and eliminated candidates.
const ELECTED: &str = " ✓";
const ELIMINATED: &str = " ✗";
const UNDECIDED: &str = "  ";

/// Prints the rounds, the elected candidates, and how ties were broken.
pub(super) fn print(config: &RctabConfig, tabulation: &Tabulation) {
    println!("{}\n", heading(config));
    for pass in &tabulation.passes {
        if let Some(seat) = pass.pass {
            println!("Seat {seat}\n");
        }
        for table in tables(&pass.whole) {
            println!("{table}\n");
        }
    }
    println!("{}", ballots(&tabulation.passes));
    for line in ties(config, tabulation)
        .iter()
        .chain(&elected(&tabulation.passes))
    {
        println!("{line}");
    }
}

/// Which contest it is.
fn heading(config: &RctabConfig) -> String {
    let parts = [
        Some(&config.contest_name),
        config.contest_office.as_ref(),
        config.contest_jurisdiction.as_ref(),
        config.contest_date.as_ref(),
    ];
    let parts = parts.into_iter().flatten().map(|part| part.trim());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// A table of as many rounds as fit beside each other, and so on.
fn tables(report: &Report) -> Vec<Table> {
    let titles = ["Inactive ballots", "Threshold"];
    let names = report
        .candidate_order
        .iter()
        .map(|name| name.chars().count());
    let first_column = names.chain(titles.map(str::len)).max().unwrap_or(0) + PADDING;
    let width = Table::new().width().map_or(DEFAULT_WIDTH, usize::from);
    let rounds: Vec<(usize, &RoundReport)> = (1..).zip(&report.rounds).collect();
    let widest = rounds.iter().map(|(number, round)| {
        let votes = round.tally.values().chain([&round.threshold]).copied();
        let votes = votes.chain([round.inactive.total()]).map(grouped);
        let votes = votes
            .map(|text| text.chars().count() + UNDECIDED.len())
            .max();
        votes
            .unwrap_or(0)
            .max(format!("Round {number}{UNDECIDED}").len())
            + PADDING
    });
    let column = widest.max().unwrap_or(1);
    let at_once = (width.saturating_sub(first_column) / column).max(1);
    let chunks = rounds.chunks(at_once);
    chunks.map(|rounds| table(report, rounds)).collect()
}

fn table(report: &Report, rounds: &[(usize, &RoundReport)]) -> Table {
    let mut table = Table::new();
    table
        .load_style(PLAIN)
        .set_content_arrangement(ContentArrangement::Disabled);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let titles = rounds
        .iter()
        .map(|(number, _)| right(format!("Round {number}{UNDECIDED}")));
    table.set_header(std::iter::once(Cell::new("Candidate")).chain(titles));
    for name in &report.candidate_order {
        // A candidate eliminated earlier has no votes in these rounds.
        if !rounds
            .iter()
            .any(|(_, round)| round.tally.contains_key(name))
        {
            continue;
        }
        let is_elected = |round: &RoundReport| has(&round.elected, name);
        let wins = report.rounds.iter().any(is_elected);
        let cells = rounds.iter().map(|(_, round)| {
            let Some(votes) = round.tally.get(name) else {
                return right(String::new());
            };
            let votes = grouped(*votes);
            if is_elected(round) {
                right(votes + ELECTED)
                    .add_attribute(Attribute::Bold)
                    .fg(Color::Green)
            } else if has(&round.eliminated, name) {
                right(votes + ELIMINATED).fg(Color::Red)
            } else {
                right(votes + UNDECIDED)
            }
        });
        let mut title = Cell::new(name);
        if wins {
            title = title.add_attribute(Attribute::Bold);
        }
        table.add_row(std::iter::once(title).chain(cells));
    }
    let mut add_figures = |title: &str, figure: fn(&RoundReport) -> Decimal| {
        let cells = rounds.iter().map(|(_, round)| {
            right(grouped(figure(round)) + UNDECIDED).add_attribute(Attribute::Dim)
        });
        let title = Cell::new(title).add_attribute(Attribute::Dim);
        table.add_row(std::iter::once(title).chain(cells));
    };
    add_figures("Inactive ballots", |round| round.inactive.total());
    add_figures("Threshold", |round| round.threshold);
    table
}

fn has(decisions: &[cast_vote_records::report::Decision], name: &str) -> bool {
    decisions.iter().any(|decision| decision.candidate == name)
}

fn ballots(passes: &[PassReports]) -> String {
    let Some(first) = passes.first() else {
        return "No rounds.".to_owned();
    };
    let report = &first.whole;
    let undervotes = report
        .rounds
        .first()
        .map(|round| round.inactive.did_not_rank_any_candidates);
    format!(
        "{} ballots, {} of them without any mark.",
        grouped(report.total_ballots),
        grouped(undervotes.unwrap_or_default())
    )
}

/// How each tie was broken.
fn ties(config: &RctabConfig, tabulation: &Tabulation) -> Vec<String> {
    let name = |id: &str| config.name_of(id).unwrap_or(id).to_owned();
    let mut lines = Vec::new();
    for round in &tabulation.rounds.rounds {
        let decisions = |decided: &[Decision], what: &str| -> Vec<String> {
            let decided = decided.iter().filter_map(|decision| {
                let tie = decision.tie.as_ref()?;
                let among: Vec<String> = tie.among.iter().map(|id| name(id)).collect();
                let broken_by = match tie.broken_by {
                    TieBroken::EarlierRound(round) => format!("by the votes of round {round}"),
                    TieBroken::Random => "by a draw from the seed".to_owned(),
                    TieBroken::CandidateOrder => "by the candidates' order".to_owned(),
                    TieBroken::DrawnOrder => "by the order drawn from the seed".to_owned(),
                    TieBroken::Decided => "as it was decided".to_owned(),
                };
                Some(format!(
                    "Tie in round {} between {}: {} is {what} {broken_by}.",
                    round.round,
                    among.join(" and "),
                    name(&decision.candidate_id)
                ))
            });
            decided.collect()
        };
        lines.extend(decisions(&round.elected, "elected"));
        lines.extend(decisions(&round.eliminated, "eliminated"));
    }
    lines
}

/// The elected candidates, in order.
fn elected(passes: &[PassReports]) -> Vec<String> {
    let mut lines = Vec::new();
    for pass in passes {
        for (number, round) in (1..).zip(&pass.whole.rounds) {
            let votes: BTreeMap<&str, Decimal> = round
                .tally
                .iter()
                .map(|(name, votes)| (name.as_str(), *votes))
                .collect();
            for decision in &round.elected {
                let votes = votes.get(decision.candidate.as_str()).copied();
                lines.push(format!(
                    "Elected: {}, in round {number} with {} of {} votes.",
                    decision.candidate,
                    grouped(votes.unwrap_or_default()),
                    grouped(round.active_ballots)
                ));
            }
        }
    }
    lines
}
