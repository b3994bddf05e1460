//! The engine's side of the module: the one place with `unsafe`.
//!
//! `fluvio-smartengine` 0.50 looks up an export `array_map(ptr, len, version) -> i32`, gives it an
//! encoded `SmartModuleInput` (in memory it asked `alloc` for), and expects an encoded
//! `SmartModuleOutput` through the import `copy_records`; it returns the number of records, or a
//! negative status. `#[smartmodule(array_map)]` generates such a function, but one that decodes the
//! batch byte by byte and calls back for each record.

use fluvio_smartmodule::Record;
use fluvio_smartmodule::dataplane::core::Encoder;
use fluvio_smartmodule::dataplane::smartmodule::{
    SmartModuleKind, SmartModuleOutput, SmartModuleTransformErrorStatus,
    SmartModuleTransformRuntimeError,
};

unsafe extern "C" {
    /// Provided by the engine: copies `len` bytes at `ptr` out of the module's memory.
    fn copy_records(ptr: i32, len: i32);
}

/// Size of a page of WebAssembly memory, by its specification.
const PAGE_BYTES: u64 = 65_536;

/// Memory the module has taken so far. It never shrinks.
pub(crate) fn memory_bytes() -> u64 {
    core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES
}

/// The engine's entry: one whole batch in, one delta out.
///
/// # Safety
/// `ptr` and `len` must be a buffer that the engine got from `alloc(len)` and filled, and gives up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn array_map(ptr: *mut u8, len: usize, version: u32) -> i32 {
    // SAFETY: `alloc` made the buffer as a Vec of exactly this capacity and forgot it.
    let input = unsafe { Vec::from_raw_parts(ptr, len, len) };
    let Some((base_offset, records)) = split_input(&input) else {
        return SmartModuleTransformErrorStatus::DecodingBaseInput as i32;
    };
    let output = match crate::tally_batch(base_offset, records) {
        Ok(delta) => SmartModuleOutput::new(vec![Record::new(delta)]),
        Err(error) => SmartModuleOutput::with_error(
            Vec::new(),
            Some(SmartModuleTransformRuntimeError::new(
                &Record::default(),
                base_offset,
                SmartModuleKind::ArrayMap,
                error,
            )),
        ),
    };
    let mut encoded = Vec::new();
    if output.encode(&mut encoded, version as i16).is_err() {
        return SmartModuleTransformErrorStatus::EncodingOutput as i32;
    }
    let (ptr, len) = keep_until_next_call(encoded);
    // SAFETY: the engine only notes pointer and length, and reads them when this function has
    // returned; the bytes stay where they are until the next call.
    unsafe { copy_records(ptr as i32, len as i32) };
    output.successes.len() as i32
}

/// The base offset and the raw records of an encoded `SmartModuleInput`: `i64` offset, `u32` length,
/// records; what follows is of no use here.
fn split_input(input: &[u8]) -> Option<(i64, &[u8])> {
    let (base_offset, rest) = input.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let records = rest.get(..u32::from_be_bytes(*len) as usize)?;
    Some((i64::from_be_bytes(*base_offset), records))
}

/// Keeps the output alive until the next call: the engine reads it after `array_map` has returned.
fn keep_until_next_call(output: Vec<u8>) -> (*const u8, usize) {
    use std::sync::Mutex;
    static LAST_OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    let place = (output.as_ptr(), output.len());
    match LAST_OUTPUT.lock() {
        Ok(mut last) => *last = output,
        Err(poisoned) => *poisoned.into_inner() = output,
    }
    place
}
