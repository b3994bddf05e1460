//! Which partition a voter's records belong to.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher;

/// The partition of `key` in a topic of `partitions` partitions: SipHash 2-4 of the key as a byte
/// slice, modulo, exactly as `fluvio` 0.50 does (`producer/partitioning.rs`). So the same voter is in
/// the same partition whichever client wrote it.
///
/// # Panics
/// Never for `partitions > 0`; no topic has none.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    let mut hasher = SipHasher::new();
    // As `key.hash` does where the client runs, on 64 bits; in WebAssembly it would write a length of four bytes.
    hasher.write_u64(key.len() as u64);
    hasher.write(key);
    (hasher.finish() % u64::from(partitions)) as u32
}

/// A partition, of how many: only the records of its own keys count in it. Fluvio lets a client write into any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 0.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// `0/4`, as it is passed to a SmartModule.
impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Partition {
    /// Reads `0/4`; `None` for any other text.
    pub fn parse(text: &str) -> Option<Partition> {
        let (number, of) = text.split_once('/')?;
        let (number, of) = (number.parse().ok()?, of.parse().ok()?);
        (number < of).then_some(Partition { number, of })
    }

    /// Whether a record with this key belongs here.
    #[inline]
    pub fn holds(self, key: &[u8]) -> bool {
        self.of == 1 || partition_of(key, self.of) == self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `fluvio produce` put the keys `voter-0`, `voter-1`, … in a topic of four partitions; the platform's
    /// tests compare 500 of them on a cluster.
    const BY_FLUVIO: [u32; 16] = [0, 1, 2, 0, 1, 2, 3, 1, 2, 2, 2, 2, 1, 0, 0, 0];

    #[test]
    fn keys_are_where_fluvio_puts_them() {
        for (n, number) in BY_FLUVIO.into_iter().enumerate() {
            let key = format!("voter-{n}");
            assert_eq!(partition_of(key.as_bytes(), 4), number);
            for other in 0..4 {
                let partition = Partition {
                    number: other,
                    of: 4,
                };
                assert_eq!(partition.holds(key.as_bytes()), other == number);
            }
        }
        assert!(Partition { number: 0, of: 1 }.holds(b"voter-1"));
    }
}
