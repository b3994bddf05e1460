//! SmartModules that fail, in WebAssembly by hand: nothing that Rust makes traps when it is wanted.

/// Exports of every SmartModule, and bodies of its two functions.
fn module(array_map: &[u8]) -> Vec<u8> {
    let alloc: &[u8] = &[0x41, 0x80, 0x08, 0x0b]; // i32.const 1024
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    // (i32) -> i32, (i32, i32, i32) -> i32
    section(
        &mut wasm,
        1,
        &[
            2, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f,
        ],
    );
    section(&mut wasm, 3, &[2, 0, 1]);
    // Pages of 64 KiB: room for a batch.
    section(&mut wasm, 5, &[1, 0, 64]);
    let mut exports = vec![3];
    for (name, kind, index) in [("memory", 2, 0), ("alloc", 0, 0), ("array_map", 0, 1)] {
        exports.push(name.len() as u8);
        exports.extend(name.as_bytes());
        exports.extend([kind, index]);
    }
    section(&mut wasm, 7, &exports);
    let mut code = vec![2];
    for body in [alloc, array_map] {
        code.push(body.len() as u8 + 1);
        code.push(0); // no locals
        code.extend(body);
    }
    section(&mut wasm, 10, &code);
    wasm
}

fn section(wasm: &mut Vec<u8>, id: u8, contents: &[u8]) {
    wasm.extend([id, contents.len() as u8]);
    wasm.extend(contents);
}

/// Traps at its first batch.
pub fn that_traps() -> Vec<u8> {
    module(&[0x00, 0x0b]) // unreachable
}

/// Takes memory until it gets none, and traps, as Rust's allocator does.
pub fn that_takes_all_memory() -> Vec<u8> {
    module(&[
        0x03, 0x40, // loop
        0x41, 0x80, 0x08, // i32.const 1024: pages
        0x40, 0x00, // memory.grow
        0x41, 0x7f, // i32.const -1
        0x47, 0x0d, 0x00, // i32.ne, br_if 0
        0x0b, 0x00, 0x0b, // end, unreachable
    ])
}
