//! Writes cast vote records in the common data format (NIST SP 1500-103), as JSON and as RCTab does: every ballot as it
//! was marked, and, of a tabulation, whom it counts for in each round.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use ballot::ranking::UNKNOWN_OVERVOTE;
use serde::Serialize;

use crate::cast_ballot::CastBallot;
use crate::config::RctabConfig;
use crate::error::CvrError;
use crate::readers::{read_ballots, sanitized};
use crate::report::Decimal;

const CONTEST_ID: &str = "contest-001";
const ELECTION_ID: &str = "election-001";
const JURISDICTION_ID: &str = "gpu-election";
const DEVICE_ID: &str = "rd-001";

/// The part of a ballot's vote that counts for a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// The candidate's id.
    pub candidate: String,
    /// The part: 1, or less if the ballot helped to elect somebody before.
    pub votes: Decimal,
}

/// A report of cast vote records that is being written. Ballots are written as they come; in memory are the candidates
/// and the precincts.
pub struct CdfWriter<'c, W: Write> {
    out: W,
    config: &'c RctabConfig,
    /// Of each candidate, by id: the name, and the part of ids that stands for it.
    candidates: HashMap<&'c str, (&'c str, String)>,
    generated: String,
    ballots: u64,
    /// The number of each precinct, by name.
    precincts: BTreeMap<String, usize>,
    has_overvotes: bool,
}

#[derive(Serialize)]
struct Cvr<'a> {
    #[serde(rename = "@type")]
    kind: &'a str,
    #[serde(rename = "BallotPrePrintedId")]
    id: &'a str,
    #[serde(rename = "BallotStyleUnitId", skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(rename = "CVRSnapshot")]
    snapshots: Vec<Snapshot>,
    #[serde(rename = "CurrentSnapshotId")]
    current: String,
    #[serde(rename = "ElectionId")]
    election: &'a str,
}

#[derive(Serialize)]
struct Snapshot {
    #[serde(rename = "@id")]
    id: String,
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "CVRContest")]
    contests: [CvrContest; 1],
    #[serde(rename = "Type")]
    stage: &'static str,
}

#[derive(Serialize)]
struct CvrContest {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "CVRContestSelection")]
    selections: Vec<Selection>,
    #[serde(rename = "ContestId")]
    contest: &'static str,
}

#[derive(Serialize)]
struct Selection {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "ContestSelectionId")]
    id: String,
    #[serde(rename = "SelectionPosition")]
    positions: Vec<Position>,
}

#[derive(Serialize)]
struct Position {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "FractionalVotes", skip_serializing_if = "Option::is_none")]
    fraction: Option<String>,
    #[serde(rename = "HasIndication")]
    has_indication: &'static str,
    #[serde(rename = "IsAllocable")]
    is_allocable: &'static str,
    #[serde(rename = "NumberVotes")]
    votes: i128,
    #[serde(rename = "Rank")]
    rank: usize,
}

/// Reads all sources of a configuration and writes their ballots. The number of ballots. `generated` is the moment, as
/// `2026-11-28T01:00:00Z`.
pub fn convert(config: &RctabConfig, generated: &str, out: impl Write) -> Result<u64, CvrError> {
    let refused = |error: io::Error| CvrError::Refused(Box::new(error));
    let mut writer = CdfWriter::start(out, config, generated).map_err(refused)?;
    let ballots = read_ballots(config, |ballot| {
        writer.ballot(&ballot, &[]).map_err(refused)
    })?;
    writer.finish().map_err(refused)?;
    Ok(ballots)
}

