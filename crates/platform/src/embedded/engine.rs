//! The engine: runs chains of SmartModules on wasmtime, as an SPU does.
//!
//! The binary interface is Fluvio's (`fluvio-smartengine` 0.50): a module exports `memory`, `alloc`, at
//! most one `init`, and one entry, whose name is its kind; it imports `copy_records`. The engine asks
//! `alloc` for room, writes the encoded input there and calls the entry with pointer, length and version.
//! The module says by `copy_records` where its encoded output lies, and returns how many records that is,
//! or a negative status. What the next module of a chain gets is the records of the one before.
//!
//! Differences from an SPU: batches are written straight into the module's memory, compiled modules are kept on disk,
//! and nothing is metered, because a stream that is no longer read interrupts its module. There is no WASI, which no
//! SmartModule of `wasm32-unknown-unknown` uses, and no `look_back`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ballot::{Params, passed_params};
use bytes::Bytes;
use fluvio_smartmodule::dataplane::core::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::{
    SMARTMODULE_TIMESTAMPS_VERSION, SmartModuleExtraParams, SmartModuleInitErrorStatus,
    SmartModuleInitInput, SmartModuleInitOutput, SmartModuleTransformErrorStatus,
    SmartModuleTransformRuntimeError,
};
use tokio_util::sync::CancellationToken;
use wasmtime::{
    Cache, CacheConfig, Caller, Config, Instance, Linker, Memory, Module, Store, StoreLimits,
    StoreLimitsBuilder, Trap, TypedFunc, UpdateDeadline,
};
use wire::RecordReader;

/// The memory limit of a module in bytes, as on an SPU (`DEFAULT_STORE_MEMORY_LIMIT` in `fluvio-smartengine`).
pub const MEMORY_LIMIT: usize = 1_000_000_000;

/// The version of the encoding between engine and module.
const VERSION: i16 = SMARTMODULE_TIMESTAMPS_VERSION;

/// The exports that tell a module's kind, in the order in which an SPU looks for them.
const KINDS: [&str; 5] = ["filter", "map", "filter_map", "array_map", AGGREGATE];
/// The kind that takes an accumulator and returns it.
const AGGREGATE: &str = "aggregate";

/// The part of an input before its records: base offset (`i64`) and their length (`u32`), big endian.
const HEAD_BYTES: usize = size_of::<i64>() + size_of::<u32>();
/// The part of an input after its records: no parameters (`u16`), no look-back (`u8`), no joined record
/// (`u32`), and the base timestamp (`i64`).
const TAIL_BYTES: usize = size_of::<u16>() + size_of::<u8>() + size_of::<u32>() + size_of::<i64>();

/// Epochs after which a running module checks whether it is still wanted.
const EPOCHS: u64 = 1;

/// Why a chain cannot be built, or has failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine cannot run here.
    #[error("cannot start the engine for SmartModules: {0}")]
    Setup(String),
    /// The bytes are not a SmartModule.
    #[error("not a SmartModule: {0}")]
    NotASmartModule(String),
    /// The module refused its parameters.
    #[error("{0}")]
    Parameters(String),
    /// The module reported an error about a record.
    #[error("{0}")]
    Record(String),
    /// The module failed: a trap, no memory left, output that cannot be read.
    #[error("at offset {offset}: {problem}")]
    Call {
        /// The base offset of the batch.
        offset: i64,
        /// The problem.
        problem: String,
    },
    /// The batch could not be read.
    #[error("{0}")]
    Batch(String),
}

/// Settings of an engine.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Bytes of memory that each module may take.
    pub memory_limit: usize,
    /// The directory of compiled modules, if they are kept.
    pub compiled: Option<PathBuf>,
    /// Whether instructions are counted ([`Chain::fuel_used`]), for tests: it takes time.
    pub metered: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        EngineSettings {
            memory_limit: MEMORY_LIMIT,
            compiled: None,
            metered: false,
        }
    }
}

/// Compiles modules and builds chains of them. Clones share it.
#[derive(Clone)]
pub struct Engine {
    engine: wasmtime::Engine,
    settings: Arc<EngineSettings>,
    /// The compiled modules on disk, if they are kept.
    cache: Option<Arc<Cache>>,
    /// The compiled modules in memory, by their WebAssembly. Each has a lock of its own, so that streams that start
    /// together compile it once.
    modules: Arc<Mutex<HashMap<Vec<u8>, CompiledModule>>>,
}

