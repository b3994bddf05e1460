//! Prints results as tables, JSON and CSV.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;

use ballot::counting::{Outcome, Stopped, unit};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};
use indicatif::HumanCount;
use wire::VotesPerCandidate;

use crate::report::{ContestReport, Report};

/// Width of the widest bar, in characters.
const BAR_WIDTH: usize = 24;

/// Terminals narrower than this get no bars.
const WIDTH_FOR_BARS: u16 = 80;

/// Only a line under the header.
pub(crate) const PLAIN: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table for each contest, and a summary of the votes.
pub(crate) fn print_table(report: &Report) {
    let candidates: BTreeMap<&str, &VotesPerCandidate> = report
        .candidates
        .iter()
        .map(|candidate| (candidate.candidate_id.as_str(), candidate))
        .collect();
    for contest in &report.contests {
        if report.contests.len() > 1 {
            println!("{}", heading(contest));
        }
        println!("{}\n", contest_table(contest, &candidates));
        let rounds = rounds(&contest.outcome, &candidates);
        if !rounds.is_empty() {
            println!("{}\n", rounds.join("\n"));
        }
    }
    println!("{}", summary(report));
}

/// Who is elected in how many rounds, and why the count stopped if it did; nothing of a count without rounds.
fn rounds(outcome: &Outcome, candidates: &BTreeMap<&str, &VotesPerCandidate>) -> Vec<String> {
    let names = |ids: &[String]| {
        let names = ids.iter().map(|id| {
            let candidate = candidates.get(id.as_str());
            candidate.map_or(id.as_str(), |candidate| &candidate.candidate_name)
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let Some(last) = outcome.rounds.last() else {
        return Vec::new();
    };
    let count = match outcome.rounds.len() {
        1 => "1 round".to_owned(),
        rounds => format!("{} rounds", HumanCount(rounds as u64)),
    };
    let elected = match &*outcome.winners {
        [] => format!("Nobody is elected in {count}."),
        winners => format!("Elected in {count}: {}.", names(winners)),
    };
    let figures = format!(
        "In the last: {} active votes, threshold {}, {} inactive ballots.",
        grouped(last.active),
        grouped(last.threshold),
        grouped(last.inactive.total())
    );
    let stopped = outcome.stopped.as_ref().map(|stopped| match stopped {
        Stopped::Tie { round, among, .. } => format!(
            "The count stopped in round {round}: {} are tied, and the rules leave the tie to people.",
            names(among)
        ),
        stopped => format!("The count stopped: {stopped}"),
    });
    [elected, figures].into_iter().chain(stopped).collect()
}

/// A number of votes, with its thousands apart: `38,870.0000`.
pub(crate) fn grouped(votes: impl Display) -> String {
    let text = votes.to_string();
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (&*text, String::new()),
    };
    match whole.parse::<u64>() {
        Ok(whole) => format!("{}{fraction}", HumanCount(whole)),
        Err(_) => text,
    }
}

/// A contest's title and method, and its ballots.
fn heading(contest: &ContestReport) -> String {
    let outcome = &contest.outcome;
    let mut text = format!(
        "{} ({}): {} ballots, {} undervotes",
        contest.title,
        contest.method,
        HumanCount(outcome.ballots),
        HumanCount(outcome.undervotes)
    );
    if outcome.overvotes > 0 {
        text += &format!(", {} overvotes", HumanCount(outcome.overvotes));
    }
    if !outcome.tied.is_empty() {
        text += &format!("; tied for the last seats: {}", outcome.tied.join(", "));
    }
    text
}

fn contest_table(
    contest: &ContestReport,
    candidates: &BTreeMap<&str, &VotesPerCandidate>,
) -> Table {
    let outcome = &contest.outcome;
    let mut table = Table::new();
    table
        .load_style(PLAIN)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let with_bars = table.width().is_none_or(|width| width >= WIDTH_FOR_BARS);
    let mut header = vec!["Candidate", "Party", unit(contest.method), "Share"];
    header.extend(with_bars.then_some(""));
    table.set_header(header);
    let most = outcome.choices.first().map_or(0, |first| first.total);
    for choice in &outcome.choices {
        let Some(candidate) = candidates.get(choice.candidate_id.as_str()) else {
            continue;
        };
        let share = choice.total as f64 / contest.whole.max(1) as f64;
        let mut name = Cell::new(&candidate.candidate_name);
        if outcome.winners.contains(&choice.candidate_id) {
            name = name.add_attribute(Attribute::Bold);
        }
        let mut row = vec![
            name,
            Cell::new(&candidate.party_affiliation),
            Cell::new(HumanCount(choice.total)).set_alignment(CellAlignment::Right),
            Cell::new(format!("{:.2} %", share * 100.0)).set_alignment(CellAlignment::Right),
        ];
        row.extend(with_bars.then(|| Cell::new(bar(choice.total, most)).fg(Color::Cyan)));
        table.add_row(row);
    }
    table
}

/// How many votes were counted and rejected, and whether that is all of them.
fn summary(report: &Report) -> String {
    let mut text = format!(
        "{} cast = {} counted + {} rejected\n",
        HumanCount(report.cast),
        HumanCount(report.counted),
        HumanCount(report.rejected_total()),
    );
    let mut rejected: Vec<_> = report.rejected.iter().collect();
    rejected.sort_by_key(|&(_, votes)| std::cmp::Reverse(votes));
    for (reason, votes) in rejected {
        text += &format!("{:>12} {reason}\n", HumanCount(*votes).to_string());
    }
    let rows = HumanCount(report.rows_in_postgres);
    text += &if report.accounted {
        format!("Every vote accounted for; {rows} rows in Postgres.")
    } else {
        format!(
            "NOT every vote is accounted for: {rows} rows in Postgres. `election audit` lists the \
             differences; if a run was interrupted, run it again to continue."
        )
    };
    text
}

/// A bar in eighths of a character; it is longest for `most` votes.
fn bar(votes: u64, most: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if most == 0 {
        return String::new();
    }
    let eighths = (votes as u128 * (BAR_WIDTH as u128 * 8) / u128::from(most)) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// One JSON object on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value)?;
    writeln!(stdout)?;
    Ok(())
}

/// A line for each candidate and location, with the contest in front if there are several.
pub(crate) fn write_csv(report: &Report, to: impl Write) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    let several = report.contests.len() > 1;
    let contest = |id: &str| several.then(|| id.to_owned());
    let header = ["candidate_name", "state", "total_votes"].map(str::to_owned);
    csv.write_record(contest("contest_id").into_iter().chain(header))?;
    for cell in &report.candidate_locations {
        let total = cell.total_votes.to_string();
        let fields = [cell.candidate_name.clone(), cell.state.clone(), total];
        let id = cell.contest_id.as_deref().unwrap_or_default();
        csv.write_record(contest(id).into_iter().chain(fields))?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped("38870"), "38,870");
        assert_eq!(grouped("1038870.0400"), "1,038,870.0400");
        assert_eq!(grouped("0"), "0");
        assert_eq!(grouped("-5"), "-5");
    }

    #[test]
    fn bars_are_in_proportion() {
        assert_eq!(bar(10, 10).chars().count(), BAR_WIDTH);
        assert_eq!(bar(5, 10), "█".repeat(BAR_WIDTH / 2));
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(1, 10 * BAR_WIDTH as u64 / 5), "▌");
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(u64::MAX, u64::MAX).chars().count(), BAR_WIDTH);
    }
}
