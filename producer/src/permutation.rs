//! A seeded order of the numbers below some bound, computed number by number: the whole list would be a
//! gigabyte for a national election.

use crate::seeds::{Purpose, below, mix, word};

/// Rounds of the Feistel network. Four give a pseudo-random permutation; two more cost little.
const ROUNDS: usize = 6;

/// A permutation of `0..len`.
///
/// A Feistel network over pairs (one number below `left`, one below `right`, whose product is barely
/// more than `len`); a result outside of `0..len` is sent through again until it is inside.
#[derive(Debug, Clone)]
pub(crate) struct Permutation {
    len: u64,
    left: u64,
    right: u64,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// A permutation of `0..len`, for `len` up to 2^62.
    pub(crate) fn new(len: u64, seed: u64, purpose: Purpose) -> Self {
        let root = len.isqrt();
        let left = if root * root < len { root + 1 } else { root }.max(1);
        Permutation {
            len,
            left,
            right: len.div_ceil(left).max(1),
            keys: std::array::from_fn(|round| word(seed, purpose, round as u64)),
        }
    }

    /// The number at place `index`, which must be below `len`.
    pub(crate) fn at(&self, index: u64) -> u64 {
        debug_assert!(index < self.len);
        let mut number = self.shuffled(index);
        // The network is a bijection, so it comes back inside at the latest where it started.
        while number >= self.len {
            number = self.shuffled(number);
        }
        number
    }

    fn shuffled(&self, number: u64) -> u64 {
        let (mut left, mut right) = (number / self.right, number % self.right);
        for (round, key) in self.keys.iter().enumerate() {
            if round % 2 == 0 {
                left = added(left, below(mix(right ^ key), self.left), self.left);
            } else {
                right = added(right, below(mix(left ^ key), self.right), self.right);
            }
        }
        left * self.right + right
    }
}

/// The sum of two numbers below `modulus`, modulo it.
fn added(a: u64, b: u64, modulus: u64) -> u64 {
    let sum = a + b;
    if sum >= modulus { sum - modulus } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_once(len in 1u64..5_000, seed: u64) {
            let permutation = Permutation::new(len, seed, Purpose::ReplayOrder);
            let mut seen = vec![false; len as usize];
            for index in 0..len {
                let number = permutation.at(index) as usize;
                prop_assert!(!std::mem::replace(&mut seen[number], true));
            }
        }

        #[test]
        fn large_ones_stay_inside(len in 1u64..(1 << 53), seed: u64, index: u64) {
            prop_assert!(Permutation::new(len, seed, Purpose::ReplayOrder).at(index % len) < len);
        }
    }

    #[test]
    fn the_order_is_mixed() {
        const LEN: u64 = 100_000;
        let permutation = Permutation::new(LEN, 1, Purpose::ReplayOrder);
        let lower_half = (0..1_000).filter(|&i| permutation.at(i) < LEN / 2).count();
        assert!((400..600).contains(&lower_half), "{lower_half}");
        let rising = (0..1_000)
            .filter(|&i| permutation.at(i) < permutation.at(i + 1))
            .count();
        assert!((400..600).contains(&rising), "{rising}");
    }
}
