//! `election tabulate`: counts the cast vote records that a configuration of RCTab names, by its rules, and writes RCTab's
//! reports.

mod stream;
mod table;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};
use ballot::Contest;
use ballot::counting::{DecidedTie, Method, Stopped};
use cast_vote_records::tabulation::{Profiles, Tabulation, contest, report_files, stem, tabulate};
use cast_vote_records::{RctabConfig, read_ballots};
use clap::Args;
use service::UsageError;

use crate::Outcome;

#[derive(Debug, Args)]
#[command(after_help = "\
The configuration, its rules and the reports are those of RCTab 2; configurations of older ones are
read, too. Records are those of ES&S, Dominion, Hart, Clear Ballot and Unisyn, NIST SP 1500-103, and
CSV. With --output these files are written, where STEM is the configuration's name less `_config.json`:

  STEM_detailed_report.json, STEM_detailed_report.csv, STEM_summary_report.csv
  STEM_1_…, STEM_2_…                                   of a multi-pass contest, for each seat
  Tabulate by Precinct/STEM_PRECINCT_precinct_detailed_report.json and .csv; likewise by Batch

Examples:
  election tabulate mayor_config.json
  election tabulate mayor_config.json --output reports
  election tabulate mayor_config.json --decide '4=Ann Miller'    lots were drawn in round 4")]
pub(crate) struct TabulateArgs {
    /// RCTab's configuration: the contest, its candidates, its rules, and the files with its ballots
    #[arg(value_name = "CONFIG.json")]
    config: PathBuf,
    /// Write RCTab's reports to this directory, which is created if it is missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Count without the streaming platform. The result is the same: it is for comparison
    #[arg(long)]
    native: bool,
    /// The candidate that is elected or eliminated in a round whose tie people decide; needed where the rules
    /// leave ties to people. May be given several times
    #[arg(long = "decide", value_name = "[SEAT/]ROUND=NAME")]
    decided: Vec<Decided>,
}

/// A tie that people have decided, as it is given.
#[derive(Debug, Clone)]
struct Decided {
    pass: u32,
    round: u32,
    name: String,
}

impl FromStr for Decided {
    type Err = String;

    fn from_str(text: &str) -> Result<Decided, String> {
        let refuse =
            || "it is like `4=Ann Miller`, or `2/4=Ann Miller` for the second seat".to_owned();
        let (place, name) = text.split_once('=').ok_or_else(refuse)?;
        let (pass, round) = place.split_once('/').unwrap_or(("1", place));
        let number = |text: &str| text.trim().parse().map_err(|_| refuse());
        Ok(Decided {
            pass: number(pass)?,
            round: number(round)?,
            name: name.trim().to_owned(),
        })
    }
}

pub(crate) async fn run(args: TabulateArgs) -> anyhow::Result<Outcome> {
    let config = RctabConfig::load(&args.config).map_err(|error| UsageError(error.to_string()))?;
    let mut contest = contest(&config);
    decide(&config, &mut contest, &args.decided)?;
    let profiles = match args.native {
        true => native(&config)?,
        false => stream::profiles(&config, &contest).await?,
    };
    let tabulation = tabulate(&config, &contest, &profiles);
    table::print(&config, &tabulation);
    if let Some(stopped) = &tabulation.rounds.stopped {
        bail!(why_stopped(&config, stopped));
    }
    if let Some(directory) = &args.output {
        write(&tabulation, &stem(&args.config), directory)?;
    }
    Ok(Outcome::Fine)
}

fn native(config: &RctabConfig) -> anyhow::Result<Profiles> {
    let mut profiles = Profiles::default();
    read_ballots(config, |ballot| {
        profiles.add(config, ballot);
        Ok(())
    })?;
    Ok(profiles)
}

/// Adds the decisions to the contest's rules.
fn decide(
    config: &RctabConfig,
    contest: &mut Contest,
    decided: &[Decided],
) -> Result<(), UsageError> {
    let rules = match &mut contest.method {
        Method::Irv(irv) => &mut irv.0,
        Method::Stv(stv) => &mut stv.0,
        _ => return Ok(()),
    };
    for decision in decided {
        let mut candidates = config.candidates.iter();
        let Some(candidate) = candidates.find(|it| it.name == decision.name) else {
            let names: Vec<&str> = config.candidates.iter().map(|it| &*it.name).collect();
            return Err(UsageError(format!(
                "--decide names \"{}\", who is not a candidate; the candidates are {}",
                decision.name,
                names.join(", ")
            )));
        };
        rules.decided_ties.push(DecidedTie {
            pass: decision.pass,
            round: decision.round,
            candidate: candidate.id.clone(),
        });
    }
    Ok(())
}

fn why_stopped(config: &RctabConfig, stopped: &Stopped) -> anyhow::Error {
    let Stopped::Tie {
        pass,
        round,
        among,
        to_be_elected,
    } = stopped
    else {
        return anyhow!(stopped.clone());
    };
    let among: Vec<&str> = among
        .iter()
        .map(|id| config.name_of(id).unwrap_or(id))
        .collect();
    let place = match pass {
        1 => round.to_string(),
        _ => format!("{pass}/{round}"),
    };
    anyhow!(
        "round {round}: {} are tied, and the rules leave the tie to people. Decide who is {}, and add \
         --decide '{place}=NAME'",
        among.join(" and "),
        match to_be_elected {
            true => "elected",
            false => "eliminated",
        },
    )
}

fn write(tabulation: &Tabulation, stem: &str, directory: &Path) -> anyhow::Result<()> {
    let files = report_files(tabulation, stem).map_err(|error| anyhow!(error))?;
    for file in &files {
        let path = directory.join(&file.path);
        let parent = path.parent().unwrap_or(directory);
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        std::fs::write(&path, &file.contents)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("\n{} reports are in {}.", files.len(), directory.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_has_a_round_and_a_name() {
        let read = |text: &str| {
            let decided: Result<Decided, _> = text.parse();
            decided.ok().map(|it| (it.pass, it.round, it.name))
        };
        assert_eq!(read("4=Ann Miller"), Some((1, 4, "Ann Miller".to_owned())));
        assert_eq!(read("2/4= A=B "), Some((2, 4, "A=B".to_owned())));
        for wrong in ["", "4", "x=Ann", "1/=Ann", "/4=Ann"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
