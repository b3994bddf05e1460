//! Age and gender of invented voters, in roughly the proportions of the United Kingdom.

use crate::seeds::below;

/// Youngest age on the roll.
pub(crate) const MIN_AGE: i32 = 18;
/// Oldest age of an invented voter.
pub(crate) const MAX_AGE: i32 = 95;

/// Genders as registered, with their share in a thousand.
const GENDERS: [(&str, u64); 3] = [("female", 508), ("male", 486), ("non-binary", 6)];

/// First age of a band, its last age, its share of adults in a thousand (mid-2021 estimates).
const AGES: [(i32, i32, u64); 8] = [
    (MIN_AGE, 24, 106),
    (25, 34, 171),
    (35, 44, 164),
    (45, 54, 168),
    (55, 64, 158),
    (65, 74, 126),
    (75, 84, 77),
    (85, MAX_AGE, 30),
];

/// A gender from 64 random bits.
pub(crate) fn gender(word: u64) -> &'static str {
    let mut draw = below(word, GENDERS.iter().map(|&(_, share)| share).sum());
    for (gender, share) in GENDERS {
        if draw < share {
            return gender;
        }
        draw -= share;
    }
    GENDERS[0].0
}

/// An age from 64 random bits.
pub(crate) fn age(word: u64) -> i32 {
    let total: u64 = AGES.iter().map(|&(_, _, share)| share).sum();
    let mut draw = below(word, total);
    // What `below` left of the bits chooses within the band.
    let rest = word.wrapping_mul(total);
    for (first, last, share) in AGES {
        if draw < share {
            let width = (last - first + 1).unsigned_abs();
            return first + below(rest, u64::from(width)) as i32;
        }
        draw -= share;
    }
    MIN_AGE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::mix;
    use std::collections::BTreeMap;

    #[test]
    fn shares_are_those_of_the_tables() {
        const DRAWS: u64 = 200_000;
        let mut genders = BTreeMap::new();
        let mut ages = BTreeMap::new();
        for n in 0..DRAWS {
            *genders.entry(gender(mix(n))).or_insert(0u64) += 1;
            *ages.entry(age(mix(n))).or_insert(0u64) += 1;
        }
        for (gender, share) in GENDERS {
            let expected = DRAWS * share / 1000;
            assert!(genders[gender].abs_diff(expected) < expected / 10 + 100);
        }
        assert_eq!(ages.keys().next(), Some(&MIN_AGE));
        assert_eq!(ages.keys().next_back(), Some(&MAX_AGE));
        for (first, last, share) in AGES {
            let count: u64 = ages.range(first..=last).map(|(_, count)| count).sum();
            let expected = DRAWS * share / 1000;
            assert!(count.abs_diff(expected) < expected / 20 + 100, "{first}");
            // Within the band too: no age stands out.
            let width = (last - first + 1) as u64;
            for age in first..=last {
                assert!(ages[&age].abs_diff(count / width) < count / width / 4 + 50);
            }
        }
    }
}
