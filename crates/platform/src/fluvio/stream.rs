//! Streaming a partition: one connection and one task a stream. The SPU sends a slice, we tell it how
//! far we are, it sends the next.
//!
//! There is no second try in here: when the connection is lost the stream ends with an error, and
//! who reads it starts anew where its own count stands.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fluvio::consumer::{SmartModuleContextData, SmartModuleExtraParams, SmartModuleKind};
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::{BATCH_HEADER_SIZE, Batch, RawRecords};
use fluvio::{Compression, SmartModuleInvocation};
use fluvio_spu_schema::server::fetch_offset::FetchOffsetsRequest;
use fluvio_spu_schema::server::stream_fetch::{
    DefaultStreamFetchRequest, DefaultStreamFetchResponse,
};
use fluvio_spu_schema::server::update_offset::{OffsetUpdate, UpdateOffsetsRequest};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::RecordReader;

use super::connection::{Answer, Connection, Sent};
use super::controller::Controller;

use super::topic::Topic;
use crate::{
    ModuleCall, NO_TIMESTAMP, Output, OutputBatch, OutputStream, PlatformError, StreamRequest,
};

/// Slice of a stream without a chain: bytes of the log, as they lie there. Much larger than a batch
/// (at most 2 MiB), because what is cut off at its end is sent again, and a round takes its time.
pub const RAW_SLICE_BYTES: i32 = 16 << 20;

/// Slice of a stream through a chain: bytes of *outputs*. The SPU sends nothing before a slice is
/// full or the log is at its end, so a smaller one shows a count sooner. But one batch's outputs that
/// are larger are passed over by the SPU in silence, with all that follows: this is eight times
/// [`super::BATCH_BYTES`], so a chain may make a record eight times as large.
pub const CHAIN_SLICE_BYTES: i32 = 1 << 20;

/// Output batches that a stream may be ahead of its reader.
const STREAM_QUEUE: usize = 4;

/// After this much silence the SPU is asked for a sign of life.
const SILENCE: Duration = Duration::from_secs(15);
/// How long it may take to give it: it may be busy with a slice.
const SIGN_LIMIT: Duration = Duration::from_secs(60);
/// How long an SPU may take to compile and initialise a chain.
const CHAIN_LIMIT: Duration = Duration::from_secs(60);

/// An offset that no log reaches: see [`check_chain`].
const BEYOND_ANY_LOG: i64 = i64::MAX / 2;

/// The chain of a stream, as an SPU is given it.
#[derive(Clone, Default)]
pub(super) struct Chain {
    name: String,
    invocations: Vec<SmartModuleInvocation>,
}

impl Chain {
    /// Resolves the modules by their names. The SPU is sent their bytes: its own idea of what a name
    /// stands for lags behind the controller's, so that what was just deployed might not be what runs.
    pub(super) async fn resolve(
        controller: &Controller,
        calls: &[ModuleCall],
    ) -> Result<Chain, PlatformError> {
        let mut invocations = Vec::with_capacity(calls.len());
        for ModuleCall { module, params } in calls {
            let wasm = controller.module(module).await?;
            invocations.push(SmartModuleInvocation {
                wasm: wasm.ok_or_else(|| PlatformError::NoModule {
                    module: module.clone(),
                })?,
                kind: SmartModuleKind::Generic(SmartModuleContextData::None),
                params: SmartModuleExtraParams::from(params.clone()),
                name: Some(module.clone()),
            });
        }
        let names: Vec<_> = calls.iter().map(|call| call.module.as_str()).collect();
        Ok(Chain {
            name: names.join(" | "),
            invocations,
        })
    }

    fn is_empty(&self) -> bool {
        self.invocations.is_empty()
    }
}

/// Starts a stream's task. It ends when the stream is dropped, when the platform closes, or with an
/// error, which is the stream's last item.
pub(super) async fn start(
    topic: Arc<Topic>,
    request: &StreamRequest,
    chain: Chain,
    streams: &TaskTracker,
    closing: CancellationToken,
) -> Result<OutputStream, PlatformError> {
    let mut connection = topic.connect(request.partition).await?;
    if !chain.is_empty() {
        check_chain(&topic, request.partition, &chain, &mut connection).await?;
    }
    let max_bytes = if chain.is_empty() {
        RAW_SLICE_BYTES
    } else {
        CHAIN_SLICE_BYTES
    };
    let fetch = fetch(
        &topic,
        request.partition,
        request.from.max(0),
        max_bytes,
        &chain,
    )?;
    let fetch = connection.send(fetch).await?;
    let (outputs, queue) = mpsc::channel(STREAM_QUEUE);
    let reader = Reader {
        topic,
        partition: request.partition,
        position: request.from.max(0),
        chain,
        connection,
        fetch,
        first: true,
        outputs,
    };
    streams.spawn(reader.run(closing));
    Ok(ReceiverStream::new(queue).boxed())
}

