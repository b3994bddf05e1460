//! The border to the engine: the one place with `unsafe`.
//!
//! The engine asks `alloc` (of `fluvio-smartmodule`) for memory, writes the encoded input there and
//! calls the module. The module says by the import `copy_records` where its encoded output lies, and
//! returns how many records that is, or a negative status. The engine reads the output only then, and
//! never says that it has: so it is kept until the next call, in a buffer that the next call uses again.

#![allow(unsafe_code, reason = "the engine hands over memory by address")]

use std::sync::{Mutex, PoisonError};

use crate::call::{Call, Status};

// SAFETY: the engine links a function of this name and type into every module (`wasmtime/instance.rs`
// of `fluvio-smartengine`), or does not load the module.
unsafe extern "C" {
    /// Provided by the engine: notes where `len` bytes of output lie.
    fn copy_records(ptr: i32, len: i32);
}

/// Size of a page of WebAssembly memory, by its specification.
const PAGE_BYTES: u64 = 65_536;

/// The output of the last call. The engine runs one instance on one thread; the mutex is what safe
/// Rust asks of a `static`, and is never contended.
static OUTPUT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Memory the module has taken so far. It never shrinks.
pub fn memory_bytes() -> u64 {
    core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES
}

/// Answers one call of the engine's.
///
/// # Safety
/// `ptr` and `len` must be a buffer that the engine got from `alloc(len)`, filled, and gives up.
pub unsafe fn answer(
    ptr: *mut u8,
    len: usize,
    version: u32,
    answer: impl FnOnce(Call<'_>) -> Result<u32, Status>,
) -> i32 {
    // SAFETY: `alloc` made the buffer as a Vec of exactly this capacity and forgot it.
    let input = unsafe { Vec::from_raw_parts(ptr, len, len) };
    let mut output = OUTPUT.lock().unwrap_or_else(PoisonError::into_inner);
    match answer(Call::new(&input, version as i16, &mut output)) {
        Ok(records) => {
            // SAFETY: the engine only notes pointer and length, and reads them when the module has
            // returned; the bytes stay where they are until the next call.
            unsafe { copy_records(output.as_ptr() as i32, output.len() as i32) };
            records as i32
        }
        Err(status) => status as i32,
    }
}
