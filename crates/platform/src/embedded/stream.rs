//! Streaming a partition through a chain of SmartModules: one thread a stream, which reads the log,
//! runs the engine and hands outputs to a bounded queue.

use std::sync::Arc;

use bytes::Bytes;
use domain::RecordReader;
use fluvio_smartengine::{
    SmartEngine, SmartModuleChainBuilder, SmartModuleChainInstance, SmartModuleConfig,
};
use fluvio_smartmodule::dataplane::smartmodule::{SmartModuleExtraParams, SmartModuleInput};
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entry::StoredBatch;
use super::log::{Log, Topic};
use crate::{ModuleCall, Output, OutputBatch, OutputStream, PlatformError, StreamRequest};

/// Output batches that a stream may be ahead of its reader.
const STREAM_QUEUE: usize = 4;

/// A chain and the name it goes by in errors.
pub(super) struct Chain {
    name: String,
    instance: SmartModuleChainInstance,
}

/// Compiles and initialises the modules of a chain.
pub(super) fn build_chain(
    log: &Log,
    engine: &SmartEngine,
    modules: Vec<ModuleCall>,
) -> Result<Chain, PlatformError> {
    let name = modules
        .iter()
        .map(|call| call.module.as_str())
        .collect::<Vec<_>>()
        .join(" | ");
    let failed = |problem: String| PlatformError::Module {
        module: name.clone(),
        problem: problem.trim().to_owned(),
    };
    let mut builder = SmartModuleChainBuilder::default();
    for ModuleCall { module, params } in modules {
        let Some(wasm) = log.module(&module)? else {
            return Err(PlatformError::NoModule { module });
        };
        let config = SmartModuleConfig::builder()
            .smartmodule_names(vec![module])
            .params(SmartModuleExtraParams::from(params))
            .build()
            .map_err(|error| failed(error.to_string()))?;
        builder.add_smart_module(config, wasm);
    }
    let instance = builder
        .initialize(engine)
        .map_err(|error| failed(format!("{error:#}")))?;
    Ok(Chain { name, instance })
}

/// Starts the stream's thread. It ends when the stream is dropped, when the platform closes, or with
/// an error, which is the stream's last item.
///
/// A thread of its own and not one of the runtime's, which are for work that ends: those that wait for
/// one would wait for a stream.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn start(
    log: Arc<Log>,
    topic: Arc<Topic>,
    request: StreamRequest,
    chain: Option<Chain>,
    streams: &TaskTracker,
    closing: CancellationToken,
) -> Result<OutputStream, PlatformError> {
    let (outputs, queue) = mpsc::channel(STREAM_QUEUE);
    let name = format!("{} {}", topic.name(), request.partition);
    let reader = Reader {
        log,
        topic,
        partition: request.partition,
        position: request.from,
        chain,
        outputs,
        closing,
        runtime: Handle::current(),
    };
    let running = streams.token();
    std::thread::Builder::new()
        .name(name)
        .spawn(move || {
            reader.run();
            drop(running);
        })
        .map_err(|error| PlatformError::NoThread {
            problem: error.to_string(),
        })?;
    Ok(ReceiverStream::new(queue).boxed())
}

struct Reader {
    log: Arc<Log>,
    topic: Arc<Topic>,
    partition: u32,
    /// The next offset to be read.
    position: i64,
    chain: Option<Chain>,
    outputs: mpsc::Sender<Result<OutputBatch, PlatformError>>,
    closing: CancellationToken,
    runtime: Handle,
}

impl Reader {
    fn run(mut self) {
        if let Err(error) = self.read_on() {
            // Nobody listens any more when this fails, and then nobody needs the error.
            let _gone = self.outputs.blocking_send(Err(error));
        }
    }

    fn read_on(&mut self) -> Result<(), PlatformError> {
        let mut end = self.topic.partition(self.partition)?.watch_end();
        // A chain is given its first batch whole; afterwards batches must follow on each other.
        let mut first = true;
        while self.has_more(&mut end) {
            let batches = self
                .log
                .batches_from(&self.topic, self.partition, self.position)?;
            if batches.is_empty() {
                let problem = "the log ends after it, and has nothing there".into();
                return Err(self.damaged(self.position, problem));
            }
            for batch in batches {
                self.log.fault("log/read")?;
                if !first && batch.base_offset != self.position {
                    return Err(self.damaged(
                        self.position,
                        format!("the next batch starts at {}", batch.base_offset),
                    ));
                }
                first = false;
                let records = batch
                    .records()
                    .map_err(|problem| self.damaged(batch.base_offset, problem))?;
                let outputs = match &mut self.chain {
                    Some(chain) => chain.process(&batch, records)?,
                    None => self.outputs(&batch, records.into())?,
                };
                self.position = batch.end();
                if !outputs.is_empty() && self.outputs.blocking_send(Ok(outputs)).is_err() {
                    return Ok(());
                }
                if self.closing.is_cancelled() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Waits until there is something to be read; or nobody to read it.
    fn has_more(&self, end: &mut watch::Receiver<i64>) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                more = end.wait_for(|end| *end > self.position) => more.is_ok(),
                () = self.outputs.closed() => false,
                () = self.closing.cancelled() => false,
            }
        })
    }

    fn outputs(&self, batch: &StoredBatch, records: Bytes) -> Result<OutputBatch, PlatformError> {
        let damaged =
            |error: domain::BatchError| self.damaged(batch.base_offset, error.to_string());
        let reader = RecordReader::new(&records).map_err(damaged)?;
        let mut outputs = Vec::with_capacity(reader.remaining() as usize);
        for record in reader {
            let record = record.map_err(damaged)?;
            let offset = batch.base_offset + record.offset_delta;
            if offset >= self.position {
                outputs.push(Output {
                    offset,
                    key: record.key.map(|key| records.slice_ref(key)),
                    value: records.slice_ref(record.value),
                    timestamp: batch.timestamp + record.timestamp_delta,
                });
            }
        }
        Ok(outputs)
    }

    fn damaged(&self, offset: i64, problem: String) -> PlatformError {
        PlatformError::Damaged {
            topic: self.topic.name().to_owned(),
            partition: self.partition,
            offset,
            problem,
        }
    }
}

impl Chain {
    fn process(
        &mut self,
        batch: &StoredBatch,
        records: Vec<u8>,
    ) -> Result<OutputBatch, PlatformError> {
        let input = SmartModuleInput::new(records, batch.base_offset, batch.timestamp);
        let failed = |problem: String| PlatformError::Module {
            module: self.name.clone(),
            problem,
        };
        let output = self
            .instance
            .process(input)
            .map_err(|error| failed(format!("at offset {}: {error:#}", batch.base_offset)))?;
        if let Some(error) = output.error {
            return Err(failed(error.to_string().trim().to_owned()));
        }
        Ok(output
            .successes
            .into_iter()
            .map(|record| Output {
                offset: batch.base_offset + record.preamble.offset_delta(),
                timestamp: batch.timestamp + record.timestamp_delta(),
                key: record.key.map(|key| Bytes::clone(&key)),
                value: Bytes::clone(&record.value),
            })
            .collect())
    }
}
