//! What holds for every input: damaged files are refused or read, never more; what is written is read again as it was.

use std::io::{Cursor, Write};

use ballot::Ranking;
use election_cast_vote_records::cdf::CdfWriter;
use election_cast_vote_records::report::Decimal;
use election_cast_vote_records::{CastBallot, RctabConfig, read_ballots};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A configuration in a directory of its own, with files.
struct Case {
    directory: TempDir,
    source: Value,
}

impl Case {
    fn new(source: Value, files: &[(&str, &[u8])]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Self { directory, source }
    }

    fn config(&self) -> RctabConfig {
        let config = json!({
            "tabulatorVersion": "TEST",
            "outputSettings": {"contestName": "Mayor"},
            "cvrFileSources": [self.source],
            "candidates": [{"name": "Ann"}, {"name": "Ben"}, {"name": "Cleo"}],
            "rules": {
                "tiebreakMode": "useCandidateOrder",
                "overvoteRule": "exhaustImmediately",
                "winnerElectionMode": "singleWinnerMajority",
                "numberOfWinners": 1,
                "decimalPlacesForVoteArithmetic": 4,
                "maxSkippedRanksAllowed": 1,
                "maxRankingsAllowed": "max",
            },
        });
        let path = self.directory.path().join("config.json");
        RctabConfig::from_json(config.to_string().as_bytes(), &path).unwrap()
    }

    fn read(&self) -> Result<Vec<CastBallot>, String> {
        let mut ballots = Vec::new();
        read_ballots(&self.config(), |ballot| {
            ballots.push(ballot);
            Ok(())
        })
        .map(|_| ballots)
        .map_err(|error| error.to_string())
    }
}

const TABLE: &[u8] = b"id,Ann,Ben,Cleo\nx,1,2,3\ny,,1,\"1\"\n";
const CLEAR_BALLOT: &[u8] = b"RowNumber,BoxID,BoxPosition,BallotID,PrecinctID,BallotStyleID,PrecinctStyleName,ScanComputerName,Status,Remade,Choice_1:M:1:Vote For 1:Ann:P,Choice_2:M:2:Vote For 1:Ben:P\n1,B,1,i,P,S,,s,0,0,1,1\n";
const HART: &[u8] = b"<?xml version=\"1.0\"?><Cvr><Contests><Contest><Id>M</Id><Options><Option><Id>Ann</Id><Value>10</Value></Option><Option><Id>Ben</Id><Value>01</Value></Option></Options></Contest></Contests><CvrGuid>g&amp;</CvrGuid></Cvr>";
const CDF_XML: &[u8] = b"<R><CVR><CurrentSnapshotId>n</CurrentSnapshotId><CVRSnapshot ObjectId=\"n\"><CVRContest><ContestId>c</ContestId><CVRContestSelection><ContestSelectionId>s</ContestSelectionId><Rank>1</Rank></CVRContestSelection></CVRContest></CVRSnapshot></CVR><Election><Candidate ObjectId=\"a\"><Name>Ann</Name></Candidate><Contest ObjectId=\"c\"><Name>M</Name><ContestSelection ObjectId=\"s\"><CandidateIds>a</CandidateIds></ContestSelection></Contest></Election><GpUnit ObjectId=\"u\"/><Party/><ReportGeneratingDeviceIds/><ReportingDevice/></R>";
const CDF_JSON: &[u8] = br#"{"CVR":[{"CurrentSnapshotId":"n","CVRSnapshot":[{"@id":"n","CVRContest":[{"ContestId":"c","CVRContestSelection":[{"ContestSelectionId":"s","SelectionPosition":[{"Rank":1}]}]}]}]}],"Election":[{"Candidate":[{"@id":"a","Name":"Ann"}],"Contest":[{"@id":"c","Name":"M","ContestSelection":[{"@id":"s","CandidateIds":["a"]}]}]}],"GpUnit":[]}"#;
const SESSIONS: &[u8] = br#"{"Sessions":[{"TabulatorId":1,"BatchId":2,"RecordId":3,"Original":{"IsCurrent":true,"PrecinctPortionId":1,"Cards":[{"Contests":[{"Id":3,"OutstackConditionIds":[],"Marks":[{"CandidateId":1,"Rank":1,"IsAmbiguous":false}]}]}]}}]}"#;
const SHEET: &[u8] = b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\" t=\"inlineStr\"><is><t>Ann</t></is></c><c r=\"B2\" t=\"inlineStr\"><is><t>Ben</t></is></c></row><row r=\"3\"/></sheetData></worksheet>";

