//! A batch of records in Fluvio's encoding, read and written in place.
//!
//! The layout is that of `Vec<Record>` in `fluvio-protocol` 0.50 (`record/data.rs`): an `i32` count,
//! big endian, then the records; each is a varint length, `i8` attributes, varint timestamp delta,
//! varint offset delta, a key flag byte (and varint length + bytes), varint length + value, varint
//! header count. Varints are zigzag. That crate's own codec moves `Vec<u8>` byte by byte, which costs
//! more than counting the vote; so the embedded log writes this form once, and the SmartModule reads
//! it where it lies.

use ballot::RecordRef;

/// Most bytes of a batch's records, unpacked: a few packed bytes may be made to unpack to gigabytes. A larger batch is malformed
/// as a whole. Ours have about 1 MB, and Fluvio refuses batches of more than 2 MiB, packed.
pub const MAX_BATCH_BYTES: usize = 64 << 20;

/// Bytes of the number of records, with which a batch begins.
const COUNT_BYTES: usize = size_of::<i32>();

/// Fewest bytes of a record: a length, attributes, two deltas, a key flag, the value's length, and a header count.
const MIN_RECORD_BYTES: usize = 7;

/// Bytes that are not a batch of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a batch of records: {problem} at byte {at}")]
pub struct BatchError {
    /// What is wrong.
    pub problem: &'static str,
    /// Where, from the start of the batch.
    pub at: usize,
}

/// Iterates over the records of a batch. After an error it ends.
pub struct RecordReader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
}

impl<'a> RecordReader<'a> {
    /// Starts reading a batch.
    ///
    /// # Errors
    /// When the count is missing or negative.
    pub fn new(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let count = bytes.first_chunk().map(|count| i32::from_be_bytes(*count));
        // Of a batch that is too large no record is read.
        let bytes = match bytes.len() <= MAX_BATCH_BYTES {
            true => bytes,
            false => &bytes[..COUNT_BYTES],
        };
        let at = COUNT_BYTES;
        match count.map(u32::try_from) {
            Some(Ok(left)) => Ok(RecordReader { bytes, at, left }),
            _ => Err(BatchError {
                problem: "no record count",
                at: 0,
            }),
        }
    }

    /// How many records are still to come, as the batch's head says.
    pub fn remaining(&self) -> u32 {
        self.left
    }

    /// How many records there can be at most, whatever the head says: as many as the bytes have room for.
    pub fn at_most(&self) -> usize {
        (self.left as usize).min(self.bytes.len() / MIN_RECORD_BYTES)
    }

    /// Bytes that have been read: where the next record starts, or, after the last, the batch ends.
    pub fn position(&self) -> usize {
        self.at
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, BatchError> {
        Err(BatchError {
            problem,
            at: self.at,
        })
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, BatchError> {
        match self.bytes.get(self.at) {
            Some(&byte) => {
                self.at += 1;
                Ok(byte)
            }
            None => self.fail("it ends too early"),
        }
    }

    #[inline]
    fn varint(&mut self) -> Result<i64, BatchError> {
        let mut zigzag = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            zigzag |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        self.fail("a number without end")
    }

    #[inline]
    fn slice(&mut self) -> Result<&'a [u8], BatchError> {
        let len = self.varint()?;
        let end = usize::try_from(len)
            .ok()
            .and_then(|len| self.at.checked_add(len));
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(slice) => {
                self.at += slice.len();
                Ok(slice)
            }
            None => self.fail("a length beyond the end"),
        }
    }

    #[inline]
    fn record(&mut self) -> Result<RecordRef<'a>, BatchError> {
        self.varint()?;
        self.byte()?;
        let timestamp_delta = self.varint()?;
        let offset_delta = self.varint()?;
        let key = match self.byte()? {
            0 => None,
            1 => Some(self.slice()?),
            _ => return self.fail("a key flag that is neither 0 nor 1"),
        };
        let value = self.slice()?;
        self.varint()?;
        Ok(RecordRef {
            offset_delta,
            timestamp_delta,
            key,
            value,
        })
    }
}

impl<'a> Iterator for RecordReader<'a> {
    type Item = Result<RecordRef<'a>, BatchError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let record = self.record();
        if record.is_err() {
            self.left = 0;
        }
        Some(record)
    }
}

/// Writes a batch of records: new ones, offsets counting up from 0, or those of another batch.
#[derive(Debug, Clone)]
pub struct RecordsBuilder {
    bytes: Vec<u8>,
    count: u32,
}

impl Default for RecordsBuilder {
    fn default() -> Self {
        RecordsBuilder::with_prefix(&[])
    }
}

