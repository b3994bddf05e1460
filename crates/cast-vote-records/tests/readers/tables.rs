//! CSV: the generic one, and Clear Ballot's.

use serde_json::{Value, json};

use crate::Export;

fn generic() -> Value {
    json!({
        "provider": "genericCsv",
        "filePath": "table.csv",
        "idColumnIndex": "1",
        "precinctColumnIndex": "2",
        "firstVoteColumnIndex": "3",
        "firstVoteRowIndex": "2",
        "undeclaredWriteInLabel": "Other",
    })
}

#[test]
fn cells_of_a_table_are_ranks() {
    let export = Export::new(generic()).file(
        "table.csv",
        "\u{feff}id,precinct,A.,Ben,Cleo,Other\nx1,P1,1,2,,\nx2,,,1,3,\nx3,P2,1,1,, 2 \nx4,P2,,,,\n",
    );
    let ballots = export.read().unwrap();
    assert_eq!(export.rankings(), ["c1>c2", "c2>>c3", "c1=c2>UWI", ""]);
    assert_eq!(ballots[0].id, "1");
    assert_eq!(ballots[0].supplied_id.as_deref(), Some("x1"));
    assert_eq!(ballots[0].precinct.as_deref(), Some("P1"));
    assert_eq!(ballots[1].precinct.as_deref(), Some("no precinct id"));
}

#[test]
fn a_table_tells_row_and_column() {
    let table = |rows: &str| {
        let text = format!("id,precinct,Ann,Ben\n{rows}");
        Export::new(generic()).file("table.csv", text)
    };
    table("x1,P,1,2\nx2,P,first,2\n").refused(&[
        "table.csv",
        "row 3",
        "column 3 (Ann)",
        "\"first\"",
    ]);
    table("x1,P,1,2,3\n").refused(&["row 2", "column 5", "not defined in the first row"]);
    table("x1,P,1,4\n").refused(&["row 2", "rank 4", "3 ranks", "maxRankingsAllowed"]);
    table("x1,P,0,1\n").refused(&["row 2", "rank 0"]);
    table("x1,P,99999999,1\n").refused(&["row 2", "rank 99999999"]);
    Export::new(generic())
        .file("table.csv", "id,precinct,Ann,\nx1,P,1,2\n")
        .refused(&["row 1", "column 4", "missing"]);
    Export::new(generic())
        .file("table.csv", "id,precinct,Ann,Dora\nx1,P,1,2\nx2,P,1,2\n")
        .refused(&["table.csv", "\"Dora\" 2 times", "first in row 2", "aliases"]);
    Export::new(generic())
        .file("table.csv", "id,precinct,Ann\n")
        .refused(&["no ballots", "Mayor"]);
}

#[test]
fn choices_of_clear_ballot_are_columns() {
    let head = "RowNumber,BoxID,BoxPosition,BallotID,PrecinctID,BallotStyleID,PrecinctStyleName,ScanComputerName,Status,Remade";
    let choice = |number: u32, contest: &str, rank: u32, name: &str| {
        format!(",\"Choice_{number}:{contest}:{rank}:Vote For 1:{name}:Party\"")
    };
    let header = format!(
        "{head}{}{}{}{}{}\n",
        choice(1, "Town, Mayor", 1, "Ann"),
        choice(2, "Town, Mayor", 1, "Ben"),
        choice(3, "Clerk", 1, "Ben"),
        choice(4, "Town, Mayor", 2, "Ann"),
        choice(5, "Town, Mayor", 4, "Ann"),
    );
    let export = |rows: &str| {
        Export::new(json!({
            "provider": "clearBallot",
            "filePath": "cvr.csv",
            "contestId": "Town, Mayor",
        }))
        .file("cvr.csv", format!("{header}{rows}"))
    };
    let good = export("1,B,1,id1,P7,S2,,scan,0,0,1,0,1,0,1\n2,B,2,id2,P7,S2,,scan,0,0,1,1,0,1,0\n");
    assert_eq!(good.rankings(), ["c1", "c1=c2>c1"]);
    let ballots = good.read().unwrap();
    assert_eq!(ballots[0].id, "id1");
    assert_eq!(ballots[0].precinct.as_deref(), Some("P7"));
    assert_eq!(ballots[0].style.as_deref(), Some("S2"));
    assert_eq!(ballots[0].tabulator.as_deref(), Some("scan"));
    export("1,B,1,id1,P7,S2,,scan,0,0,x,0,1,0,0\n").refused(&[
        "cvr.csv",
        "row 2",
        "column 11 (Ann)",
        "\"x\"",
    ]);
    export("1,B,1,id1,P7,S2,,scan,0,0\n").refused(&["row 2", "column 11", "missing"]);
}

#[test]
fn a_row_without_end_is_refused() {
    // A quote that is never closed makes one cell of all that follows.
    let mut table = b"id,precinct,Ann,Ben\n\"".to_vec();
    table.resize(70 << 20, b'x');
    Export::new(generic())
        .file("table.csv", table)
        .refused(&["table.csv", "67108864 bytes"]);
}
