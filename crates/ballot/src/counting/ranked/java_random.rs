//! The random numbers of Java's `java.util.Random`. RCTab breaks ties with them, and a tie that was broken there with a
//! published seed must be broken the same way here.
//!
//! It is a linear congruential generator over 48 bits: `s' = s × 0x5DEECE66D + 0xB`, begun with the seed xor the
//! multiplier. A draw of `n` bits is the highest `n` of the 48. This is the documented behaviour of the class, which its
//! contract does not allow to change.

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const MASK: u64 = (1 << 48) - 1;

/// A `java.util.Random`.
#[derive(Debug, Clone)]
pub(super) struct JavaRandom(u64);

impl JavaRandom {
    /// `new Random(seed)`.
    pub(super) fn new(seed: i64) -> JavaRandom {
        JavaRandom((seed.cast_unsigned() ^ MULTIPLIER) & MASK)
    }

    /// The next `bits` bits, at most 31.
    fn next(&mut self, bits: u32) -> u32 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & MASK;
        u32::try_from(self.0 >> (48 - bits)).unwrap_or(u32::MAX)
    }

    /// A place in a list of so many, as RCTab draws one: `floor(nextDouble() × length)`.
    pub(super) fn place(&mut self, length: usize) -> usize {
        let high = u64::from(self.next(26)) << 27;
        let drawn = (high + u64::from(self.next(27))) as f64 / (1_u64 << 53) as f64;
        // In doubles, since it is rounded in them there.
        (drawn * length as f64).floor() as usize
    }

    /// `nextInt(bound)`, for a bound from 1 to 2^31 - 1.
    fn below(&mut self, bound: u32) -> u32 {
        let mut drawn = self.next(31);
        if bound.is_power_of_two() {
            return u32::try_from((u64::from(bound) * u64::from(drawn)) >> 31).unwrap_or(0);
        }
        loop {
            let rest = drawn % bound;
            // Java's test is an overflow of 32 bits with sign: the draw is from the last, incomplete run of `bound`.
            if drawn - rest + (bound - 1) < 1 << 31 {
                return rest;
            }
            drawn = self.next(31);
        }
    }

    /// `Collections.shuffle(list, random)`.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for length in (2..=list.len()).rev() {
            let other = self.below(u32::try_from(length).unwrap_or(u32::MAX >> 1));
            list.swap(length - 1, other as usize);
        }
    }
}

/// The order in which a `java.util.HashSet` made of these texts goes through them. RCTab draws lots among candidates in
/// this order when earlier rounds have not told them apart.
pub(super) fn hash_set_order<'n, T>(mut list: Vec<T>, text: impl Fn(&T) -> &'n str) -> Vec<T> {
    let least = (list.len() * 4 / 3 + 1).max(16);
    let buckets = u32::try_from(least.next_power_of_two()).unwrap_or(1 << 31);
    // Stable: within a bucket they stay in the order in which they were added.
    list.sort_by_key(|entry| {
        let hash = text(entry).encode_utf16().fold(0_u32, |hash, unit| {
            hash.wrapping_mul(31).wrapping_add(unit.into())
        });
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_java() {
        // `new Random(42)`: nextInt(10) is 0, 3, 8, 4, 0, …; `new Random(0)`: nextDouble() is 0.730967787376657.
        let mut random = JavaRandom::new(42);
        let drawn: Vec<u32> = (0..5).map(|_| random.below(10)).collect();
        assert_eq!(drawn, [0, 3, 8, 4, 0]);
        assert_eq!(JavaRandom::new(0).place(1_000_000), 730_967);
        assert_eq!(
            JavaRandom::new(-1).below(16),
            JavaRandom::new(-1).next(31) >> 27
        );
    }

    #[test]
    fn a_list_is_shuffled_as_in_java() {
        for (seed, shuffled) in [
            (42, [3, 7, 5, 1, 6, 4, 2]),
            (-140_737_488_355_328, [7, 3, 2, 6, 4, 1, 5]),
        ] {
            let mut list = [1, 2, 3, 4, 5, 6, 7];
            JavaRandom::new(seed).shuffle(&mut list);
            assert_eq!(list, shuffled);
        }
    }

    #[test]
    fn a_set_is_gone_through_as_in_java() {
        let names = [
            "Vanessa",
            "Larry",
            "Jason",
            "Éva",
            "banana",
            "apple",
            "Undeclared Write-ins",
        ];
        let order = hash_set_order(names.to_vec(), |name| *name);
        let expected = [
            "banana",
            "apple",
            "Vanessa",
            "Undeclared Write-ins",
            "Éva",
            "Larry",
            "Jason",
        ];
        assert_eq!(order, expected);
        // More than twelve need more buckets.
        let many: Vec<String> = ('A'..='N')
            .map(|letter| format!("Candidate {letter}"))
            .collect();
        let order = hash_set_order(many.iter().map(String::as_str).collect(), |name| *name);
        let letters: String = order
            .iter()
            .filter_map(|name| name.chars().last())
            .collect();
        assert_eq!(letters, "HGFELKJIDCBANM");
    }
}
