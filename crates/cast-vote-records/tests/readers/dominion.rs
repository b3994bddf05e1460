//! Dominion: directories of JSON.

use serde_json::{Value, json};

use crate::Export;

fn contest(id: u32, marks: Value) -> Value {
    json!({"Id": id, "OutstackConditionIds": [], "Marks": marks})
}

fn mark(candidate: u32, rank: u32) -> Value {
    json!({"CandidateId": candidate, "Rank": rank, "IsAmbiguous": false})
}

fn session(record: u32, contests: Value) -> Value {
    json!({
        "TabulatorId": 42, "BatchId": 7, "RecordId": record,
        "Original": {
            "IsCurrent": true, "PrecinctPortionId": 1, "BallotTypeId": 5,
            "Cards": [{"Id": 1, "Contests": contests}],
        },
    })
}

fn export(sessions: &Value) -> Export {
    manifests().file(
        "export/CvrExport.json",
        json!({"Version": "5", "Sessions": sessions}).to_string(),
    )
}

fn manifests() -> Export {
    let mut export = Export::new(json!({
        "provider": "dominion",
        "filePath": "export",
        "contestId": "3",
        "undeclaredWriteInLabel": "9",
    }));
    export.config["candidates"][0]["aliases"] = json!(["1"]);
    let list = |list: Value| json!({"Version": "5", "List": list}).to_string();
    export
        .file("export/PrecinctPortionManifest.json", list(json!([{"Id": 1, "Description": "North"}])))
        .file(
            "export/ContestManifest.json",
            list(json!([{"Id": 3, "Description": "Mayor", "NumOfRanks": 2}, {"Id": 4, "Description": "Clerk", "NumOfRanks": 1}])),
        )
        .file(
            "export/CandidateManifest.json",
            list(json!([
                {"Id": 1, "Description": "Ann", "ContestId": 3},
                {"Id": 9, "Description": "Write-in", "ContestId": 3},
                {"Id": 2, "Description": "Ben", "ContestId": 4},
            ])),
        )
}

#[test]
fn sessions_are_ballots() {
    let mut ambiguous = mark(1, 2);
    ambiguous["IsAmbiguous"] = json!(true);
    let mut not_counted = contest(3, json!([mark(1, 1)]));
    not_counted["OutstackConditionIds"] = json!([7]);
    let mut replaced = session(4, json!([contest(3, json!([mark(1, 1)]))]));
    replaced["Original"]["IsCurrent"] = json!(false);
    replaced["Modified"] = json!({"Contests": [contest(3, json!([mark(9, 1)]))]});
    let mut dropped = replaced.clone();
    dropped.as_object_mut().unwrap().remove("Modified");
    let export = export(&json!([
        session(
            1,
            json!([
                contest(4, json!([])),
                contest(3, json!([mark(1, 2), mark(9, 1)]))
            ])
        ),
        session(2, json!([contest(3, json!([ambiguous]))])),
        session(3, json!([not_counted])),
        replaced,
        dropped,
        session(5, json!([contest(4, json!([mark(2, 1)]))])),
    ]));
    assert_eq!(export.rankings(), ["UWI>c1", "", "UWI"]);
    let ballots = export.read().unwrap();
    assert_eq!(ballots[0].id, "42-7-1");
    assert_eq!(ballots[0].precinct, None);
    assert_eq!(ballots[0].precinct_portion.as_deref(), Some("North"));
    assert_eq!(ballots[0].style.as_deref(), Some("5"));
    assert_eq!(ballots[0].batch.as_deref(), Some("7"));
}

#[test]
fn several_files_are_read_in_the_order_of_their_names() {
    let of = |sessions: Value| json!({"Sessions": sessions}).to_string();
    let one = |candidate| {
        of(json!([session(
            candidate,
            json!([contest(3, json!([mark(candidate, 1)]))])
        )]))
    };
    let export = manifests()
        .file("export/CvrExport_2.json", one(9))
        .file("export/CvrExport_1.json", one(1))
        .file("export/CvrExport_x.json", "not read");
    assert_eq!(export.rankings(), ["c1", "UWI"]);
}

#[test]
fn an_export_tells_session_and_field() {
    let with = |change: fn(&mut Value)| {
        let mut sessions = json!([session(8, json!([contest(3, json!([mark(1, 1)]))]))]);
        change(&mut sessions[0]);
        export(&sessions)
    };
    with(|session| session["Original"]["PrecinctPortionId"] = json!(6)).refused(&[
        "CvrExport.json",
        "session 1 (record 8)",
        "PrecinctPortionId",
        "\"6\" is not defined in PrecinctPortionManifest.json",
    ]);
    with(|session| session["Original"]["PrecinctId"] = json!(6))
        .refused(&["PrecinctId", "PrecinctManifest.json"]);
    with(|session| session["Original"]["Cards"][0]["Contests"][0]["Marks"] = json!([mark(1, 3)]))
        .refused(&["session 1 (record 8)", "rank 3", "2 ranks"]);
    with(|session| session["Original"]["Cards"][0]["Contests"][0]["Marks"] = json!([mark(2, 1)]))
        .refused(&["session 1 (record 8)", "\"Ben\" is not in the contest"]);
    with(|session| session["Original"]["Cards"][0]["Contests"][0]["Marks"] = json!([mark(77, 1)]))
        .refused(&["\"77\" 1 times", "session 1 (record 8)"]);
    manifests().refused(&["export", "no CvrExport.json"]);
    manifests()
        .file("export/CvrExport.json", "{\"Sessions\": [\n{\"BatchId\":")
        .refused(&["CvrExport.json", "line 2"]);
    manifests()
        .file("export/CvrExport.json", "{\"Other\": 1}")
        .refused(&["CvrExport.json", "no field Sessions"]);
}
