//! The inputs that fuzzing has kept (`fuzz/corpus`).

use std::path::Path;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");

/// Checks every input that is kept for a fuzz target.
#[track_caller]
pub fn for_each_kept_input(target: &str, check: fn(&[u8])) {
    let directory = Path::new(CORPUS).join(target);
    let mut files = 0;
    for file in std::fs::read_dir(&directory).unwrap() {
        check(&std::fs::read(file.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "{} is empty", directory.display());
}