impl<'c, W: Write> CdfWriter<'c, W> {
    /// Starts a report. `generated` is the moment, as `2026-11-28T01:00:00Z`.
    pub fn start(mut out: W, config: &'c RctabConfig, generated: &str) -> io::Result<Self> {
        out.write_all(b"{\"@type\":\"CVR.CastVoteRecordReport\",\n\"CVR\":[")?;
        let mut used = HashSet::new();
        let mut candidates = HashMap::new();
        let overvote = (UNKNOWN_OVERVOTE, UNKNOWN_OVERVOTE);
        let named = config.candidates.iter().map(|one| (&*one.id, &*one.name));
        for (id, name) in named.chain([overvote]) {
            // Names that differ only in signs have the same plain text.
            let plain = sanitized(name).to_lowercase();
            let mut text = plain.clone();
            let mut number = 2;
            while !used.insert(text.clone()) {
                text = format!("{plain}-{number}");
                number += 1;
            }
            candidates.insert(id, (name, text));
        }
        Ok(Self {
            out,
            config,
            candidates,
            generated: generated.to_owned(),
            ballots: 0,
            precincts: BTreeMap::new(),
            has_overvotes: config.sources.iter().any(|source| {
                let label = source.overvote_label.as_deref();
                label.is_some_and(|label| !label.trim().is_empty())
            }),
        })
    }

    /// Writes a ballot. `rounds` says whom it counts for in each round, or is empty.
    pub fn ballot(&mut self, ballot: &CastBallot, rounds: &[Vec<Allocation>]) -> io::Result<()> {
        let id = sanitized(&ballot.id);
        let ranks = self.ranks(ballot)?;
        let mut snapshots = vec![self.snapshot(format!("ballot-{id}"), &ranks, None)];
        for (number, allocations) in (1..).zip(rounds) {
            let round: usize = number;
            let snapshot = format!("ballot-{id}-round-{round}");
            snapshots.push(self.snapshot(snapshot, &ranks, Some(allocations)));
        }
        let unit = if self.config.tabulate_by_precinct {
            let next = self.precincts.len() + 1;
            let precinct = ballot.precinct.clone().unwrap_or_default();
            Some(unit_id(*self.precincts.entry(precinct).or_insert(next)))
        } else {
            None
        };
        let cvr = Cvr {
            kind: "CVR",
            id: &id,
            unit,
            current: snapshots[snapshots.len() - 1].id.clone(),
            snapshots,
            election: ELECTION_ID,
        };
        let separator: &[u8] = if self.ballots == 0 { b"\n" } else { b",\n" };
        self.out.write_all(separator)?;
        serde_json::to_writer(&mut self.out, &cvr)?;
        self.ballots += 1;
        Ok(())
    }

