//! Hart: directories and zips of XML.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Export;

fn source(path: &str) -> Value {
    json!({
        "provider": "hart",
        "filePath": path,
        "contestId": "con-1",
        "undeclaredWriteInLabel": "w",
    })
}

fn ballot(guid: &str, options: &[(&str, &str)]) -> String {
    let options: String = options
        .iter()
        .map(|(id, value)| {
            format!("<Option><Name>Ann &amp; Co</Name><Id>{id}</Id><Value>{value}</Value></Option>")
        })
        .collect();
    format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Cvr xmlns=\"http://tempuri.org/CVRDesign.xsd\"><Contests>\
         <Contest><Name>Clerk</Name><Id>con-2</Id><Options><Option><Id>2</Id><Value>1</Value></Option></Options></Contest>\
         <Contest><Name>Mayor</Name><Id>con-1</Id><Options>{options}</Options></Contest></Contests>\
         <PrecinctSplit><Name>P1</Name><Id>split</Id></PrecinctSplit><BatchNumber>12</BatchNumber><CvrGuid>{guid}</CvrGuid></Cvr>"
    )
}

#[test]
fn digits_are_ranks() {
    let export = Export::new(source("export"))
        .file(
            "export/b.xml",
            ballot("g-b", &[("A.", "101"), ("2", "100")]),
        )
        .file("export/a.xml", ballot("g-a", &[("w", "010"), ("2", "001")]))
        .file("export/c.xml", ballot("g-c", &[]))
        .file("export/a.xml.sig.xml", "no ballot");
    assert_eq!(export.rankings(), [">UWI>c2", "c1=c2>>c1", ""]);
    let ballots = export.read().unwrap();
    assert_eq!(ballots[0].id, "g-a");
    assert_eq!(ballots[0].precinct.as_deref(), Some("P1"));
    assert_eq!(ballots[0].precinct_portion.as_deref(), Some("split"));
    assert_eq!(ballots[0].batch.as_deref(), Some("12"));
}

#[test]
fn a_zip_is_read_like_a_directory() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, guid) in [("in/2.xml", "g2"), ("in/1.xml", "g1"), ("readme.txt", "")] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(ballot(guid, &[("2", "1")]).as_bytes())
            .unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let export = Export::new(source("export.zip")).file("export.zip", bytes);
    let ids: Vec<String> = export
        .read()
        .unwrap()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(ids, ["g1", "g2"]);
}

#[test]
fn an_export_tells_file_and_ballot() {
    let one = |text: String| Export::new(source("export")).file("export/a.xml", text);
    one(ballot("g", &[("2", "0001")])).refused(&["a.xml", "CVR g", "rank 4", "3 ranks"]);
    one(ballot("g", &[("Dora", "1")])).refused(&["\"Dora\" 1 times", "CVR g"]);
    one("<Cvr><Contests>".to_owned()).refused(&["a.xml", "byte", "ends in an element"]);
    one(ballot("g", &[("2", "1")]).replace(
        "<Value>1</Value></Option></Options></Contest></Contests>",
        "</Option></Options></Contest></Contests>",
    ))
    .refused(&["a.xml", "CVR g", "Option/Value", "missing"]);
    let deep = format!("<Cvr>{}", "<a>".repeat(100_000));
    one(deep).refused(&["a.xml", "64 elements in one another"]);
    Export::new(source("export"))
        .file("export/a.txt", "")
        .refused(&["export", "no XML files"]);
}
