//! A table from 16-byte ids to offsets, 22 bytes an entry: small, since there is an entry a voter and
//! WebAssembly memory is never given back; and quick where none of it is in a cache.
//!
//! The ids are scrambled (one to one, so nothing is lost) and spread over many segments. A segment is a
//! sorted array with gaps: an id's place follows from its scrambled value, it stands there or a few
//! places behind, and all of them are in order. So a look-up reads what lies together, and a segment
//! grows where it is, by moving its entries to the right. (Linear probing kept in order: Amble and Knuth, "Ordered hash
//! tables", 1974.)

use crate::HashSeed;
use crate::hash_seed::scrambled;

/// Number of segments: growing one of them is a short pause.
const SEGMENTS: usize = 256;

/// Places that are allocated together. A segment grows by some and gives none back, so that nothing is
/// allocated twice, and no hole left in memory.
const BLOCK: usize = 32;

/// A segment grows by a sixth when five of six places are taken: a large one never takes more than
/// 22 · 6/5 · 7/6 = 30.8 bytes an entry.
const fn grown(places: usize) -> usize {
    places + places.div_ceil(6)
}
const fn most_entries(places: usize) -> usize {
    places * 5 / 6
}

/// Places behind the last, for those that are pushed out of it.
const OVERHANG: usize = 8;

/// Offsets are kept in six bytes; this one marks a place that is free.
const FREE: [u8; OFFSET_BYTES] = [0xff; OFFSET_BYTES];
const OFFSET_BYTES: usize = 6;

/// The first offset that a table cannot keep: some 280 million million votes in one partition.
pub const OFFSET_LIMIT: i64 = (1 << (OFFSET_BYTES * 8)) - 1;

/// An id, scrambled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VoterKey {
    high: u64,
    low: u64,
}

/// Scrambles ids, in a way that only who knows the seed can predict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VoterScrambler {
    of_high: [u64; 2],
    of_low: [u64; 2],
}

impl VoterScrambler {
    pub(crate) fn of(seed: HashSeed) -> VoterScrambler {
        let [a, b, c, d] = seed.factors();
        VoterScrambler {
            of_high: [a, b],
            of_low: [c, d],
        }
    }

    /// One to one: each half is changed by what only the other half decides.
    #[inline(always)]
    pub(crate) fn key(&self, id: [u8; 16]) -> VoterKey {
        let id = u128::from_le_bytes(id);
        let (high, low) = ((id >> 64) as u64, id as u64);
        let low = low ^ scrambled(high, self.of_high);
        VoterKey {
            high: high ^ scrambled(low, self.of_low),
            low,
        }
    }
}

/// voter -> the offset of the first vote.
pub(crate) struct VoterTable {
    segments: Vec<Segment>,
}

impl Default for VoterTable {
    fn default() -> Self {
        VoterTable {
            segments: (0..SEGMENTS).map(|_| Segment::default()).collect(),
        }
    }
}

impl VoterTable {
    /// The offset noted for the voter: `offset`, unless there is one already.
    ///
    /// # Panics
    /// When a partition has more than 2⁴⁸ votes.
    #[inline]
    pub(crate) fn first_offset(&mut self, voter: VoterKey, offset: i64) -> i64 {
        assert!(
            (0..OFFSET_LIMIT).contains(&offset),
            "an offset that the table of voters cannot keep: {offset}"
        );
        self.segments[segment(voter)].first_offset(voter, offset)
    }

    /// A byte of the place where the voter belongs.
    #[inline(always)]
    pub(crate) fn read_ahead(&self, voter: VoterKey) -> u8 {
        let segment = &self.segments[segment(voter)];
        let place = segment.place(home(voter, segment.own_places));
        place.map_or(0, |place| place.high[0])
    }

    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    pub(crate) fn allocated_bytes(&self) -> usize {
        let in_blocks = |segment: &Segment| {
            segment.blocks.len() * size_of::<Block>()
                + segment.blocks.capacity() * size_of::<Box<Block>>()
        };
        self.segments.iter().map(in_blocks).sum::<usize>()
            + self.segments.capacity() * size_of::<Segment>()
    }
}

