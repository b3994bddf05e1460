//! What holds for a manifest of any text. Fuzzing looks for counterexamples (see fuzz/README.md), and a test checks
//! those in its corpus.

use std::path::Path;

use ballot::Params;

use crate::{Manifest, ManifestError};

/// A manifest is refused with reasons and their places, or what it names is there.
///
/// # Panics
/// When that is not so.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Manifest::parse(text, Path::new("fluvio.toml")) {
        Err(ManifestError::Problems { problems, .. }) => {
            assert!(!problems.is_empty());
            let lines = text.matches('\n').count() + 1;
            for problem in problems {
                assert!((1..=lines).contains(&problem.line), "{problem}");
                let line = text.split('\n').nth(problem.line - 1).unwrap_or_default();
                let columns = line.chars().count() + 1;
                assert!((1..=columns).contains(&problem.column), "{problem}");
                assert!(!problem.text.is_empty());
            }
        }
        Err(error @ ManifestError::Read { .. }) => panic!("it was there already: {error}"),
        Err(error @ ManifestError::Definition { .. }) => panic!("it is no definition: {error}"),
        Ok(manifest) => {
            for name in manifest.chains.keys() {
                assert!(manifest.chain(name, &Params::new()).is_some(), "{name}");
            }
            for kafka in &manifest.kafka {
                let chain = kafka.chain.as_deref();
                assert!(chain.is_none_or(|chain| manifest.chains.contains_key(chain)));
            }
            for name in manifest.topics.keys() {
                assert!(manifest.topic(name).partitions > 0, "{name}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_holds() {
        testing::for_each_kept_input("manifest", manifest);
    }
}
