//! SmartModules that fail, written by hand: nothing that Rust makes traps when it is wanted.

/// A SmartModule whose `array_map` has this body.
fn module(array_map: &str) -> Vec<u8> {
    // Memory of 64 pages, 4 MiB: room for a batch.
    let text = format!(
        r#"(module
            (import "env" "copy_records" (func (param i32 i32)))
            (memory (export "memory") 64)
            (func (export "alloc") (param i32) (result i32) i32.const 1024)
            (func (export "array_map") (param i32 i32 i32) (result i32) {array_map}))"#
    );
    wat::parse_str(text).expect("invariant: the module is written correctly")
}

/// Traps at its first batch.
pub fn that_traps() -> Vec<u8> {
    module("unreachable")
}

/// Takes memory until it gets none, and traps, as Rust's allocator does.
pub fn that_takes_all_memory() -> Vec<u8> {
    module(
        "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1024)) (i32.const -1))))
        unreachable",
    )
}