#[derive(Clone, Copy)]
struct Place {
    high: [u8; 8],
    low: [u8; 8],
    first_offset: [u8; OFFSET_BYTES],
}

impl Place {
    const FREE: Place = Place {
        high: [0; 8],
        low: [0; 8],
        first_offset: FREE,
    };

    #[inline(always)]
    fn new(voter: VoterKey, offset: i64) -> Place {
        let [a, b, c, d, e, f, ..] = offset.to_le_bytes();
        Place {
            high: voter.high.to_le_bytes(),
            low: voter.low.to_le_bytes(),
            first_offset: [a, b, c, d, e, f],
        }
    }

    #[inline(always)]
    fn is_free(&self) -> bool {
        self.first_offset == FREE
    }

    #[inline(always)]
    fn voter(&self) -> VoterKey {
        VoterKey {
            high: u64::from_le_bytes(self.high),
            low: u64::from_le_bytes(self.low),
        }
    }

    #[inline(always)]
    fn first_offset(&self) -> i64 {
        let [a, b, c, d, e, f] = self.first_offset;
        i64::from_le_bytes([a, b, c, d, e, f, 0, 0])
    }
}

type Block = [Place; BLOCK];

#[derive(Default)]
struct Segment {
    /// The places that ids belong to, and the overhang.
    #[expect(
        clippy::vec_box,
        reason = "a vector of blocks would be copied to grow, and leave a hole"
    )]
    blocks: Vec<Box<Block>>,
    /// Without the overhang.
    own_places: usize,
    len: usize,
}

/// The segment that an id belongs to.
#[inline(always)]
fn segment(voter: VoterKey) -> usize {
    (voter.high >> 56) as usize
}

/// Where an id belongs in a segment with so many places: the higher the id, the further right.
#[inline(always)]
fn home(voter: VoterKey, own_places: usize) -> usize {
    // The highest byte has chosen the segment.
    let fraction = (voter.high >> 24) as u32;
    ((u64::from(fraction) * own_places as u64) >> 32) as usize
}

impl Segment {
    #[inline(always)]
    fn place(&self, at: usize) -> Option<&Place> {
        Some(&self.blocks.get(at / BLOCK)?[at % BLOCK])
    }

    /// The place; there is one wherever an entry is put.
    #[inline(always)]
    fn place_mut(&mut self, at: usize) -> &mut Place {
        while at / BLOCK >= self.blocks.len() {
            self.blocks.push(Box::new([Place::FREE; BLOCK]));
        }
        &mut self.blocks[at / BLOCK][at % BLOCK]
    }

    #[inline]
    fn first_offset(&mut self, voter: VoterKey, offset: i64) -> i64 {
        let mut at = home(voter, self.own_places);
        while let Some(place) = self.place(at)
            && !place.is_free()
        {
            let other = place.voter();
            if other >= voter {
                if other == voter {
                    return place.first_offset();
                }
                break;
            }
            at += 1;
        }
        if self.len < most_entries(self.own_places) {
            self.insert_at(at, Place::new(voter, offset));
            offset
        } else {
            self.grow();
            self.first_offset(voter, offset)
        }
    }

    /// Puts an entry before the one that stands there, and moves those up to the next gap.
    #[inline]
    fn insert_at(&mut self, mut at: usize, mut entry: Place) {
        while !entry.is_free() {
            std::mem::swap(self.place_mut(at), &mut entry);
            at += 1;
        }
        self.len += 1;
    }

