//! Results for a terminal and for a spreadsheet.

use std::io::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};
use indicatif::HumanCount;

use crate::report::Report;

/// Width of the widest bar, in characters.
const BAR_WIDTH: usize = 24;

/// Terminals narrower than this get no bars.
const WIDTH_FOR_BARS: u16 = 80;

/// Nothing but a line under the header.
const PLAIN: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The result table and what it rests on.
pub(crate) fn print_table(report: &Report) {
    let mut table = Table::new();
    table
        .load_style(PLAIN)
        .set_content_arrangement(ContentArrangement::Dynamic);
    let with_bars = table.width().is_none_or(|width| width >= WIDTH_FOR_BARS);
    let mut header = vec!["Candidate", "Party", "Votes", "Share"];
    header.extend(with_bars.then_some(""));
    table.set_header(header);
    let most = report
        .candidates
        .first()
        .map_or(0, |first| first.total_votes);
    for (place, candidate) in report.candidates.iter().enumerate() {
        let share = candidate.total_votes as f64 / report.counted.max(1) as f64;
        let mut name = Cell::new(&candidate.candidate_name);
        if place == 0 && candidate.total_votes > 0 {
            name = name.add_attribute(Attribute::Bold);
        }
        let mut row = vec![
            name,
            Cell::new(&candidate.party_affiliation),
            Cell::new(HumanCount(candidate.total_votes)).set_alignment(CellAlignment::Right),
            Cell::new(format!("{:.2} %", share * 100.0)).set_alignment(CellAlignment::Right),
        ];
        row.extend(with_bars.then(|| Cell::new(bar(candidate.total_votes, most)).fg(Color::Cyan)));
        table.add_row(row);
    }
    println!("{table}\n\n{}", summary(report));
}

/// What became of the votes, and whether that is all of them.
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
            "NOT every vote is accounted for: {rows} rows in Postgres. `election audit` names the \
             differences; if a run was interrupted, run it again to go on."
        )
    };
    text
}

/// A bar of eighths of a character, the longest for `most`.
fn bar(votes: u64, most: u64) -> String {
    const EIGHTHS: [Option<char>; 8] = [
        None,
        Some('▏'),
        Some('▎'),
        Some('▍'),
        Some('▌'),
        Some('▋'),
        Some('▊'),
        Some('▉'),
    ];
    if most == 0 {
        return String::new();
    }
    let eighths = (votes as u128 * (BAR_WIDTH as u128 * 8) / u128::from(most)) as usize;
    let mut bar = "█".repeat(eighths / 8);
    bar.extend(EIGHTHS[eighths % 8]);
    bar
}

/// One JSON object on stdout.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value)?;
    writeln!(stdout)?;
    Ok(())
}

/// A line per candidate and location.
pub(crate) fn write_csv(report: &Report, to: impl Write) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(["candidate_name", "state", "total_votes"])?;
    for cell in &report.candidate_locations {
        csv.write_record([
            cell.candidate_name.as_str(),
            cell.state.as_str(),
            &cell.total_votes.to_string(),
        ])?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