fn fetch(
    topic: &Topic,
    partition: u32,
    from: i64,
    max_bytes: i32,
    chain: &Chain,
) -> Result<DefaultStreamFetchRequest, PlatformError> {
    DefaultStreamFetchRequest::builder()
        .topic(topic.name.clone())
        .partition(partition)
        .fetch_offset(from)
        .max_bytes(max_bytes)
        .isolation(topic.isolation())
        .smartmodules(chain.invocations.clone())
        .build()
        .map_err(|error| PlatformError::Refused {
            doing: streaming(topic, partition),
            problem: error.to_string(),
        })
}

fn streaming(topic: &Topic, partition: u32) -> String {
    format!("streaming `{}` partition {partition}", topic.name)
}

/// Finds out whether the SPU takes the chain. It would not tell: of a stream that has nothing to send
/// nothing is heard, whether it waits for records or for ever. So we first ask for a stream from beyond
/// the end of the log, which is refused; but the chain is initialised before, and its error comes first.
async fn check_chain(
    topic: &Topic,
    partition: u32,
    chain: &Chain,
    connection: &mut Connection,
) -> Result<(), PlatformError> {
    let request = fetch(topic, partition, BEYOND_ANY_LOG, CHAIN_SLICE_BYTES, chain)?;
    let doing = || format!("initialising `{}` on the SPU", chain.name);
    let response = connection.request(request, doing, CHAIN_LIMIT).await?;
    match response.partition.error_code {
        ErrorCode::Other(_) | ErrorCode::OffsetOutOfRange | ErrorCode::None => Ok(()),
        error => Err(refused(topic, partition, chain, error)),
    }
}

/// An error that the SPU sent in a stream.
fn refused(topic: &Topic, partition: u32, chain: &Chain, error: ErrorCode) -> PlatformError {
    let of_the_chain = matches!(
        error,
        ErrorCode::SmartModuleError
            | ErrorCode::SmartModuleNotFound { .. }
            | ErrorCode::SmartModuleInvalid { .. }
            | ErrorCode::SmartModuleInvalidExports { .. }
            | ErrorCode::SmartModuleRuntimeError(_)
            | ErrorCode::SmartModuleChainInitError(_)
            | ErrorCode::SmartModuleInitError(_)
            | ErrorCode::SmartModuleLookBackError(_)
            | ErrorCode::SmartModuleMemoryLimitExceeded { .. }
    );
    if of_the_chain || (!chain.is_empty() && matches!(error, ErrorCode::Other(_))) {
        return PlatformError::Module {
            module: chain.name.clone(),
            problem: error.to_string().trim().to_owned(),
        };
    }
    match topic.check(partition, &error, || streaming(topic, partition)) {
        Err(error) => error,
        Ok(()) => PlatformError::Refused {
            doing: streaming(topic, partition),
            problem: "an error without a cause".into(),
        },
    }
}

struct Reader {
    topic: Arc<Topic>,
    partition: u32,
    /// The next offset: everything before it was sent on.
    position: i64,
    chain: Chain,
    connection: Connection,
    fetch: Sent,
    /// Whether nothing has come yet: the first batch may begin before the position.
    first: bool,
    outputs: mpsc::Sender<Result<OutputBatch, PlatformError>>,
}

impl Reader {
    async fn run(mut self, closing: CancellationToken) {
        let outputs = self.outputs.clone();
        let ended = tokio::select! {
            // Once it is closed nothing more is added, although there be room.
            biased;
            () = closing.cancelled() => return,
            () = outputs.closed() => return,
            ended = self.read_on() => ended,
        };
        if let Err(error) = ended {
            // Nobody listens any more when this fails, and then nobody needs the error.
            let _gone = outputs.send(Err(error)).await;
        }
    }

    async fn read_on(&mut self) -> Result<(), PlatformError> {
        loop {
            let answer = self.answer().await?;
            if answer.correlation != self.fetch.correlation {
                // A sign of life, or the receipt for an offset.
                continue;
            }
            let version = self.fetch.version;
            let slice = self
                .connection
                .decode::<DefaultStreamFetchRequest>(answer.bytes, version)?;
            self.slice(slice).await?;
        }
    }

    /// The next answer. A connection may be dead without a word (a machine without power, a network
    /// apart), so after some silence the SPU is asked for anything.
    async fn answer(&mut self) -> Result<Answer, PlatformError> {
        if let Ok(answer) = tokio::time::timeout(SILENCE, self.connection.answer()).await {
            return answer;
        }
        let question = FetchOffsetsRequest::new(self.topic.name.clone(), self.partition);
        self.connection.send(question).await?;
        let by = Instant::now() + SIGN_LIMIT;
        match tokio::time::timeout_at(by, self.connection.answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(self.connection.lost_by(format!(
                "the SPU gave no sign of life for {} s",
                (SILENCE + SIGN_LIMIT).as_secs()
            ))),
        }
    }