impl RecordsBuilder {
    /// A builder whose bytes start with `prefix`, before the batch itself: room for a header of the
    /// caller's, so that it need not copy the batch.
    pub fn with_prefix(prefix: &[u8]) -> Self {
        let mut bytes = prefix.to_vec();
        bytes.extend_from_slice(&[0; 4]);
        RecordsBuilder { bytes, count: 0 }
    }

    /// A builder that writes into a buffer that was used before, to save a new one.
    pub fn reusing(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        buffer.extend_from_slice(&[0; 4]);
        RecordsBuilder {
            bytes: buffer,
            count: 0,
        }
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Adds a record at the next offset.
    pub fn push(&mut self, key: Option<&[u8]>, value: &[u8]) {
        self.push_ref(RecordRef {
            offset_delta: i64::from(self.count),
            timestamp_delta: 0,
            key,
            value,
        });
    }

    /// Adds a record as it is, at its own offset and timestamp.
    pub fn push_ref(&mut self, record: RecordRef<'_>) {
        let RecordRef {
            offset_delta,
            timestamp_delta,
            key,
            value,
        } = record;
        let key_size = key.map_or(1, |key| 1 + varint_size(key.len() as i64) + key.len());
        let size = 1
            + varint_size(timestamp_delta)
            + varint_size(offset_delta)
            + key_size
            + varint_size(value.len() as i64)
            + value.len()
            + varint_size(0);
        self.bytes.reserve(size + 10);
        self.varint(size as i64);
        self.bytes.push(0);
        self.varint(timestamp_delta);
        self.varint(offset_delta);
        match key {
            None => self.bytes.push(0),
            Some(key) => {
                self.bytes.push(1);
                self.varint(key.len() as i64);
                self.bytes.extend_from_slice(key);
            }
        }
        self.varint(value.len() as i64);
        self.bytes.extend_from_slice(value);
        self.varint(0);
        self.count += 1;
    }

    fn varint(&mut self, number: i64) {
        let mut zigzag = ((number << 1) ^ (number >> 63)) as u64;
        while zigzag >= 0x80 {
            self.bytes.push(zigzag as u8 | 0x80);
            zigzag >>= 7;
        }
        self.bytes.push(zigzag as u8);
    }

    /// Number of records so far.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether no record was added.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Size so far, in bytes, prefix included.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The prefix and the batch. `prefix_len` is the length of the prefix given at the start.
    pub fn finish(mut self, prefix_len: usize) -> Vec<u8> {
        self.bytes[prefix_len..prefix_len + 4].copy_from_slice(&self.count.to_be_bytes());
        self.bytes
    }
}

fn varint_size(number: i64) -> usize {
    let zigzag = ((number << 1) ^ (number >> 63)) as u64;
    (64 - (zigzag | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Owned = (Option<Vec<u8>>, Vec<u8>);

    fn records() -> impl Strategy<Value = Vec<Owned>> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..200);
        prop::collection::vec((prop::option::of(bytes()), bytes()), 0..200)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(records in records(), prefix in prop::collection::vec(any::<u8>(), 0..9)) {
            let mut builder = RecordsBuilder::with_prefix(&prefix);
            for (key, value) in &records {
                builder.push(key.as_deref(), value);
            }
            let bytes = builder.finish(prefix.len());
            prop_assert_eq!(&bytes[..prefix.len()], &prefix[..]);
            let read: Vec<Owned> = RecordReader::new(&bytes[prefix.len()..])
                .unwrap()
                .enumerate()
                .map(|(n, record)| {
                    let record = record.unwrap();
                    assert_eq!(record.offset_delta, n as i64);
                    (record.key.map(Into::into), record.value.into())
                })
                .collect();
            prop_assert_eq!(read, records);
        }

        #[test]
        fn records_of_another_batch_stay_as_they_are(
            records in prop::collection::vec((any::<i64>(), any::<i64>(), any::<bool>()), 0..50),
        ) {
            let mut builder = RecordsBuilder::reusing(b"used before".into());
            let records: Vec<_> = records
                .iter()
                .map(|&(offset_delta, timestamp_delta, keyed)| RecordRef {
                    offset_delta,
                    timestamp_delta,
                    key: keyed.then_some(&b"k"[..]),
                    value: b"v",
                })
                .collect();
            for record in &records {
                builder.push_ref(*record);
            }
            let bytes = builder.finish(0);
            let read: Vec<_> = RecordReader::new(&bytes).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(read, records);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(reader) = RecordReader::new(&bytes) {
                for record in reader {
                    if record.is_err() { break }
                }
            }
        }
    }
}
