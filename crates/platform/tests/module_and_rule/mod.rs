//! The compiled `vote-tally` in the engine beside the rule it is compiled from, given the same batches. The fuzzer uses this file,
//! too.

use std::sync::LazyLock;

use ballot::{Delta, HashSeed, Params, Partition, PartitionCounter, Rules};
use election_platform::embedded::engine::{Batch, Chain, Engine, EngineError, EngineSettings};
use smartmodules::VOTE_TALLY;
use tokio_util::sync::CancellationToken;
use wire::RecordReader;

/// The rules of one of two partitions, with two candidates.
pub fn rules() -> Rules {
    let params = Params::from([("candidates".into(), r#"["a","b"]"#.into())]);
    let rules = Rules::from_params(&params).unwrap();
    let partition = Partition { number: 0, of: 2 };
    rules.in_partition(partition).seeded(HashSeed::random())
}

/// `vote-tally` in the engine, which counts instructions.
pub fn chain(rules: &Rules) -> Chain {
    // It keeps the compiled module.
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let settings = EngineSettings {
            metered: true,
            ..EngineSettings::default()
        };
        Engine::new(settings).unwrap()
    });
    let modules = [(VOTE_TALLY.wasm.to_vec(), rules.to_params())];
    ENGINE.chain(&modules, CancellationToken::new()).unwrap()
}

/// What the module puts out for a batch; `None` when it ends the stream.
pub fn tally(chain: &mut Chain, base_offset: i64, records: &[u8]) -> Option<Delta> {
    let outputs = chain.process(&Batch {
        base_offset,
        timestamp: 0,
        length: records.len(),
        write: &|room| {
            room.copy_from_slice(records);
            Ok(())
        },
    });
    let outputs = match outputs {
        Ok(outputs) => outputs,
        Err(EngineError::Record(_)) => return None,
        Err(error) => panic!("a module that fails: {error}"),
    };
    let output = RecordReader::new(&outputs)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let mut delta: Delta = serde_json::from_slice(output.value).unwrap();
    delta.memory_bytes = 0;
    Some(delta)
}

/// The module and the rule, which have seen the same batches.
pub struct ModuleAndRule {
    chain: Chain,
    counter: PartitionCounter,
    next_offset: i64,
}

impl ModuleAndRule {
    pub fn new() -> ModuleAndRule {
        let rules = rules();
        ModuleAndRule {
            chain: chain(&rules),
            counter: PartitionCounter::new(rules),
            next_offset: 0,
        }
    }

    /// Gives both the next batch.
    ///
    /// # Panics
    /// When they do not say the same, or an offset is neither counted nor rejected.
    pub fn check(&mut self, records: &[u8]) {
        let base_offset = self.next_offset;
        let expected = RecordReader::new(records).ok().and_then(|reader| {
            let claimed = reader.remaining();
            self.counter.count_batch(base_offset, claimed, reader).ok()
        });
        let found = tally(&mut self.chain, base_offset, records);
        assert_eq!(&found, &expected);
        if let Some(delta) = found {
            let offsets = (delta.next_offset - base_offset) as u64;
            assert_eq!(delta.tally.cast(), offsets);
            delta.tally.demand_balanced().unwrap();
            // Offsets go on, as long as a log's could.
            self.next_offset = delta.next_offset % (1 << 40);
        } else {
            // It said so, and the stream is over.
            *self = ModuleAndRule::new();
        }
    }
}
