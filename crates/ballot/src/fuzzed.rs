//! What holds for votes with any bytes in them. Fuzzing looks for some for which it does not
//! (see fuzz/README.md), and a test goes through those that fuzzing has kept.

use crate::scan::scan;
use crate::{Group, GroupPaths, ParsedVote, VoteReader};

/// Between two votes of an input: no byte of a vote that is read fast.
const NEXT_VOTE: u8 = 0;

/// Votes are read fast as they are read slowly, whatever was read before them.
///
/// # Panics
/// When that is not so.
pub fn votes(bytes: &[u8]) {
    let paths = GroupPaths::of(&Group::tutorial());
    let mut reader = VoteReader::new(paths.clone());
    for vote in bytes.split(|&byte| byte == NEXT_VOTE) {
        let slowly = ParsedVote::parse_json(vote, &paths);
        assert_eq!(reader.read(vote), slowly, "by the layout of another vote");
        assert_eq!(ParsedVote::parse(vote, &paths), slowly, "by itself");
        if let Some(scanned) = scan(vote, &paths) {
            assert_eq!(Ok(scanned), slowly, "by the scanner");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn kept(target: &str, check: fn(&[u8])) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../fuzz/corpus")
            .join(target);
        let mut files = 0;
        for file in std::fs::read_dir(&directory).unwrap() {
            check(&std::fs::read(file.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "there is nothing in {}", directory.display());
    }

    #[test]
    fn what_fuzzing_has_kept_still_holds() {
        kept("votes", votes);
    }
}
