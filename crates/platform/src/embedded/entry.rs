//! An entry of the log: a batch as it is stored.
//!
//! It starts with the time of writing in milliseconds since 1970, an `i64` (all numbers here are big endian). The highest
//! byte of that, which no time needs, is the format of the records that follow: plain, or an LZ4 block after their number
//! and length. Votes resemble each other, so a block is less than a third of their size.

use bytes::Bytes;
use wire::RecordsBuilder;

/// Length of the head of plain records: the time.
const TIME_BYTES: usize = size_of::<i64>();

/// Length of the head of a block: the time, the number of records and their length, both `u32`.
const BLOCK_HEAD_BYTES: usize = TIME_BYTES + 2 * size_of::<u32>();

/// The format of compressed records; zero is plain.
const LZ4: u8 = 1;

/// Records of fewer bytes are not worth compressing.
const MIN_COMPRESSED_BYTES: usize = 1 << 10;

/// A batch that is to be stored.
pub(super) struct BatchBuilder(RecordsBuilder);

impl BatchBuilder {
    /// An empty one, written at this time, in milliseconds since 1970.
    pub(super) fn new(timestamp: i64) -> Self {
        BatchBuilder(RecordsBuilder::with_prefix(&timestamp.to_be_bytes()))
    }

    pub(super) fn records(&mut self) -> &mut RecordsBuilder {
        &mut self.0
    }

    /// The entry, and how many records are in it.
    pub(super) fn finish(self) -> (Bytes, u32) {
        let count = self.0.len();
        let plain = self.0.finish(TIME_BYTES);
        (compressed(&plain, count).unwrap_or(plain).into(), count)
    }
}

/// The same entry with its records compressed, if that makes it smaller.
fn compressed(plain: &[u8], count: u32) -> Option<Vec<u8>> {
    let (time, records) = plain.split_at(TIME_BYTES);
    let length = u32::try_from(records.len()).ok()?;
    if records.len() < MIN_COMPRESSED_BYTES {
        return None;
    }
    let room = lz4_flex::block::get_maximum_output_size(records.len());
    let mut entry = vec![0; BLOCK_HEAD_BYTES + room];
    let (head, block) = entry.split_at_mut(BLOCK_HEAD_BYTES);
    head[..TIME_BYTES].copy_from_slice(time);
    head[0] = LZ4;
    head[TIME_BYTES..][..4].copy_from_slice(&count.to_be_bytes());
    head[TIME_BYTES + 4..].copy_from_slice(&length.to_be_bytes());
    let written = lz4_flex::block::compress_into(records, block).ok()?;
    let size = BLOCK_HEAD_BYTES + written;
    // A copy, because the store may hold it in memory for long, with its spare room.
    (size < plain.len()).then(|| entry[..size].to_vec())
}

/// A batch in the log.
pub(super) struct StoredBatch {
    pub(super) base_offset: i64,
    pub(super) timestamp: i64,
    /// How many records it has, as its head says.
    count: u32,
    stored: Stored,
}

enum Stored {
    Plain(Bytes),
    Lz4 { block: Bytes, length: usize },
}

impl StoredBatch {
    /// Reads an entry's head.
    ///
    /// # Errors
    /// The problem in words.
    pub(super) fn read(base_offset: i64, entry: Bytes) -> Result<StoredBatch, String> {
        let mut head = Head(&entry);
        let mut time = head.take::<TIME_BYTES>()?;
        let format = std::mem::take(&mut time[0]);
        let (count, stored) = match format {
            0 => {
                let count = u32::from_be_bytes(head.take()?);
                (count, Stored::Plain(entry.slice(TIME_BYTES..)))
            }
            LZ4 => {
                let count = u32::from_be_bytes(head.take()?);
                let length = u32::from_be_bytes(head.take()?) as usize;
                let block = entry.slice_ref(head.0);
                (count, Stored::Lz4 { block, length })
            }
            other => {
                return Err(format!(
                    "this version does not know its format (number {other})"
                ));
            }
        };
        Ok(StoredBatch {
            base_offset,
            timestamp: i64::from_be_bytes(time),
            count,
            stored,
        })
    }

    /// How many records it has, as its head says.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The offset after its last record.
    pub(super) fn end(&self) -> i64 {
        self.base_offset + i64::from(self.count)
    }

    /// The length of its records, in bytes.
    ///
    /// # Errors
    /// When the head contradicts the records, in words.
    pub(super) fn length(&self) -> Result<usize, String> {
        match &self.stored {
            Stored::Plain(records) => Ok(records.len()),
            // A byte of a block decompresses to at most 255, so a wrong length cannot take memory.
            Stored::Lz4 { block, length } if block.len().saturating_mul(255) < *length => Err(
                format!("{} bytes cannot be {length} bytes compressed", block.len()),
            ),
            Stored::Lz4 { length, .. } => Ok(*length),
        }
    }