    /// The ranks at which each candidate is marked, by the first of them and by name.
    fn ranks<'b>(&mut self, ballot: &'b CastBallot) -> io::Result<Vec<(&'b str, Vec<usize>)>> {
        let mut ranks: HashMap<&str, Vec<usize>> = HashMap::new();
        for (rank, candidates) in (1..).zip(&ballot.ranking.0) {
            for candidate in candidates {
                if !self.candidates.contains_key(candidate.as_str()) {
                    return Err(io::Error::other(format!(
                        "ballot {}: \"{candidate}\" is no candidate of the configuration",
                        ballot.id
                    )));
                }
                self.has_overvotes |= candidate == UNKNOWN_OVERVOTE;
                ranks.entry(candidate).or_default().push(rank);
            }
        }
        let mut sorted: Vec<(&str, Vec<usize>)> = ranks.into_iter().collect();
        sorted.sort_by_key(|(id, ranks)| (ranks[0], self.candidates[id].0));
        Ok(sorted)
    }

    fn snapshot(
        &self,
        id: String,
        ranks: &[(&str, Vec<usize>)],
        round: Option<&Vec<Allocation>>,
    ) -> Snapshot {
        let selections = ranks
            .iter()
            .map(|(candidate, ranks)| {
                let allocated = round.and_then(|allocations| {
                    allocations.iter().find(|one| one.candidate == *candidate)
                });
                let votes = allocated.map_or(Decimal::from(1), |one| one.votes);
                // Of several ranks only the first counts.
                let is_allocable = |index| match (round, allocated) {
                    (None, _) => "unknown",
                    (Some(_), Some(_)) if index == 0 => "yes",
                    _ => "no",
                };
                let positions = ranks.iter().enumerate().map(|(index, rank)| Position {
                    kind: "CVR.SelectionPosition",
                    fraction: fraction(votes),
                    has_indication: "yes",
                    is_allocable: is_allocable(index),
                    votes: votes.whole(),
                    rank: *rank,
                });
                Selection {
                    kind: "CVR.CVRContestSelection",
                    id: format!("cs-{}", self.candidates[candidate].1),
                    positions: positions.collect(),
                }
            })
            .collect();
        Snapshot {
            id,
            kind: "CVR.CVRSnapshot",
            contests: [CvrContest {
                kind: "CVR.CVRContest",
                selections,
                contest: CONTEST_ID,
            }],
            stage: if round.is_some() {
                "interpreted"
            } else {
                "original"
            },
        }
    }

    /// Writes what the ballots refer to, and ends the report.
    pub fn finish(mut self) -> io::Result<W> {
        let mut candidates: Vec<(&str, &str)> = self
            .candidates
            .iter()
            .filter(|(id, _)| **id != UNKNOWN_OVERVOTE || self.has_overvotes)
            .map(|(_, (name, text))| (*name, text.as_str()))
            .collect();
        candidates.sort_unstable();
        let selections: Vec<_> = candidates
            .iter()
            .map(|(_, text)| {
                serde_json::json!({
                    "@id": format!("cs-{text}"),
                    "@type": "ContestSelection",
                    "CandidateIds": [format!("c-{text}")],
                })
            })
            .collect();
        let named: Vec<_> = candidates
            .iter()
            .map(|(name, text)| serde_json::json!({"@id": format!("c-{text}"), "Name": name}))
            .collect();
        let mut units = vec![serde_json::json!({
            "@id": JURISDICTION_ID,
            "@type": "GpUnit",
            "Name": self.config.contest_jurisdiction.clone().unwrap_or_default(),
            "OtherType": "Election Scope Jurisdiction",
            "Type": "other",
        })];
        for (precinct, number) in &self.precincts {
            units.push(serde_json::json!({
                "@id": unit_id(*number),
                "@type": "GpUnit",
                "Name": precinct,
                "Type": "precinct",
            }));
        }
        let rest = [
            (
                "Election",
                serde_json::json!([{
                    "@id": ELECTION_ID,
                    "@type": "Election",
                    "Candidate": named,
                    "Contest": [{
                        "@id": CONTEST_ID,
                        "@type": "CandidateContest",
                        "ContestSelection": selections,
                        "Name": self.config.contest_name,
                    }],
                    "ElectionScopeId": JURISDICTION_ID,
                }]),
            ),
            ("GeneratedDate", serde_json::json!(self.generated)),
            ("GpUnit", serde_json::json!(units)),
            ("ReportGeneratingDeviceIds", serde_json::json!([DEVICE_ID])),
            (
                "ReportingDevice",
                serde_json::json!([{
                    "@id": DEVICE_ID,
                    "@type": "CVR.ReportingDevice",
                    "Application": env!("CARGO_PKG_NAME"),
                    "SoftwareVersion": env!("CARGO_PKG_VERSION"),
                }]),
            ),
            ("Version", serde_json::json!("1.0.0")),
        ];
        self.out.write_all(b"]")?;
        for (field, value) in rest {
            write!(self.out, ",\n\"{field}\":")?;
            serde_json::to_writer(&mut self.out, &value)?;
        }
        self.out.write_all(b"}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

fn unit_id(number: usize) -> String {
    format!("gpu-{number}")
}

/// The part of a number after the point, with the point; nothing if it is 0.
fn fraction(votes: Decimal) -> Option<String> {
    let text = votes.to_string();
    let part = text.split_once('.')?.1;
    part.bytes()
        .any(|digit| digit != b'0')
        .then(|| format!(".{part}"))
}
