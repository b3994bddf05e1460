//! What holds for votes with any bytes in them. Fuzzing looks for counterexamples
//! (see fuzz/README.md), and a test checks those in its corpus.

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
    use testing::for_each_kept_input;

    use super::*;

    #[test]
    fn the_corpus_holds() {
        for_each_kept_input("votes", votes);
    }
}