    async fn slice(&mut self, slice: DefaultStreamFetchResponse) -> Result<(), PlatformError> {
        let stream = slice.stream_id;
        let partition = slice.partition;
        let error = partition.error_code.clone();
        let mut batches = partition.records.batches;
        if self.chain.is_empty() {
            // The slice is cut at its size, wherever that is: a batch that is not whole comes again.
            let cut = batches.iter().position(|batch| !is_whole(batch));
            if let (Some(0), ErrorCode::None) = (cut, &error) {
                return Err(self.damaged(format!(
                    "a batch of {} bytes is larger than a slice of {RAW_SLICE_BYTES}",
                    batches[0].batch_len
                )));
            }
            batches.truncate(cut.unwrap_or(batches.len()));
        }
        let end = batches.last().map(|batch| batch.computed_last_offset());
        let next = if self.chain.is_empty() || partition.next_filter_offset <= 0 {
            end
        } else {
            Some(partition.next_filter_offset)
        };
        if let (Some(next), ErrorCode::None) = (next, &error) {
            // Before the outputs are sent on, so that the SPU prepares the next slice meanwhile.
            let offset = OffsetUpdate {
                offset: next,
                session_id: stream,
            };
            self.connection
                .send(UpdateOffsetsRequest::new(vec![offset]))
                .await?;
        }
        for batch in batches {
            let outputs = if self.chain.is_empty() {
                self.records(&batch)?
            } else {
                self.outputs_of_chain(&batch)?
            };
            if !outputs.is_empty() && self.outputs.send(Ok(outputs)).await.is_err() {
                // Dropped: `run` sees it, too.
                return Ok(());
            }
        }
        match error {
            ErrorCode::None => Ok(()),
            error => Err(refused(&self.topic, self.partition, &self.chain, error)),
        }
    }

    fn records(&mut self, batch: &Batch<RawRecords>) -> Result<OutputBatch, PlatformError> {
        let end = batch.computed_last_offset();
        if end <= self.position {
            return Ok(Vec::new());
        }
        if batch.base_offset > self.position || (!self.first && batch.base_offset < self.position) {
            return Err(self.damaged(format!("the next batch starts at {}", batch.base_offset)));
        }
        self.first = false;
        let time = batch.header.first_timestamp;
        let mut outputs = Vec::with_capacity(batch.records_len());
        let position = self.position;
        self.each_record(batch, |record, share, offset_delta, timestamp_delta| {
            let offset = batch.base_offset + offset_delta;
            if offset >= position {
                outputs.push(Output {
                    offset,
                    key: record.0.map(&share),
                    value: share(record.1),
                    timestamp: time + timestamp_delta,
                });
            }
        })?;
        self.position = end;
        Ok(outputs)
    }

    fn outputs_of_chain(&self, batch: &Batch<RawRecords>) -> Result<OutputBatch, PlatformError> {
        let mut outputs = Vec::new();
        let mut offset = batch.base_offset;
        self.each_record(batch, |record, share, _, _| {
            outputs.push(Output {
                offset,
                key: record.0.map(&share),
                value: share(record.1),
                timestamp: NO_TIMESTAMP,
            });
            offset += 1;
        })?;
        Ok(outputs)
    }

    fn each_record(
        &self,
        batch: &Batch<RawRecords>,
        mut each: impl FnMut((Option<&[u8]>, &[u8]), &dyn Fn(&[u8]) -> Bytes, i64, i64),
    ) -> Result<(), PlatformError> {
        let damaged = |problem: String| self.damaged(problem);
        let packed = &batch.records().0;
        let compression = batch
            .get_compression()
            .map_err(|error| damaged(error.to_string()))?;
        let bytes = match compression {
            Compression::None => packed.clone(),
            compression => compression
                .uncompress(packed)
                .map_err(|error| damaged(error.to_string()))?
                .unwrap_or_default()
                .into(),
        };
        let share = |part: &[u8]| bytes.slice_ref(part);
        let reader = RecordReader::new(&bytes).map_err(|error| damaged(error.to_string()))?;
        for record in reader {
            let record = record.map_err(|error| damaged(error.to_string()))?;
            each(
                (record.key, record.value),
                &share,
                record.offset_delta,
                record.timestamp_delta,
            );
        }
        Ok(())
    }

    fn damaged(&self, problem: String) -> PlatformError {
        PlatformError::Damaged {
            topic: self.topic.name.clone(),
            partition: self.partition,
            offset: self.position,
            problem,
        }
    }
}

pub(super) fn is_whole(batch: &Batch<RawRecords>) -> bool {
    let schema = if batch.header.has_schema() {
        size_of::<u32>()
    } else {
        0
    };
    usize::try_from(batch.batch_len)
        .is_ok_and(|len| len == BATCH_HEADER_SIZE + schema + batch.records().0.len())
}