/// A module, once it is compiled.
type CompiledModule = Arc<Mutex<Option<Module>>>;

/// A batch for a chain.
pub struct Batch<'a> {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The time of its first record, in milliseconds since 1970.
    pub timestamp: i64,
    /// The length of its encoded records, in bytes.
    pub length: usize,
    /// Writes the encoded records into exactly so many bytes, or returns the problem.
    pub write: &'a dyn Fn(&mut [u8]) -> Result<(), String>,
}

/// Modules in a row, each with its state, for one thread.
pub struct Chain {
    store: Store<Host>,
    links: Vec<Link>,
}

/// What the modules of a chain can reach.
struct Host {
    limits: StoreLimits,
    /// Pointer and length of the last output.
    output: Option<(u32, u32)>,
}

/// One module of a chain.
struct Link {
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    entry: Call,
    /// The accumulator of an `aggregate`; `None` for any other kind.
    accumulator: Option<Vec<u8>>,
}

/// An entry: pointer, length and version of an input, to a number of records or a negative status.
type Call = TypedFunc<(u32, u32, u32), i32>;

impl Engine {
    /// Sets an engine up.
    ///
    /// # Errors
    /// When wasmtime does not support this machine, or the directory of compiled modules cannot be used.
    pub fn new(settings: EngineSettings) -> Result<Engine, EngineError> {
        let failed = |error: wasmtime::Error| EngineError::Setup(format!("{error:#}"));
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.consume_fuel(settings.metered);
        let cache = settings.compiled.as_ref().map(|directory| {
            let mut cache = CacheConfig::new();
            cache.with_directory(directory);
            Cache::new(cache)
        });
        let cache = cache.transpose().map_err(failed)?;
        config.cache(cache.clone());
        Ok(Engine {
            engine: wasmtime::Engine::new(&config).map_err(failed)?,
            settings: Arc::new(settings),
            cache: cache.map(Arc::new),
            modules: Arc::default(),
        })
    }

    /// Compiles the modules and initialises each with its parameters. When `unwanted` is cancelled and
    /// [`Engine::interrupt`] called, a running module ends with an error.
    ///
    /// # Errors
    /// When one is not a SmartModule, or refuses its parameters.
    pub fn chain(
        &self,
        modules: &[(Vec<u8>, Params)],
        unwanted: CancellationToken,
    ) -> Result<Chain, EngineError> {
        let host = Host {
            limits: StoreLimitsBuilder::new()
                .memory_size(self.settings.memory_limit)
                .trap_on_grow_failure(true)
                .build(),
            output: None,
        };
        let mut store = Store::new(&self.engine, host);
        store.limiter(|host| &mut host.limits);
        store.set_epoch_deadline(EPOCHS);
        store.epoch_deadline_callback(move |_| match unwanted.is_cancelled() {
            true => Err(wasmtime::format_err!("nobody reads the stream any more")),
            false => Ok(UpdateDeadline::Continue(EPOCHS)),
        });
        let mut chain = Chain {
            store,
            links: Vec::with_capacity(modules.len()),
        };
        if self.settings.metered {
            chain.refuel();
        }
        for (wasm, params) in modules {
            chain.add(&self.module(wasm)?, params)?;
        }
        Ok(chain)
    }

    fn module(&self, wasm: &[u8]) -> Result<Module, EngineError> {
        let module = {
            let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
            modules.entry(wasm.to_vec()).or_default().clone()
        };
        let mut module = module.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(compiled) = &*module {
            return Ok(compiled.clone());
        }
        let compiled = Module::new(&self.engine, wasm).map_err(not_one)?;
        Ok(module.insert(compiled).clone())
    }

    /// How many modules were compiled because they were not on disk; zero if none are kept.
    pub fn compiled(&self) -> usize {
        self.cache.as_deref().map_or(0, Cache::cache_misses)
    }

    /// Makes every running module check whether it is still wanted.
    pub fn interrupt(&self) {
        self.engine.increment_epoch();
    }
}

fn not_one(error: wasmtime::Error) -> EngineError {
    EngineError::NotASmartModule(in_one_line(&error))
}

