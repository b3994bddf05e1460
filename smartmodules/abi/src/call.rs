//! One call of the engine's: a batch in, records out, both in Fluvio's encoding.
//!
//! A `SmartModuleInput` is an `i64` base offset, a `u32` length and so many bytes of records, read
//! where they lie; fields that depend on the version follow. A `SmartModuleOutput` is records, and an
//! error if there is one.

use ballot::RecordRef;
use fluvio_protocol::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::{
    SmartModuleExtraParams, SmartModuleKind, SmartModuleTransformErrorStatus,
    SmartModuleTransformRuntimeError,
};
use fluvio_smartmodule::{Error, Record};
use wire::{RecordReader, RecordsBuilder};

use crate::replay;

/// What goes wrong between engine and module, and is not about a record.
pub type Status = SmartModuleTransformErrorStatus;

/// A batch to be answered.
pub struct Call<'a> {
    input: &'a [u8],
    version: i16,
    output: &'a mut Vec<u8>,
}

/// Where a record's outputs go: in their order, each at the offset and the time of its record.
pub struct Outputs(RecordsBuilder);

impl Outputs {
    /// Puts a record out as it is.
    pub fn push(&mut self, record: RecordRef<'_>) {
        self.0.push_ref(record);
    }

    /// Puts another value out in the record's place.
    pub fn push_value(&mut self, record: RecordRef<'_>, value: &[u8]) {
        self.0.push_ref(RecordRef { value, ..record });
    }
}

/// The base offset, the records, and what comes after them.
type Parts<'a> = (i64, &'a [u8], &'a [u8]);

/// The end of a `SmartModuleAggregateInput`: what an input holds after its records, then the
/// accumulator.
#[derive(Debug, Default, Decoder)]
struct AggregateTail {
    #[fluvio(max_version = 22)]
    params: SmartModuleExtraParams,
    #[fluvio(min_version = 16, max_version = 22)]
    join_record: Vec<u8>,
    #[fluvio(min_version = 22)]
    base_timestamp: i64,
    accumulator: Vec<u8>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(input: &'a [u8], version: i16, output: &'a mut Vec<u8>) -> Self {
        Call {
            input,
            version,
            output,
        }
    }

    /// Asks for the outputs of each record, told its offset. An error ends the stream.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn each_record(
        self,
        kind: SmartModuleKind,
        mut ask: impl FnMut(i64, RecordRef<'_>, &mut Outputs) -> Result<(), Error>,
    ) -> Result<u32, Status> {
        let (base_offset, records, _) = self.parts()?;
        self.answer(base_offset, records, kind, |record, outputs| {
            ask(base_offset + record.offset_delta, record, outputs)
        })
    }

    /// Asks for one output for the whole batch, told its base offset and its records.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn batch(
        self,
        kind: SmartModuleKind,
        ask: impl FnOnce(i64, &[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<u32, Status> {
        let (base_offset, records, _) = self.parts()?;
        let mut outputs = RecordsBuilder::reusing(std::mem::take(self.output));
        let error = match ask(base_offset, records) {
            Ok(value) => {
                outputs.push(None, &value);
                None
            }
            Err(error) => Some(SmartModuleTransformRuntimeError::new(
                &Record::default(),
                base_offset,
                kind,
                error,
            )),
        };
        self.finish(outputs, error)
    }

    /// Asks for the accumulator with each record in it, and puts that out for the record.
    ///
    /// # Errors
    /// When the input cannot be read.
    pub fn fold(
        self,
        mut ask: impl FnMut(&[u8], RecordRef<'_>) -> Result<Vec<u8>, Error>,
    ) -> Result<u32, Status> {
        let (base_offset, records, mut tail) = self.parts()?;
        let tail = AggregateTail::decode_from(&mut tail, self.version)
            .map_err(|_| Status::DecodingBaseInput)?;
        let mut accumulator =
            replay::start_of(base_offset, tail.base_timestamp, records, tail.accumulator);
        let call = Call {
            output: &mut *self.output,
            ..self
        };
        let count = call.answer(
            base_offset,
            records,
            SmartModuleKind::Aggregate,
            |record, outputs| {
                accumulator = ask(&accumulator, record)?;
                outputs.push_value(record, &accumulator);
                Ok(())
            },
        )?;
        let len = accumulator.len() as u32;
        self.output.extend_from_slice(&len.to_be_bytes());
        self.output.extend_from_slice(&accumulator);
        Ok(count)
    }

    fn parts(&self) -> Result<Parts<'a>, Status> {
        let split = || {
            let (base_offset, rest) = self.input.split_first_chunk()?;
            let (len, rest) = rest.split_first_chunk()?;
            let (records, rest) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
            Some((i64::from_be_bytes(*base_offset), records, rest))
        };
        split().ok_or(Status::DecodingBaseInput)
    }

    fn answer(
        self,
        base_offset: i64,
        records: &[u8],
        kind: SmartModuleKind,
        mut ask: impl FnMut(RecordRef<'_>, &mut Outputs) -> Result<(), Error>,
    ) -> Result<u32, Status> {
        let mut outputs = Outputs(RecordsBuilder::reusing(std::mem::take(self.output)));
        let mut error = None;
        let reader = RecordReader::new(records).map_err(|_| Status::DecodingRecords)?;
        let left = reader.remaining();
        if left as usize > reader.at_most() {
            return Err(Status::DecodingRecords);
        }
        // What cannot be read is a record of nothing, and a record's place decides its offset.
        let nothing = RecordRef {
            offset_delta: 0,
            timestamp_delta: 0,
            key: None,
            value: &[],
        };
        let read = reader
            .map_while(Result::ok)
            .chain(std::iter::repeat(nothing));
        for (place, record) in (0..i64::from(left)).zip(read) {
            let record = RecordRef {
                offset_delta: place,
                ..record
            };
            if let Err(problem) = ask(record, &mut outputs) {
                let record = owned(record);
                error = Some(SmartModuleTransformRuntimeError::new(
                    &record,
                    base_offset,
                    kind,
                    problem,
                ));
                break;
            }
        }
        self.finish(outputs.0, error)
    }

    fn finish(
        self,
        outputs: RecordsBuilder,
        error: Option<SmartModuleTransformRuntimeError>,
    ) -> Result<u32, Status> {
        let count = outputs.len();
        *self.output = outputs.finish(0);
        error
            .encode(self.output, self.version)
            .map_err(|_| Status::EncodingOutput)?;
        Ok(count)
    }
}

/// The record as an error tells it.
fn owned(record: RecordRef<'_>) -> Record {
    let value = record.value.to_vec();
    let mut owned = match record.key {
        Some(key) => Record::new_key_value(key.to_vec(), value),
        None => Record::new(value),
    };
    owned.preamble.set_offset_delta(record.offset_delta);
    owned
}
