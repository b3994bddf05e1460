//! Streaming a partition: each stream has a connection and a task. The SPU sends a slice, we acknowledge it, the SPU sends
//! the next.
//!
//! There are no retries here: when the connection is lost the stream ends with an error, and its reader starts a new one
//! at its own position.

use std::sync::Arc;
use std::time::Duration;

use ballot::passed_params;
use fluvio::SmartModuleInvocation;
use fluvio::consumer::{SmartModuleContextData, SmartModuleExtraParams, SmartModuleKind};
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::{BATCH_HEADER_SIZE, Batch, RawRecords};
use fluvio_spu_schema::server::fetch_offset::FetchOffsetsRequest;
use fluvio_spu_schema::server::stream_fetch::{
    DefaultStreamFetchRequest, DefaultStreamFetchResponse,
};
use fluvio_spu_schema::server::update_offset::{OffsetUpdate, UpdateOffsetsRequest};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Answer, Connection, Sent};
use super::controller::Controller;
use super::topic::Topic;
use super::unpack::unpack;
use crate::outputs::{LogBatch, outputs_of};
use crate::port::chain_name;
use crate::{ModuleCall, NO_TIMESTAMP, OutputBatch, OutputStream, PlatformError, StreamRequest};

/// Slice of a stream without a chain: bytes of the log. Much larger than a batch (at most 2 MiB), because a batch that is
/// cut off at its end is sent again, and every slice costs a round trip.
pub const RAW_SLICE_BYTES: i32 = 16 << 20;

/// Slice of a stream through a chain: bytes of *outputs*. The SPU sends nothing until a slice is full or the log at its
/// end, so a smaller one shows a count sooner. But if a batch's outputs are larger, the SPU silently skips them and
/// everything after. This is eight times [`super::BATCH_BYTES`], so a chain may make a record eight times as large.
pub const CHAIN_SLICE_BYTES: i32 = 1 << 20;

/// How many output batches a stream may be ahead of its reader.
const STREAM_QUEUE: usize = 4;

/// After this much silence the SPU is asked for a sign of life.
const SILENCE: Duration = Duration::from_secs(15);
/// How long it may take to answer: it may be busy with a slice.
const SIGN_LIMIT: Duration = Duration::from_secs(60);
/// How long an SPU may take to compile and initialise a chain.
const CHAIN_LIMIT: Duration = Duration::from_secs(60);

/// An offset that no log reaches: see [`check_chain`].
const BEYOND_ANY_LOG: i64 = i64::MAX / 2;

/// The chain of a stream as an SPU gets it.
#[derive(Clone, Default)]
pub(super) struct Chain {
    name: String,
    invocations: Vec<SmartModuleInvocation>,
}