impl Chain {
    fn add(&mut self, module: &Module, params: &Params) -> Result<(), EngineError> {
        let missing = |what: &str| EngineError::NotASmartModule(format!("it has no {what}"));
        let mut linker = Linker::new(module.engine());
        let import = module
            .imports()
            .find(|import| import.name() == "copy_records")
            .ok_or_else(|| missing("import `copy_records`"))?;
        linker
            .func_wrap(
                import.module(),
                import.name(),
                |mut caller: Caller<'_, Host>, ptr: u32, len: u32| {
                    caller.data_mut().output = Some((ptr, len));
                },
            )
            .map_err(not_one)?;
        let store = &mut self.store;
        let instance = linker.instantiate(&mut *store, module).map_err(not_one)?;
        let memory = instance
            .get_memory(&mut *store, "memory")
            .ok_or_else(|| missing("memory"))?;
        let alloc = instance
            .get_typed_func(&mut *store, "alloc")
            .map_err(not_one)?;
        let kind = KINDS
            .into_iter()
            .find(|kind| instance.get_func(&mut *store, kind).is_some())
            .ok_or_else(|| missing("entry; is it of another kind than those of SmartModules?"))?;
        let link = Link {
            memory,
            alloc,
            entry: instance
                .get_typed_func(&mut *store, kind)
                .map_err(not_one)?,
            accumulator: (kind == AGGREGATE).then(Vec::new),
        };
        link.initialise(store, &instance, params)?;
        self.links.push(link);
        Ok(())
    }

    /// Puts a batch through the chain and returns the resulting records in Fluvio's encoding.
    ///
    /// # Errors
    /// When the batch cannot be read, a module fails, or one reports an error about a record. The chain cannot be used
    /// any more then.
    pub fn process(&mut self, batch: &Batch<'_>) -> Result<Bytes, EngineError> {
        let mut records = Vec::new();
        for (number, link) in self.links.iter_mut().enumerate() {
            let given = std::mem::take(&mut records);
            let passed_on = Batch {
                length: given.len(),
                write: &|room| {
                    room.copy_from_slice(&given);
                    Ok(())
                },
                ..*batch
            };
            let batch = if number == 0 { batch } else { &passed_on };
            records = link.process(&mut self.store, batch)?;
        }
        Ok(records.into())
    }

    /// About how many instructions were run so far; zero if they are not counted.
    pub fn fuel_used(&self) -> u64 {
        self.store.get_fuel().map_or(0, |left| u64::MAX - left)
    }

    fn refuel(&mut self) {
        // It fails only in an engine that does not count, for which this is not called.
        let _counting = self.store.set_fuel(u64::MAX);
    }
}

impl Link {
    fn initialise(
        &self,
        store: &mut Store<Host>,
        instance: &Instance,
        params: &Params,
    ) -> Result<(), EngineError> {
        let refused = |problem: String| EngineError::Parameters(problem.trim().to_owned());
        if instance.get_func(&mut *store, "init").is_none() {
            return Ok(());
        }
        let init: Call = instance
            .get_typed_func(&mut *store, "init")
            .map_err(|error| EngineError::NotASmartModule(in_one_line(&error)))?;
        let mut input = Vec::new();
        SmartModuleInitInput {
            params: SmartModuleExtraParams::from(passed_params(params)),
        }
        .encode(&mut input, VERSION)
        .map_err(|error| refused(error.to_string()))?;
        let (ptr, room) = self.room(store, input.len()).map_err(refused)?;
        room.copy_from_slice(&input);
        let status = self.call(store, &init, ptr, input.len()).map_err(refused)?;
        if status >= 0 {
            return Ok(());
        }
        let status = SmartModuleInitErrorStatus::try_from(status).unwrap_or_default();
        if status != SmartModuleInitErrorStatus::InitError {
            return Err(refused(status.to_string()));
        }
        let mut output = self.output(store).map_err(refused)?;
        let output = SmartModuleInitOutput::decode_from(&mut output, VERSION)
            .map_err(|error| refused(error.to_string()))?;
        Err(refused(output.error.to_string()))
    }

