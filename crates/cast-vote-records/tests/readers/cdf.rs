//! The common data format: JSON and XML, read and written.

use election_cast_vote_records::cdf::convert;
use serde_json::{Value, json};

use crate::Export;

fn source(path: &str) -> Value {
    json!({
        "provider": "cdf",
        "filePath": path,
        "contestId": "Mayor",
        "undeclaredWriteInLabel": "UWI",
        "overvoteLabel": "overvote",
    })
}

fn position(rank: u32, allocable: &str) -> Value {
    json!({"HasIndication": "yes", "IsAllocable": allocable, "NumberVotes": 1, "Rank": rank})
}

fn cvr(id: &str, contest: &str, selections: Value) -> Value {
    json!({
        "BallotPrePrintedId": id,
        "BallotStyleUnitId": "gpu-1",
        "CurrentSnapshotId": "now",
        "CVRSnapshot": [
            {"@id": "before", "CVRContest": [{"ContestId": contest, "CVRContestSelection": []}]},
            {"@id": "now", "CVRContest": [{"ContestId": contest, "CVRContestSelection": selections}]},
        ],
    })
}

fn report(cvrs: &Value) -> Value {
    json!({
        "CVR": cvrs,
        "Election": [{
            "Candidate": [
                {"@id": "c-a", "Name": "A."}, {"@id": "c-b", "Name": "Ben"}, {"@id": "c-o", "Name": "overvote"},
            ],
            "Contest": [
                {"@id": "other", "Name": "Clerk", "ContestSelection": []},
                {"@id": "con", "Name": "Mayor", "ContestSelection": [
                    {"@id": "s-a", "CandidateIds": ["c-a"]},
                    {"@id": "s-b", "CandidateIds": ["c-b"]},
                    {"@id": "s-o", "CandidateIds": ["c-o"]},
                    {"@id": "s-w", "IsWriteIn": "true"},
                ]},
            ],
        }],
        "GpUnit": [{"@id": "gpu-1", "Name": "North"}],
    })
}

fn export(cvrs: &Value) -> Export {
    Export::new(source("cvr.json")).file("cvr.json", report(cvrs).to_string())
}

#[test]
fn positions_are_marks() {
    let export = export(&json!([
        cvr(
            "1",
            "con",
            json!([
                {"ContestSelectionId": "s-a", "SelectionPosition": [position(2, "yes"), position(3, "no")]},
                {"ContestSelectionId": "s-b", "SelectionPosition": [position(1, "unknown")]},
            ])
        ),
        cvr("2", "other", json!([])),
        cvr(
            "3",
            "con",
            json!([
                {"ContestSelectionId": "s-w", "Rank": 1},
                {"ContestSelectionId": "s-o", "SelectionPosition": [position(2, "yes")]},
            ])
        ),
    ]));
    assert_eq!(export.rankings(), ["c2>c1", "UWI>overvote"]);
    let ballots = export.read().unwrap();
    assert_eq!(ballots[1].id, "cvr.json(2)");
    assert_eq!(ballots[1].supplied_id.as_deref(), Some("3"));
    assert_eq!(ballots[1].precinct.as_deref(), Some("North"));
}

#[test]
fn json_tells_record_and_field() {
    let one = |selection: Value| export(&json!([cvr("7", "con", json!([selection]))]));
    one(json!({"ContestSelectionId": "s-x", "Rank": 1})).refused(&[
        "cvr.json",
        "CVR 1 (7)",
        "ContestSelectionId",
        "\"s-x\" is not defined",
    ]);
    one(json!({"ContestSelectionId": "s-a", "SelectionPosition": [{}]})).refused(&[
        "CVR 1 (7)",
        "Rank",
        "missing",
    ]);
    one(json!({"ContestSelectionId": "s-a", "Rank": "first"})).refused(&["cvr.json", "line 1"]);
    let mut twice = report(&json!([]));
    twice["GpUnit"] = json!([{"@id": "g", "Name": "N"}, {"@id": "g", "Name": "M"}]);
    Export::new(source("cvr.json"))
        .file("cvr.json", twice.to_string())
        .refused(&["cvr.json", "GpUnit", "\"g\" is there twice"]);
    let mut other = report(&json!([]));
    other["Election"][0]["Contest"][1]["Name"] = json!("Sheriff");
    Export::new(source("cvr.json"))
        .file("cvr.json", other.to_string())
        .refused(&["cvr.json", "\"Mayor\" is not defined"]);
}

