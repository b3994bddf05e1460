//! Streaming a partition through a chain of SmartModules: each stream has a thread, which reads the log, runs the
//! engine and puts outputs into a bounded queue.

use std::sync::Arc;

use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::engine::{self, Engine, EngineError};
use super::entry::StoredBatch;
use super::log::{Log, Topic};
use crate::outputs::{LogBatch, outputs_of};
use crate::port::chain_name;
use crate::{ModuleCall, OutputBatch, OutputStream, PlatformError, StreamRequest};

/// How many output batches a stream may be ahead of its reader.
const STREAM_QUEUE: usize = 4;

/// A chain and its name in errors.
pub(super) struct NamedChain {
    name: String,
    chain: engine::Chain,
}

/// Compiles and initialises the modules of a chain, which runs until `unwanted` is cancelled.
pub(super) fn build_chain(
    log: &Log,
    engine: &Engine,
    modules: Vec<ModuleCall>,
    unwanted: CancellationToken,
) -> Result<NamedChain, PlatformError> {
    let name = chain_name(&modules);
    let mut deployed = Vec::with_capacity(modules.len());
    for ModuleCall { module, params } in modules {
        let Some(wasm) = log.module(&module)? else {
            return Err(PlatformError::NoModule { module });
        };
        deployed.push((wasm, params));
    }
    match engine.chain(&deployed, unwanted) {
        Ok(chain) => Ok(NamedChain { name, chain }),
        Err(error) => Err(PlatformError::Module {
            module: name,
            problem: error.to_string(),
        }),
    }
}

/// Starts the stream's thread. It ends when the stream is dropped, when the platform closes, or with
/// an error, which is the stream's last item.
///
/// It is not one of the runtime's blocking threads: those are limited, and a stream would keep one for good.
///
/// # Errors
/// When the system cannot start a thread.
pub(super) fn start(
    log: Arc<Log>,
    topic: Arc<Topic>,
    request: StreamRequest,
    chain: Option<NamedChain>,
    engine: Engine,
    streams: &TaskTracker,
    unwanted: CancellationToken,
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
        unwanted: unwanted.clone(),
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
    let interrupt = InterruptOnDrop { engine, unwanted };
    let outputs = ReceiverStream::new(queue).inspect(move |_| {
        let _lives_as_long_as_the_stream = &interrupt;
    });
    Ok(outputs.boxed())
}

/// Ends a stream when its reader drops it, even if a module does not return.
struct InterruptOnDrop {
    engine: Engine,
    unwanted: CancellationToken,
}

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.unwanted.cancel();
        self.engine.interrupt();
    }
}

struct Reader {
    log: Arc<Log>,
    topic: Arc<Topic>,
    partition: u32,
    /// The next offset to be read.
    position: i64,
    chain: Option<NamedChain>,
    outputs: mpsc::Sender<Result<OutputBatch, PlatformError>>,
    unwanted: CancellationToken,
    runtime: Handle,
}

impl Reader {
    fn run(mut self) {
        if let Err(error) = self.read_on() {
            // It fails when the reader is gone, who then needs no error.
            let _gone = self.outputs.blocking_send(Err(error));
        }
    }

    fn read_on(&mut self) -> Result<(), PlatformError> {
        let mut end = self.topic.partition(self.partition)?.watch_end();
        // The first batch may begin before the position; after it, batches must be contiguous.
        let mut first = true;
        while self.has_more(&mut end) {
            let batches = self
                .log
                .batches_from(&self.topic, self.partition, self.position)?;
            if batches.is_empty() {
                let problem = "no batch holds it, though the log ends after it".into();
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
                let outputs = match self.outputs(&batch) {
                    // It was interrupted.
                    Err(_) if self.unwanted.is_cancelled() => return Ok(()),
                    outputs => outputs?,
                };
                self.position = batch.end();
                if !outputs.is_empty() && self.outputs.blocking_send(Ok(outputs)).is_err() {
                    return Ok(());
                }
                if self.unwanted.is_cancelled() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Waits for a record to read; false when nobody reads the stream any more.
    fn has_more(&self, end: &mut watch::Receiver<i64>) -> bool {
        self.runtime.block_on(async {
            tokio::select! {
                more = end.wait_for(|end| *end > self.position) => more.is_ok(),
                () = self.outputs.closed() => false,
                () = self.unwanted.cancelled() => false,
            }
        })
    }

    /// The outputs of the chain for a batch; without a chain, its records from the stream's position.
    fn outputs(&mut self, batch: &StoredBatch) -> Result<OutputBatch, PlatformError> {
        let damaged = |reader: &Reader, problem| reader.damaged(batch.base_offset, problem);
        let Some(NamedChain { name, chain }) = &mut self.chain else {
            let records = batch.records().map_err(|problem| damaged(self, problem))?;
            let batch = LogBatch {
                base_offset: batch.base_offset,
                offsets: batch.count(),
                time: batch.timestamp,
                records: Some(records),
            };
            return Ok(batch.outputs_from(self.position));
        };
        let records = batch
            .length()
            .map_err(EngineError::Batch)
            .and_then(|length| {
                chain.process(&engine::Batch {
                    base_offset: batch.base_offset,
                    timestamp: batch.timestamp,
                    length,
                    write: &|room| batch.write_records(room),
                })
            });
        let outputs = records.and_then(|records| {
            let base_offset = batch.base_offset;
            outputs_of(&records, base_offset, batch.timestamp).map_err(|error| EngineError::Call {
                offset: base_offset,
                problem: error.to_string(),
            })
        });
        let module = name.clone();
        outputs.map_err(|error| match error {
            EngineError::Batch(problem) => damaged(self, problem),
            error => PlatformError::Module {
                module,
                problem: error.to_string(),
            },
        })
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
