//! How the SmartModules speak with Fluvio's engine.
//!
//! The engine (`fluvio-smartengine` 0.50) finds out what kind a module is by the name of the function
//! it exports (`filter_map`, `map`, `array_map`, `aggregate`), hands it a batch, and takes back
//! any number of records. `#[smartmodule(…)]` generates such functions, but they forget their output
//! (`mem::forget`, for the engine to read when they have returned) and nobody ever frees it: after a
//! million votes or so the engine's limit of memory ends the stream. They also decode and encode a
//! batch byte by byte. So the functions here are our own: [`export!`] makes one of a closure that is
//! given a [`Call`].
//!
//! `unsafe` is in [`mod@engine`] and in what [`export!`] writes, and nowhere else.

#![cfg(target_arch = "wasm32")]
#![deny(missing_docs)]

mod call;
mod engine;
mod replay;

pub use ballot::RecordRef;
pub use call::{Call, Outputs, Status};
#[doc(hidden)]
pub use engine::answer;
pub use engine::memory_bytes;
pub use fluvio_smartmodule::dataplane::smartmodule::SmartModuleKind as Kind;

/// Exports a function under the name by which the engine knows a module's kind. The second argument
/// is a closure from [`Call`] to what the call's methods return.
#[macro_export]
macro_rules! export {
    ($kind:ident, $answer:expr) => {
        /// The engine's entry.
        ///
        /// # Safety
        /// `ptr` and `len` must be a buffer that the engine got from `alloc(len)`, filled, and gives
        /// up.
        // SAFETY: a module is of one kind, so nothing else in it has this name.
        #[allow(unsafe_code, reason = "the engine looks the entry up by name")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $kind(ptr: *mut u8, len: usize, version: u32) -> i32 {
            // SAFETY: the same is asked of who calls this.
            unsafe { $crate::answer(ptr, len, version, $answer) }
        }
    };
}
