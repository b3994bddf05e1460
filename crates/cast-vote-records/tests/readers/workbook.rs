//! ES&S: workbooks.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Export;

fn source() -> Value {
    json!({
        "provider": "ess",
        "filePath": "cvr.xlsx",
        "idColumnIndex": "1",
        "precinctColumnIndex": "2",
        "firstVoteColumnIndex": "3",
        "firstVoteRowIndex": "2",
        "overvoteLabel": "overvote",
        "skippedRankLabel": "undervote",
        "undeclaredWriteInLabel": "UWI",
    })
}

/// A workbook of one sheet; each row is its cells from column A on, and `None` for a cell that is not there.
fn workbook(rows: &[&[Option<&str>]]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut data = String::new();
    for (row, cells) in rows.iter().enumerate() {
        data.push_str(&format!("<row r=\"{}\">", row + 1));
        for (column, cell) in (b'A'..=b'Z').zip(cells.iter()) {
            if let Some(text) = cell {
                let place = format!("{}{}", char::from(column), row + 1);
                data.push_str(&match text.parse::<f64>() {
                    Ok(_) => format!("<c r=\"{place}\"><v>{text}</v></c>"),
                    Err(_) => {
                        format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
                    }
                });
            }
        }
        data.push_str("</row>");
    }
    let parts = [
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"
                .to_owned(),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"r1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"CVR\" sheetId=\"1\" r:id=\"r7\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"r7\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/first.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/first.xml",
            format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{data}</sheetData></worksheet>"),
        ),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const HEADER: [Option<&str>; 6] = [
    Some("id"),
    Some("precinct"),
    Some("1st"),
    Some("2nd"),
    Some("3rd"),
    Some("note"),
];

#[test]
fn cells_of_a_workbook_are_candidates() {
    let rows: [&[Option<&str>]; 4] = [
        &HEADER,
        &[
            Some("17"),
            Some("P 1"),
            Some(" Ann "),
            Some("2"),
            None,
            Some("a note"),
        ],
        &[
            Some("x"),
            None,
            Some("undervote"),
            Some("overvote"),
            Some("UWI"),
        ],
        &[Some("y"), Some("P 1"), None, None, Some("A.")],
    ];
    let export = Export::new(source()).file("cvr.xlsx", workbook(&rows));
    assert_eq!(export.rankings(), ["c1>c2", ">overvote>UWI", ">>c1"]);
    let ballots = export.read().unwrap();
    assert_eq!(ballots[0].id, "cvr.xlsx-1");
    assert_eq!(ballots[0].supplied_id.as_deref(), Some("17"));
    assert_eq!(ballots[0].precinct.as_deref(), Some("P 1"));
    assert_eq!(ballots[1].precinct.as_deref(), Some("missing_precinct_id"));
}

#[test]
fn blank_cells_are_write_ins_where_the_source_says_so() {
    let mut source = source();
    source["treatBlankAsUndeclaredWriteIn"] = json!(true);
    let rows: [&[Option<&str>]; 3] = [&HEADER, &[Some("1"), None, None, Some("Ben")], &[Some("2")]];
    let export = Export::new(source).file("cvr.xlsx", workbook(&rows));
    assert_eq!(export.rankings(), ["UWI>c2>UWI", "UWI>UWI>UWI"]);
}

#[test]
fn a_cell_may_have_several_candidates() {
    let mut source = source();
    source["overvoteLabel"] = json!("");
    source["overvoteDelimiter"] = json!("|");
    let rows: [&[Option<&str>]; 3] = [
        &HEADER,
        &[
            Some("1"),
            None,
            Some("Ben| Ann"),
            Some("UWI|UWI"),
            Some("Ann|"),
        ],
        &[Some("2"), None, Some("undervote")],
    ];
    let export = Export::new(source.clone()).file("cvr.xlsx", workbook(&rows));
    // Two write-ins are an overvote, though they are one candidate here.
    assert_eq!(export.rankings(), ["c1=c2>overvote>c1", ""]);
    let rows: [&[Option<&str>]; 2] = [&HEADER, &[Some("1"), None, Some("Ann"), Some("|Ann")]];
    Export::new(source)
        .file("cvr.xlsx", workbook(&rows))
        .refused(&["cvr.xlsx", "row 2", "column 4", "\"|Ann\"", "blank"]);
}

#[test]
fn a_row_without_cells_is_an_undervote() {
    let mut source = source();
    source["idColumnIndex"] = json!("");
    let rows: [&[Option<&str>]; 4] = [&HEADER, &[], &[None, None, Some("Ann")], &[]];
    let export = Export::new(source).file("cvr.xlsx", workbook(&rows));
    assert_eq!(export.rankings(), ["", "c1", ""]);
}

#[test]
fn a_workbook_tells_the_row() {
    let rows: [&[Option<&str>]; 2] = [&HEADER, &[None, None, Some("Ann")]];
    Export::new(source())
        .file("cvr.xlsx", workbook(&rows))
        .refused(&["cvr.xlsx", "row 2", "column 1", "missing"]);
    let rows: [&[Option<&str>]; 2] = [&HEADER, &[Some("1"), None, Some("Dora")]];
    Export::new(source())
        .file("cvr.xlsx", workbook(&rows))
        .refused(&["cvr.xlsx", "\"Dora\" 1 times", "row 2"]);
    Export::new(source())
        .file("cvr.xlsx", "no workbook")
        .refused(&["cvr.xlsx", "Excel"]);
}