impl Chain {
    /// Looks the modules up by name. The SPU gets their bytes, because its own list of modules lags behind the
    /// controller's, so it might not run what was just deployed.
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
                params: SmartModuleExtraParams::from(passed_params(params)),
                name: Some(module.clone()),
            });
        }
        Ok(Chain {
            name: chain_name(calls),
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
    let position = request.from.max(0);
    let fetch = fetch(&topic, request.partition, position, &chain)?;
    let fetch = connection.send(fetch).await?;
    let (outputs, queue) = mpsc::channel(STREAM_QUEUE);
    let reader = Reader {
        topic,
        partition: request.partition,
        position,
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
    chain: &Chain,
) -> Result<DefaultStreamFetchRequest, PlatformError> {
    let max_bytes = if chain.is_empty() {
        RAW_SLICE_BYTES
    } else {
        CHAIN_SLICE_BYTES
    };
    DefaultStreamFetchRequest::builder()
        .topic(topic.name.clone())
        .partition(partition)
        .fetch_offset(from)
        .max_bytes(max_bytes)
        .isolation(topic.isolation())
        .smartmodules(chain.invocations.clone())
        .build()
        .map_err(|error| PlatformError::refused(streaming(topic, partition), error))
}

fn streaming(topic: &Topic, partition: u32) -> String {
    format!("streaming `{}` partition {partition}", topic.name)
}

/// Finds out whether the SPU accepts the chain. A stream without outputs is silent, whether it waits for records or has
/// failed. So we first request a stream beyond the end of the log: it is refused, but the SPU initialises the chain before
/// that, and reports its error first.
async fn check_chain(
    topic: &Topic,
    partition: u32,
    chain: &Chain,
    connection: &mut Connection,
) -> Result<(), PlatformError> {
    let request = fetch(topic, partition, BEYOND_ANY_LOG, chain)?;
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
        Ok(()) => PlatformError::refused(streaming(topic, partition), "an error without a cause"),
    }
}

struct Reader {
    topic: Arc<Topic>,
    partition: u32,
    /// The next offset to put into `outputs`.
    position: i64,
    chain: Chain,
    connection: Connection,
    fetch: Sent,
    /// Whether no batch has come yet: the first may begin before the position.
    first: bool,
    outputs: mpsc::Sender<Result<OutputBatch, PlatformError>>,
}

impl Reader {
    async fn run(mut self, closing: CancellationToken) {
        let outputs = self.outputs.clone();
        let ended = tokio::select! {
            // After closing nothing more is put into the queue.
            biased;
            () = closing.cancelled() => return,
            () = outputs.closed() => return,
            ended = self.read_on() => ended,
        };
        if let Err(error) = ended {
            // It fails when the reader is gone, who then needs no error.
            let _gone = outputs.send(Err(error)).await;
        }
    }

    async fn read_on(&mut self) -> Result<(), PlatformError> {
        loop {
            let answer = self.answer().await?;
            if answer.correlation != self.fetch.correlation {
                // A sign of life, or the answer to an offset update.
                continue;
            }
            let version = self.fetch.version;
            let slice = self
                .connection
                .decode::<DefaultStreamFetchRequest>(answer.bytes, version)?;
            self.slice(slice).await?;
        }
    }

    /// The next answer. A connection may die silently (no power, no network), so after some silence the SPU is asked
    /// for something.
    async fn answer(&mut self) -> Result<Answer, PlatformError> {
        if let Ok(answer) = tokio::time::timeout(SILENCE, self.connection.answer()).await {
            return answer;
        }
        let question = FetchOffsetsRequest::new(self.topic.name.clone(), self.partition);
        self.connection.send(question).await?;
        if let Ok(answer) = tokio::time::timeout(SIGN_LIMIT, self.connection.answer()).await {
            return answer;
        }
        let seconds = (SILENCE + SIGN_LIMIT).as_secs();
        let problem = format!("the SPU gave no sign of life for {seconds} s");
        Err(self.connection.lost_by(problem))
    }

    async fn slice(&mut self, slice: DefaultStreamFetchResponse) -> Result<(), PlatformError> {
        let stream = slice.stream_id;
        let partition = slice.partition;
        let error = partition.error_code.clone();
        let mut batches = partition.records.batches;
        if self.chain.is_empty() {
            // A slice may end inside a batch, which comes again.
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
            // Before the outputs are passed on, so that the SPU prepares the next slice meanwhile.
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
                // The stream was dropped, which ends `run`, too.
                return Ok(());
            }
        }
        match error {
            ErrorCode::None => Ok(()),
            error => Err(refused(&self.topic, self.partition, &self.chain, error)),
        }
    }

    fn records(&mut self, batch: &Batch<RawRecords>) -> Result<OutputBatch, PlatformError> {
        // As the SPU counts, which takes the head's word for it.
        let end = batch.computed_last_offset();
        if end <= self.position {
            return Ok(Vec::new());
        }
        if batch.base_offset > self.position || (!self.first && batch.base_offset < self.position) {
            return Err(self.damaged(format!("the next batch starts at {}", batch.base_offset)));
        }
        self.first = false;
        let unpacked = unpack(batch).inspect_err(|problem| {
            let Topic { name, .. } = &*self.topic;
            let (partition, offset) = (self.partition, batch.base_offset);
            tracing::warn!(
                "`{name}` partition {partition}: the batch at offset {offset} cannot be read: {problem}"
            );
        });
        let batch = LogBatch {
            base_offset: batch.base_offset,
            // Cast: an `i32` that is not negative, and 1.
            offsets: batch.records_len() as u32,
            time: batch.header.first_timestamp,
            records: unpacked.ok(),
        };
        let outputs = batch.outputs_from(self.position);
        self.position = end;
        Ok(outputs)
    }

    fn outputs_of_chain(&self, batch: &Batch<RawRecords>) -> Result<OutputBatch, PlatformError> {
        let records = unpack(batch).map_err(|problem| self.damaged(problem))?;
        let outputs = outputs_of(&records, batch.base_offset, NO_TIMESTAMP);
        let mut outputs = outputs.map_err(|error| self.damaged(error.to_string()))?;
        for (offset, output) in (batch.base_offset..).zip(&mut outputs) {
            output.offset = offset;
            output.timestamp = NO_TIMESTAMP;
        }
        Ok(outputs)
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