const XML: &str = r#"<?xml version="1.0"?>
<cdf:CastVoteRecordReport xmlns:cdf="NIST_V0_cast_vote_records.xsd">
  <cdf:CVR>
    <cdf:BallotStyleId>style 4</cdf:BallotStyleId><cdf:BallotStyleUnitId>gpu-1</cdf:BallotStyleUnitId>
    <cdf:CurrentSnapshotId>now</cdf:CurrentSnapshotId>
    <cdf:CVRSnapshot ObjectId="now"><cdf:CVRContest><cdf:ContestId>con</cdf:ContestId>
      <cdf:CVRContestSelection><cdf:ContestSelectionId>s-a</cdf:ContestSelectionId>
        <cdf:SelectionPosition><cdf:HasIndication>yes</cdf:HasIndication><cdf:Rank>2</cdf:Rank></cdf:SelectionPosition>
        <cdf:SelectionPosition><cdf:HasIndication>no</cdf:HasIndication><cdf:Rank>1</cdf:Rank></cdf:SelectionPosition>
      </cdf:CVRContestSelection>
      <cdf:CVRContestSelection><cdf:Status>needs-adjudication</cdf:Status></cdf:CVRContestSelection>
      <cdf:CVRContestSelection><cdf:ContestSelectionId>s-b</cdf:ContestSelectionId>
        <cdf:SelectionPosition><cdf:CVRWriteIn><cdf:Text>X &amp; Y</cdf:Text></cdf:CVRWriteIn><cdf:Rank>3</cdf:Rank></cdf:SelectionPosition>
      </cdf:CVRContestSelection>
    </cdf:CVRContest></cdf:CVRSnapshot><cdf:UniqueId>77</cdf:UniqueId>
  </cdf:CVR>
  <!-- A ballot without the contest. -->
  <cdf:CVR><cdf:CurrentSnapshotId>now</cdf:CurrentSnapshotId><cdf:CVRSnapshot ObjectId="now"/></cdf:CVR>
  <cdf:Election ObjectId="e">
    <cdf:Candidate ObjectId="c-a"><cdf:Name>Ann</cdf:Name></cdf:Candidate>
    <cdf:Candidate ObjectId="c-b"><cdf:Name>Ben</cdf:Name></cdf:Candidate>
    <cdf:Contest ObjectId="con"><cdf:Name>Mayor</cdf:Name>
      <cdf:ContestSelection ObjectId="s-a"><cdf:CandidateIds>c-a</cdf:CandidateIds></cdf:ContestSelection>
      <cdf:ContestSelection ObjectId="s-b"><cdf:CandidateIds>c-b</cdf:CandidateIds></cdf:ContestSelection>
    </cdf:Contest>
  </cdf:Election>
  <cdf:GpUnit ObjectId="gpu-1"><cdf:Name>North &lt;1&gt;</cdf:Name></cdf:GpUnit>
  <cdf:Party ObjectId="p"/>
  <cdf:ReportGeneratingDeviceIds>rd</cdf:ReportGeneratingDeviceIds>
  <cdf:ReportingDevice ObjectId="rd"/>
</cdf:CastVoteRecordReport>
"#;

#[test]
fn xml_is_read_with_prefixes() {
    let export = Export::new(source("cvr.xml")).file("cvr.xml", XML);
    assert_eq!(export.rankings(), [">c1>UWI"]);
    let ballots = export.read().unwrap();
    assert_eq!(ballots[0].id, "cvr.xml(1)");
    assert_eq!(ballots[0].supplied_id.as_deref(), Some("77"));
    assert_eq!(ballots[0].precinct.as_deref(), Some("North <1>"));
    assert_eq!(ballots[0].style.as_deref(), Some("style 4"));
}

#[test]
fn xml_tells_record_and_field() {
    let with = |from: &str, to: &str| {
        Export::new(source("cvr.xml")).file("cvr.xml", XML.replace(from, to))
    };
    with("<cdf:Rank>2</cdf:Rank>", "<cdf:Rank>two</cdf:Rank>").refused(&[
        "cvr.xml",
        "CVR 1 (77)",
        "Rank",
        "\"two\"",
    ]);
    with("UnitId>gpu-1", "UnitId>gpu-2").refused(&["CVR 1 (77)", "BallotStyleUnitId", "\"gpu-2\""]);
    with("<cdf:Party ObjectId=\"p\"/>", "").refused(&["cvr.xml", "Party", "missing"]);
    with("<cdf:Name>Ann", "<cdf:Name>Dora").refused(&["\"Dora\" 1 times", "CVR 1 (77)"]);
    with("</cdf:CastVoteRecordReport>", "").refused(&["cvr.xml", "byte"]);
}

#[test]
fn what_is_written_is_read_again() {
    let cvrs = json!([
        cvr(
            "1",
            "con",
            json!([{"ContestSelectionId": "s-b", "Rank": 1}, {"ContestSelectionId": "s-a", "Rank": 3}])
        ),
        cvr(
            "2",
            "con",
            json!([{"ContestSelectionId": "s-o", "Rank": 2}])
        ),
        cvr("3", "con", json!([])),
    ]);
    let export = export(&cvrs);
    let mut written = Vec::new();
    let ballots = convert(
        &export.load().unwrap(),
        "2026-11-28T01:00:00Z",
        &mut written,
    )
    .unwrap();
    assert_eq!(ballots, 3);
    let again = Export::new(source("again.json")).file("again.json", written);
    assert_eq!(again.rankings(), export.rankings());
}
