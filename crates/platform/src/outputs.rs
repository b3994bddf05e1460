//! Encoded records as outputs of a stream.

use bytes::Bytes;
use wire::{BatchError, RecordReader};

use crate::{Output, OutputBatch};

/// What a SmartModule put out for a batch with this base offset and time, each at the offset of its record.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn outputs_of(
    records: &Bytes,
    base_offset: i64,
    base_time: i64,
) -> Result<OutputBatch, BatchError> {
    let reader = RecordReader::new(records)?;
    let mut outputs = Vec::with_capacity(reader.at_most());
    for record in reader {
        let record = record?;
        outputs.push(Output {
            offset: base_offset.saturating_add(record.offset_delta),
            offsets: 1,
            key: record.key.map(|key| records.slice_ref(key)),
            value: records.slice_ref(record.value),
            timestamp: base_time.saturating_add(record.timestamp_delta),
        });
    }
    Ok(outputs)
}

/// A batch in the log, whose writer may have put anything into it.
pub(crate) struct LogBatch {
    pub(crate) base_offset: i64,
    /// How many offsets its head claims, and the log gave it.
    pub(crate) offsets: u32,
    pub(crate) time: i64,
    /// The unpacked records; `None` if they cannot be unpacked, or are too large.
    pub(crate) records: Option<Bytes>,
}

impl LogBatch {
    /// The records from an offset on; they share the batch's memory. A record's place decides its offset, as for every
    /// client, whatever the record says. Records beyond those that the head claims have no offset, so they are none. Claimed
    /// ones that are not there, or cannot be read, are one output at the end.
    pub(crate) fn outputs_from(&self, from: i64) -> OutputBatch {
        let mut outputs = Vec::new();
        let mut place = 0;
        if let Some(records) = &self.records
            && let Ok(reader) = RecordReader::new(records)
        {
            outputs.reserve(reader.at_most().min(self.offsets as usize));
            for record in reader.take(self.offsets as usize).map_while(Result::ok) {
                let offset = self.base_offset + i64::from(place);
                place += 1;
                if offset >= from {
                    outputs.push(Output {
                        offset,
                        offsets: 1,
                        key: record.key.map(|key| records.slice_ref(key)),
                        value: records.slice_ref(record.value),
                        timestamp: self.time.saturating_add(record.timestamp_delta),
                    });
                }
            }
        }
        let unreadable = self.base_offset + i64::from(place);
        let end = self.base_offset + i64::from(self.offsets);
        let begin = unreadable.max(from);
        if begin < end {
            outputs.push(Output {
                offset: begin,
                // Cast: not more than `self.offsets`.
                offsets: (end - begin) as u32,
                key: None,
                value: Bytes::new(),
                timestamp: self.time,
            });
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wire::RecordsBuilder;

    use super::*;

    fn encoded(values: &[Vec<u8>]) -> Vec<u8> {
        let mut builder = RecordsBuilder::default();
        for value in values {
            builder.push(Some(b"key"), value);
        }
        builder.finish(0)
    }

    fn batch(records: Option<Vec<u8>>, offsets: u32) -> LogBatch {
        LogBatch {
            base_offset: 100,
            offsets,
            time: 5,
            records: records.map(Bytes::from),
        }
    }

    proptest! {
        /// Each claimed offset is in exactly one output, and no output is as many as the head claims.
        #[test]
        fn whatever_a_batch_holds_its_offsets_are_all_there(
            values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20),
            claimed in prop_oneof![1u32..40, Just(i32::MAX as u32)],
            cut in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
            from in 90i64..150,
        ) {
            let mut bytes = encoded(&values);
            if is_cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            let outputs = batch(Some(bytes), claimed).outputs_from(from);
            let mut next = from.max(100);
            for output in &outputs {
                prop_assert_eq!(output.offset, next);
                next = output.next_offset();
            }
            let end = 100 + i64::from(claimed);
            prop_assert_eq!(next, end.max(from.max(100)));
            prop_assert!(outputs.len() <= values.len() + 1);
            if !is_cut {
                let whole = (claimed as usize).min(values.len());
                let skipped = usize::try_from(from - 100).unwrap_or(0).min(whole);
                let read = outputs.iter().filter(|output| output.key.is_some());
                prop_assert!(read.map(|output| &*output.value).eq(&values[skipped..whole]));
            }
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_one_output() {
        let outputs = batch(None, 7).outputs_from(0);
        assert_eq!(outputs.len(), 1);
        assert_eq!((outputs[0].offset, outputs[0].offsets), (100, 7));
        assert!(outputs[0].key.is_none() && outputs[0].value.is_empty());
    }
}