    #[cold]
    fn grow(&mut self) {
        let places = self.blocks.len() * BLOCK;
        let blocks = (grown(self.own_places) + OVERHANG).div_ceil(BLOCK);
        let blocks = blocks.max(self.blocks.len() + 1);
        self.own_places = blocks * BLOCK - OVERHANG;
        self.blocks
            .resize_with(blocks, || Box::new([Place::FREE; BLOCK]));
        // Where everyone goes: never to the left, since there is more room before each.
        let mut targets = Vec::with_capacity(self.len);
        let mut next = 0;
        for at in 0..places {
            let place = &self.blocks[at / BLOCK][at % BLOCK];
            if !place.is_free() {
                next = home(place.voter(), self.own_places).max(next);
                targets.push((at, next));
                next += 1;
            }
        }
        // From the right, so that each target place has been vacated.
        for (from, to) in targets.into_iter().rev() {
            let entry = std::mem::replace(self.place_mut(from), Place::FREE);
            *self.place_mut(to) = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ids that stand close together, too: many in one segment, many with the same upper half.
    fn key() -> impl Strategy<Value = VoterKey> {
        let word = prop_oneof![any::<u64>(), 0..4u64, Just(u64::MAX), Just(1 << 24)];
        (word.clone(), word).prop_map(|(high, low)| VoterKey { high, low })
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_map(keys in prop::collection::vec(key(), 0..600)) {
            let mut table = VoterTable::default();
            let mut plain = std::collections::BTreeMap::new();
            for (offset, key) in (0..).zip(keys) {
                let first = *plain.entry(key).or_insert(offset);
                prop_assert_eq!(table.first_offset(key, offset), first);
                prop_assert_eq!(table.len(), plain.len());
            }
            for (key, first) in plain {
                prop_assert_eq!(table.first_offset(key, OFFSET_LIMIT - 1), first);
            }
        }

        #[test]
        fn scrambling_is_one_to_one(seed in any::<[u64; 2]>(), left in any::<[u8; 16]>(), right in any::<[u8; 16]>()) {
            let scrambler = VoterScrambler::of(HashSeed::of(seed));
            prop_assert_eq!(left == right, scrambler.key(left) == scrambler.key(right));
        }
    }

    /// As many of the ids as are in one segment.
    fn most_in_a_segment(seed: HashSeed, ids: &[[u8; 16]]) -> usize {
        let scrambler = VoterScrambler::of(seed);
        let mut table = VoterTable::default();
        for (n, id) in (0..).zip(ids) {
            table.first_offset(scrambler.key(*id), n);
        }
        let most = table.segments.iter().map(|segment| segment.len).max();
        most.unwrap_or_default()
    }

    #[test]
    fn ids_made_to_collide_under_a_known_seed_do_not_under_a_secret_one() {
        let known = HashSeed::default();
        let scrambler = VoterScrambler::of(known);
        // Scrambling backwards: keys that belong to one place, to the ids that lead there.
        let ids: Vec<[u8; 16]> = (0..20_000u64)
            .map(|low| {
                let high = 0x0123_4567_89ab_cdef ^ scrambled(low, scrambler.of_low);
                let low = low ^ scrambled(high, scrambler.of_high);
                (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
            })
            .collect();
        assert_eq!(most_in_a_segment(known, &ids), ids.len());
        let spread = most_in_a_segment(HashSeed::random(), &ids);
        assert!(spread < ids.len() / SEGMENTS * 2, "{spread}");
    }

    #[test]
    fn ids_that_count_up_are_spread() {
        let mut table = VoterTable::default();
        for n in 0..100_000i64 {
            let id = u128::from(n.unsigned_abs()) << 64;
            let scrambler = VoterScrambler::of(HashSeed::default());
            table.first_offset(scrambler.key(id.to_le_bytes()), n);
        }
        let most = table.segments.iter().map(|segment| segment.len).max();
        assert!(most < Some(100_000 / SEGMENTS * 2), "{most:?}");
    }

    #[test]
    fn the_largest_offset_is_kept() {
        let mut table = VoterTable::default();
        let key = VoterKey { high: 1, low: 2 };
        assert_eq!(table.first_offset(key, OFFSET_LIMIT - 1), OFFSET_LIMIT - 1);
        assert_eq!(table.first_offset(key, 0), OFFSET_LIMIT - 1);
    }
}
