//! Writes cast vote records as RCTab does for auditors: a CSV with a row for each ballot and a column for each rank.

use std::io::Write;

use ballot::ranking::{UNDECLARED_WRITE_INS, UNKNOWN_OVERVOTE};

use crate::cast_ballot::CastBallot;
use crate::config::{CvrSource, Provider, RctabConfig};
use crate::error::CvrError;
use crate::readers::read_source;

/// What stands at a rank without a mark.
const UNDERVOTE: &str = "undervote";

/// Reads all sources of a configuration and writes their ballots. The number of ballots.
pub fn write_rctab_csv(config: &RctabConfig, out: impl Write) -> Result<u64, CvrError> {
    let refused = |error: csv::Error| CvrError::Refused(Box::new(error));
    let mut csv = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    let declared = config.candidates.len() - usize::from(config.has_undeclared_write_ins());
    let ranks = match config.rules.max_rankings_allowed {
        Some(most) => most as usize,
        None => declared,
    };
    let mut header: Vec<String> = [
        "Source Filepath",
        "CVR Provider",
        "Contest Id",
        "RCTab CVR Id",
        "Tabulator Id",
        "Batch Id",
        "Vendor Id",
        "Precinct",
        "Precinct Portion",
    ]
    .map(str::to_owned)
    .into();
    header.extend((1..=ranks).map(|rank| format!("Rank {rank}")));
    csv.write_record(&header).map_err(refused)?;
    let mut ballots = 0;
    for source in &config.sources {
        ballots += read_source(config, source, |ballot| {
            csv.write_record(row(config, source, &ballot, ranks))
                .map_err(refused)
        })?;
    }
    csv.flush().map_err(|error| refused(error.into()))?;
    Ok(ballots)
}

fn row(config: &RctabConfig, source: &CvrSource, ballot: &CastBallot, ranks: usize) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    // RCTab names the contest where records have several.
    let has_contests = matches!(
        source.provider,
        Provider::Dominion | Provider::ClearBallot | Provider::Hart
    );
    let contest = if has_contests {
        &*source.contest_id
    } else {
        ""
    };
    let mut row = vec![
        source.file_path.clone(),
        source.provider.as_str().to_owned(),
        contest.to_owned(),
        ballot.id.clone(),
        text(&ballot.tabulator),
        text(&ballot.batch),
        text(&ballot.supplied_id),
        text(&ballot.precinct),
        text(&ballot.precinct_portion),
    ];
    let name = |id: &String| match id.as_str() {
        UNDECLARED_WRITE_INS => text(&source.undeclared_write_in_label),
        UNKNOWN_OVERVOTE => id.clone(),
        _ => config.name_of(id).unwrap_or(id).to_owned(),
    };
    for rank in 0..ranks {
        row.push(match ballot.ranking.0.get(rank) {
            Some(candidates) if !candidates.is_empty() => {
                let names: Vec<String> = candidates.iter().map(name).collect();
                names.join("\n")
            }
            _ => UNDERVOTE.to_owned(),
        });
    }
    row
}
