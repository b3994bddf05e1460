//! Files whose records are bounded: a record is in memory as a whole, however large its file says it is.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use super::open;
use crate::error::CvrError;

/// The most bytes of a record.
pub(super) const MAX_RECORD_BYTES: u64 = 1 << 26;
const BUFFER_BYTES: usize = 1 << 17;

/// The bytes that may still be read of the record at hand.
#[derive(Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    /// The next record begins.
    pub fn renew(&self) {
        self.0.set(MAX_RECORD_BYTES);
    }

    /// What comes is skipped and not kept.
    pub fn lift(&self) {
        self.0.set(u64::MAX);
    }
}

/// A file that is read within a budget.
pub(super) struct Bounded {
    file: io::Chain<io::Cursor<Vec<u8>>, File>,
    budget: Budget,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read(buffer)?;
        let left = self.budget.0.get();
        match left.checked_sub(bytes as u64) {
            Some(left) => self.budget.0.set(left),
            None => {
                let problem = format!("a record has more than {MAX_RECORD_BYTES} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
            }
        }
        Ok(bytes)
    }
}

/// Opens a file for buffered reading, and leaves out the mark that Windows puts before UTF-8. There is no bound until
/// the budget is renewed.
pub(super) fn open_bounded(path: &Path) -> Result<(BufReader<Bounded>, Budget), CvrError> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut file = open(path)?;
    let mut start = Vec::new();
    file.by_ref()
        .take(MARK.len() as u64)
        .read_to_end(&mut start)
        .map_err(|source| CvrError::Read {
            path: path.to_owned(),
            source,
        })?;
    if start == MARK {
        start.clear();
    }
    let budget = Budget(Rc::new(Cell::new(u64::MAX)));
    let bounded = Bounded {
        file: io::Cursor::new(start).chain(file),
        budget: budget.clone(),
    };
    Ok((BufReader::with_capacity(BUFFER_BYTES, bounded), budget))
}

/// Opens a CSV file, whose rows need not have the same number of fields. There is no bound until the budget is
/// renewed.
pub(super) fn open_csv(path: &Path) -> Result<(csv::Reader<BufReader<Bounded>>, Budget), CvrError> {
    let (file, budget) = open_bounded(path)?;
    let csv = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    Ok((csv, budget))
}
