//! The invented candidates of a generated election.

use ballot::Candidate;
use rand::RngExt;

use crate::permutation::Permutation;
use crate::regions::REGIONS;
use crate::seeds::{Purpose, indexed_uuid, rng, word};

/// Parties and what they promise, in the order they are founded; the first three are the tutorial's.
const PARTIES: &str = include_str!("invented/parties.txt");

/// The party of all further candidates, and what they promise.
const INDEPENDENT: (&str, &str) = (
    "Independent",
    "Vote on each bill by its merits, hold an open meeting every month and publish every letter received.",
);

/// The first `n` candidates of the election with this seed. Fewer candidates are a prefix of more. Their photos
/// are added by [`crate::with_photos`].
pub fn candidates(seed: u64, n: usize) -> Vec<Candidate> {
    let given_names = include_str!("invented/given_names.txt");
    let given_names = Deck::new(seed, Purpose::GivenName, given_names);
    let family_names = include_str!("invented/family_names.txt");
    let family_names = Deck::new(seed, Purpose::FamilyName, family_names);
    let careers = Deck::new(seed, Purpose::Career, include_str!("invented/careers.txt"));
    (0..n as u64)
        .map(|index| {
            let mut rng = rng(word(seed, Purpose::Candidate, index));
            // When every given name was dealt, the next round must pair other names.
            let round = index / given_names.len();
            let given = given_names.card(index);
            let family = family_names.card(index + round);
            let rounds_of_pairs = round / family_names.len();
            let name = match rounds_of_pairs {
                0 => format!("{given} {family}"),
                more => format!("{given} {family} ({})", more + 1),
            };
            let party = PARTIES.lines().nth(index as usize);
            let (party, platform) = party
                .and_then(|party| party.split_once(": "))
                .unwrap_or(INDEPENDENT);
            let region = &REGIONS[rng.random_range(0..REGIONS.len())];
            let town = &region.towns[rng.random_range(0..region.towns.len())];
            let years = rng.random_range(6..=24);
            let career = careers.card(index);
            let candidate_id = indexed_uuid(seed, Purpose::CandidateId, index);
            Candidate {
                candidate_id,
                biography: format!(
                    "{name} {career} in {} for {years} years before standing for election.",
                    town.name
                ),
                candidate_name: name,
                party_affiliation: party.into(),
                campaign_platform: platform.into(),
                photo_url: String::new(),
            }
        })
        .collect()
}

/// Texts in a seeded order, dealt again and again; neighbours always differ.
struct Deck {
    cards: Vec<&'static str>,
    order: Permutation,
}

impl Deck {
    /// A card a line.
    fn new(seed: u64, purpose: Purpose, cards: &'static str) -> Self {
        let cards: Vec<_> = cards.lines().collect();
        Deck {
            order: Permutation::new(cards.len() as u64, seed, purpose),
            cards,
        }
    }

    fn len(&self) -> u64 {
        self.cards.len() as u64
    }

    fn card(&self, index: u64) -> &'static str {
        self.cards[self.order.at(index % self.len()) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_first_three_are_the_tutorials_parties_and_more_can_stand() {
        let three = candidates(1, 3);
        let parties: Vec<_> = three.iter().map(|c| c.party_affiliation.as_str()).collect();
        assert_eq!(
            parties,
            ["Management Party", "Savior Party", "Tech Republic Party"]
        );
        let twenty = candidates(1, 20);
        assert_eq!(twenty[..3], three[..]);
        assert_eq!(twenty[19].party_affiliation, "Independent");
        let many = candidates(1, 2_000);
        assert_eq!(many[..20], twenty[..]);
        let ids: BTreeSet<_> = many.iter().map(|c| &c.candidate_id).collect();
        let names: BTreeSet<_> = many.iter().map(|c| &c.candidate_name).collect();
        assert_eq!((ids.len(), names.len()), (2_000, 2_000));
        assert_ne!(candidates(2, 3)[0].candidate_id, three[0].candidate_id);
        for candidate in &twenty {
            assert_eq!(candidate.candidate_id.len(), 36);
            assert!(candidate.biography.starts_with(&candidate.candidate_name));
        }
    }
}
