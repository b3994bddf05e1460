//! Encoded records as outputs of a stream.

use bytes::Bytes;
use wire::{BatchError, RecordReader};

use crate::{Output, OutputBatch};

/// The records of a batch with this base offset and time, from an offset on. They share the batch's memory.
pub(crate) fn outputs_of(
    records: &Bytes,
    base_offset: i64,
    base_time: i64,
    from: i64,
) -> Result<OutputBatch, BatchError> {
    let reader = RecordReader::new(records)?;
    let mut outputs = Vec::with_capacity(reader.remaining() as usize);
    for record in reader {
        let record = record?;
        let offset = base_offset + record.offset_delta;
        if offset >= from {
            outputs.push(Output {
                offset,
                key: record.key.map(|key| records.slice_ref(key)),
                value: records.slice_ref(record.value),
                timestamp: base_time + record.timestamp_delta,
            });
        }
    }
    Ok(outputs)
}