fn workbook(sheet: &[u8]) -> Vec<u8> {
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = format!(
        "<workbook xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/s.xml\"/></Relationships>"
    );
    let root = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let parts: [(&str, &[u8]); 4] = [
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/s.xml", sheet),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// One provider after the other, with the bytes of its records.
fn case(provider: usize, bytes: &[u8]) -> Case {
    let cdf = |file: &str| json!({"provider": "cdf", "filePath": file, "contestId": "M"});
    let table = |provider: &str, file: &str| {
        json!({
            "provider": provider, "filePath": file,
            "firstVoteColumnIndex": if provider == "ess" { 1 } else { 2 }, "firstVoteRowIndex": 2,
        })
    };
    match provider {
        0 => Case::new(table("genericCsv", "t.csv"), &[("t.csv", bytes)]),
        1 => Case::new(
            json!({"provider": "clearBallot", "filePath": "t.csv", "contestId": "M"}),
            &[("t.csv", bytes)],
        ),
        2 => Case::new(
            json!({"provider": "hart", "filePath": "h", "contestId": "M"}),
            &[("h/b.xml", bytes)],
        ),
        3 => Case::new(cdf("c.xml"), &[("c.xml", bytes)]),
        4 => Case::new(cdf("c.json"), &[("c.json", bytes)]),
        5 => {
            let named = br#"{"List":[{"Id":1,"Description":"Ann","ContestId":3}]}"#;
            let mut case = Case::new(
                json!({"provider": "dominion", "filePath": "d", "contestId": "3"}),
                &[
                    ("d/PrecinctPortionManifest.json", named),
                    ("d/CandidateManifest.json", named),
                    ("d/ContestManifest.json", br#"{"List":[{"Id":3}]}"#),
                    ("d/CvrExport.json", bytes),
                ],
            );
            case.source["undeclaredWriteInLabel"] = json!("1");
            case
        }
        _ => Case::new(table("ess", "w.xlsx"), &[("w.xlsx", &workbook(bytes))]),
    }
}

const SAMPLES: [&[u8]; 7] = [
    TABLE,
    CLEAR_BALLOT,
    HART,
    CDF_XML,
    CDF_JSON,
    SESSIONS,
    SHEET,
];

#[test]
fn every_sample_is_read() {
    for (provider, sample) in SAMPLES.iter().enumerate() {
        let ballots = case(provider, sample).read();
        assert!(ballots.is_ok(), "{provider}: {ballots:?}");
    }
}

fn rankings() -> impl Strategy<Value = Vec<Ranking>> {
    let candidate = prop::sample::select(vec!["c1", "c2", "c3"]);
    let rank = prop::collection::vec(candidate.prop_map(str::to_owned), 0..3);
    let ranking = prop::collection::vec(rank, 0..5).prop_map(Ranking::of_marks);
    prop::collection::vec(ranking, 1..20)
}

proptest! {
    #[test]
    fn damaged_files_are_read_or_refused(
        provider in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..3, any::<u8>()), 1..4),
    ) {
        let mut bytes = SAMPLES[provider].to_vec();
        for (index, kind, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let index = index.index(bytes.len());
            match kind {
                0 => bytes[index] = byte,
                1 => bytes.truncate(index),
                _ => bytes.insert(index, byte),
            }
        }
        let _ = case(provider, &bytes).read();
    }

    #[test]
    fn rankings_are_written_and_read_again(rankings in rankings()) {
        let given = case(4, CDF_JSON);
        let config = given.config();
        let mut writer = CdfWriter::start(Vec::new(), &config, "2026-11-28T01:00:00Z").unwrap();
        for (index, ranking) in rankings.iter().enumerate() {
            let ballot = CastBallot {
                id: index.to_string(),
                supplied_id: None,
                tabulator: None,
                batch: None,
                precinct: None,
                precinct_portion: None,
                style: None,
                ranking: ranking.clone(),
            };
            writer.ballot(&ballot, &[]).unwrap();
        }
        let mut again = case(4, &writer.finish().unwrap());
        again.source["contestId"] = json!("Mayor");
        let read: Vec<Ranking> = again.read().unwrap().into_iter().map(|ballot| ballot.ranking).collect();
        prop_assert_eq!(read, rankings);
    }

    #[test]
    fn decimals_are_written_and_read_again(units in -10_i128.pow(18)..10_i128.pow(18), scale in 0_u32..=6) {
        let decimal = Decimal::new(units, scale).unwrap();
        let text = decimal.to_string();
        prop_assert_eq!(text.parse::<Decimal>().unwrap().to_string(), text);
    }

    #[test]
    fn sums_and_differences_undo_each_other(
        a in -10_i128.pow(18)..10_i128.pow(18), b in -10_i128.pow(18)..10_i128.pow(18), scales in (0_u32..=20, 0_u32..=20),
    ) {
        let (a, b) = (Decimal::new(a, scales.0).unwrap(), Decimal::new(b, scales.1).unwrap());
        prop_assert_eq!(a + b - b, a);
        prop_assert_eq!((a - b) > Decimal::ZERO, a > b);
    }

    #[test]
    fn shares_are_what_they_should_be(part in 0_u64..1_000_000, more in 1_u64..1_000_000) {
        let whole = part + more;
        let share = Decimal::from(part).share_of(Decimal::from(whole)).unwrap();
        // Seven digits of the quotient are more than the four that are kept, so it is off by one at most.
        let exact = i128::from(part) * 10_000 / i128::from(whole);
        prop_assert!(share == exact || share == exact + 1, "{} {}", share, exact);
    }
}