    fn process(
        &mut self,
        store: &mut Store<Host>,
        batch: &Batch<'_>,
    ) -> Result<Vec<u8>, EngineError> {
        let failed = |problem: String| EngineError::Call {
            offset: batch.base_offset,
            problem,
        };
        let accumulator = self.accumulator.as_ref();
        let accumulator = accumulator.map_or(0, |bytes| size_of::<u32>() + bytes.len());
        let length = HEAD_BYTES + batch.length + TAIL_BYTES + accumulator;
        let (ptr, room) = self.room(store, length).map_err(failed)?;
        let (head, room) = room.split_at_mut(HEAD_BYTES);
        let (records, mut tail) = room.split_at_mut(batch.length);
        head[..8].copy_from_slice(&batch.base_offset.to_be_bytes());
        // Cast: a module's memory has no more than 2^32 bytes, and `room` was in it.
        head[8..].copy_from_slice(&(batch.length as u32).to_be_bytes());
        (batch.write)(records).map_err(EngineError::Batch)?;
        tail[..TAIL_BYTES - 8].fill(0);
        tail[TAIL_BYTES - 8..TAIL_BYTES].copy_from_slice(&batch.timestamp.to_be_bytes());
        if let Some(accumulator) = &self.accumulator {
            tail = &mut tail[TAIL_BYTES..];
            tail[..4].copy_from_slice(&(accumulator.len() as u32).to_be_bytes());
            tail[4..].copy_from_slice(accumulator);
        }

        let status = self.call(store, &self.entry, ptr, length).map_err(failed)?;
        if status < 0 {
            let status = SmartModuleTransformErrorStatus::try_from(status).unwrap_or_default();
            return Err(failed(status.to_string()));
        }
        let output = self.output(store).map_err(failed)?;
        let end = end_of_records(output).map_err(failed)?;
        let (records, mut rest) = output.split_at(end);
        let error = Option::<SmartModuleTransformRuntimeError>::decode_from(&mut rest, VERSION)
            .map_err(|error| failed(format!("its output cannot be read: {error}")))?;
        if let Some(error) = error {
            return Err(EngineError::Record(error.to_string().trim().to_owned()));
        }
        let records = records.to_vec();
        if let Some(accumulator) = &mut self.accumulator {
            *accumulator = rest
                .split_at_checked(size_of::<u32>())
                .map(|(_, accumulator)| accumulator.to_vec())
                .ok_or_else(|| failed("its output has no accumulator".into()))?;
        }
        Ok(records)
    }

    /// Allocates so many bytes in the module's memory.
    fn room<'a>(
        &self,
        store: &'a mut Store<Host>,
        length: usize,
    ) -> Result<(u32, &'a mut [u8]), String> {
        let length = u32::try_from(length).map_err(|_| "a batch larger than 4 GiB".to_owned())?;
        let ptr = self
            .alloc
            .call(&mut *store, length)
            .map_err(|error| in_one_line(&error))?;
        let place = ptr as usize..ptr as usize + length as usize;
        let room = self.memory.data_mut(store).get_mut(place);
        let room = room.ok_or("`alloc` gave room outside of the module's memory")?;
        Ok((ptr, room))
    }

    fn call(
        &self,
        store: &mut Store<Host>,
        entry: &Call,
        ptr: u32,
        length: usize,
    ) -> Result<i32, String> {
        store.data_mut().output = None;
        entry
            .call(store, (ptr, length as u32, VERSION as u32))
            .map_err(|error| in_one_line(&error))
    }

    /// The output of the last call.
    fn output<'a>(&self, store: &'a Store<Host>) -> Result<&'a [u8], String> {
        let (ptr, len) = store.data().output.ok_or("it returned without an output")?;
        let place = ptr as usize..ptr as usize + len as usize;
        let output = self.memory.data(store).get(place);
        output.ok_or_else(|| "its output is outside of its memory".into())
    }
}

/// The position in an output where the records end and the error begins.
fn end_of_records(output: &[u8]) -> Result<usize, String> {
    let unreadable = |error: wire::BatchError| format!("its output cannot be read: {error}");
    let mut records = RecordReader::new(output).map_err(unreadable)?;
    for record in &mut records {
        record.map_err(unreadable)?;
    }
    Ok(records.position())
}

/// An error of wasmtime in one line: for a trap its name, without the backtrace.
fn in_one_line(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}