    /// Writes the records, in Fluvio's encoding, into as many bytes as they are long.
    ///
    /// # Errors
    /// The problem in words.
    pub(super) fn write_records(&self, room: &mut [u8]) -> Result<(), String> {
        match &self.stored {
            Stored::Plain(records) => room.copy_from_slice(records),
            Stored::Lz4 { block, .. } => {
                let written = lz4_flex::block::decompress_into(block, room)
                    .map_err(|error| format!("its records cannot be decompressed: {error}"))?;
                let wanted = room.len();
                if written != wanted {
                    return Err(format!("{written} bytes of records instead of {wanted}"));
                }
            }
        }
        Ok(())
    }

    /// The records, in Fluvio's encoding.
    ///
    /// # Errors
    /// The problem in words.
    pub(super) fn records(&self) -> Result<Bytes, String> {
        if let Stored::Plain(records) = &self.stored {
            return Ok(records.clone());
        }
        let mut records = vec![0; self.length()?];
        self.write_records(&mut records)?;
        Ok(records.into())
    }
}

/// The unread part of an entry's head.
struct Head<'a>(&'a [u8]);

impl Head<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self
            .0
            .split_first_chunk()
            .ok_or("an entry without a batch")?;
        self.0 = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TIME: i64 = 1_720_094_400_000;

    fn entry_of(values: &[Vec<u8>]) -> (Bytes, Vec<u8>) {
        let mut batch = BatchBuilder::new(TIME);
        let mut plain = RecordsBuilder::default();
        for value in values {
            batch.records().push(Some(b"key"), value);
            plain.push(Some(b"key"), value);
        }
        let (entry, count) = batch.finish();
        assert_eq!(count as usize, values.len());
        (entry, plain.finish(0))
    }

    #[test]
    fn records_that_are_alike_are_stored_in_a_fraction_of_their_size() {
        let votes = vec![br#"{"voter_id":"v","candidate_id":"c","vote":1}"#.to_vec(); 1_000];
        let (entry, plain) = entry_of(&votes);
        assert!(
            entry.len() * 10 < plain.len(),
            "{} of {}",
            entry.len(),
            plain.len()
        );
        assert_eq!(entry[0], LZ4);
    }

    #[test]
    fn an_entry_of_before_there_was_compression_is_read() {
        let mut records = RecordsBuilder::with_prefix(&TIME.to_be_bytes());
        records.push(None, &[b'v'; 2 * MIN_COMPRESSED_BYTES]);
        let entry = Bytes::from(records.finish(TIME_BYTES));
        let batch = StoredBatch::read(7, entry.clone()).unwrap();
        assert_eq!(
            (batch.base_offset, batch.timestamp, batch.count),
            (7, TIME, 1)
        );
        assert_eq!(batch.records().unwrap(), entry[TIME_BYTES..]);
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_told() {
        let problem = |entry: &[u8]| {
            let batch = StoredBatch::read(0, Bytes::copy_from_slice(entry));
            batch.and_then(|batch| batch.records()).unwrap_err()
        };
        let (entry, _) = entry_of(&vec![vec![b'v'; 100]; 100]);
        assert!(problem(&entry[..TIME_BYTES - 1]).contains("without a batch"));
        assert!(problem(&entry[..BLOCK_HEAD_BYTES - 1]).contains("without a batch"));
        assert!(problem(&entry[..entry.len() - 9]).contains("decompressed"));
        let mut unknown = entry.to_vec();
        unknown[0] = 9;
        assert!(problem(&unknown).contains("number 9"));
        let mut longer = entry.to_vec();
        longer[BLOCK_HEAD_BYTES - 1] += 1;
        assert!(problem(&longer).contains("bytes of records instead of"));
        let mut endless = entry.to_vec();
        endless[BLOCK_HEAD_BYTES - 4..BLOCK_HEAD_BYTES].fill(0xff);
        assert!(problem(&endless).contains("cannot be"));
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..60),
            alike in any::<bool>(),
        ) {
            let values = if alike { vec![values.concat(); 3] } else { values };
            let (entry, plain) = entry_of(&values);
            let batch = StoredBatch::read(3, entry).unwrap();
            prop_assert_eq!((batch.base_offset, batch.timestamp), (3, TIME));
            prop_assert_eq!(batch.count as usize, values.len());
            prop_assert_eq!(batch.records().unwrap(), plain);
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            format in 0..3u8,
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut entry = bytes;
            if let Some(first) = entry.first_mut() {
                *first = format;
            }
            if let Ok(batch) = StoredBatch::read(0, entry.into()) {
                let _records_or_problem = batch.records();
            }
        }
    }
}
