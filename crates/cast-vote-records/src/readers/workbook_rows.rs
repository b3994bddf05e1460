//! The rows of a workbook that have no cell. RCTab takes each row that its file mentions for a ballot: one without a
//! cell is an undervote. `calamine` gives cells only.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

use super::{open, xml};
use crate::error::CvrError;

/// The most rows of a workbook's sheet.
const MAX_ROWS: usize = 1 << 20;
/// The most bytes of a workbook, unpacked: its texts are kept in memory.
const MAX_WORKBOOK_BYTES: u64 = 1 << 32;
/// The most bytes of what says which sheets there are.
const MAX_PART_BYTES: u64 = 1 << 24;

/// The rows of the first sheet that have no cell, counted from 0, in their order.
pub(super) fn rows_without_cells(path: &Path) -> Result<Vec<u32>, CvrError> {
    let error = |position, problem| CvrError::Xml {
        path: path.to_owned(),
        position,
        problem,
    };
    let zip_error = |source: zip::result::ZipError| CvrError::Read {
        path: path.to_owned(),
        source: std::io::Error::other(source),
    };
    let mut zip =
        ZipArchive::new(BufReader::new(open(path)?)).map_err(|source| CvrError::Workbook {
            path: path.to_owned(),
            source: Box::new(source.into()),
        })?;
    if zip
        .decompressed_size()
        .is_some_and(|bytes| bytes > MAX_WORKBOOK_BYTES.into())
    {
        return Err(CvrError::TooLarge {
            path: path.to_owned(),
            most: MAX_WORKBOOK_BYTES,
        });
    }
    let Some(sheet) = first_sheet(path, &mut zip)? else {
        return Err(error(
            0,
            "the workbook does not say where its first sheet is".to_owned(),
        ));
    };
    let part = zip.by_name(&sheet).map_err(zip_error)?;
    let mut reader = Reader::from_reader(BufReader::new(part));
    let mut buffer = Vec::new();
    let mut rows = Vec::new();
    let mut next_row = 0_u32;
    let mut has_cell = false;
    loop {
        buffer.clear();
        let position = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer);
        let (start, ends) = match &event {
            Ok(Event::Start(start)) => (Some(start), false),
            Ok(Event::Empty(start)) => (Some(start), true),
            Ok(Event::End(end)) if end.local_name().as_ref() == "row" => (None, true),
            Ok(Event::Eof) => return Ok(rows),
            Ok(_) => continue,
            Err(problem) => return Err(error(position, problem.to_string())),
        };
        let is_row = match start.map(|start| start.local_name()) {
            Some(name) if name.as_ref() == "c" => {
                has_cell = true;
                false
            }
            Some(name) => name.as_ref() == "row",
            None => true,
        };
        if !is_row {
            continue;
        }
        if let Some(start) = start {
            has_cell = false;
            if let Ok(Some(number)) = start.try_get_attribute("r") {
                let number: u32 = number.value.parse().map_err(|_| {
                    error(position, format!("row \"{}\" has no number", number.value))
                })?;
                next_row = number.saturating_sub(1);
            }
        }
        if ends {
            if !has_cell {
                if rows.len() == MAX_ROWS {
                    return Err(error(position, format!("more than {MAX_ROWS} rows")));
                }
                rows.push(next_row);
            }
            next_row = next_row.saturating_add(1);
        }
    }
}

/// The part of the file that is the first sheet.
fn first_sheet(
    path: &Path,
    zip: &mut ZipArchive<BufReader<File>>,
) -> Result<Option<String>, CvrError> {
    let mut part = |name: &str| {
        let read = |source| CvrError::Read {
            path: path.join(name),
            source,
        };
        let part = zip
            .by_name(name)
            .map_err(|source| read(std::io::Error::other(source)))?;
        let mut bytes = Vec::new();
        part.take(MAX_PART_BYTES)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        xml::whole(&path.join(name), bytes.as_slice())
    };
    let workbook = part("xl/workbook.xml")?;
    let relations = part("xl/_rels/workbook.xml.rels")?;
    let target = workbook
        .child("sheets")
        .and_then(|sheets| sheets.child("sheet"))
        .and_then(|sheet| sheet.attribute("id"))
        .and_then(|id| {
            relations
                .all("Relationship")
                .find(|relation| relation.attribute("Id") == Some(id))
        })
        .and_then(|relation| relation.attribute("Target"));
    Ok(target.map(|target| match target.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("xl/{target}"),
    }))
}
