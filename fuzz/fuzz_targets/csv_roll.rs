#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| input_files::fuzzed::csv_roll(bytes));
