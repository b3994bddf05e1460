//! The invented candidates of a generated election.

use ballot::Candidate;
use rand::RngExt;

use crate::permutation::Permutation;
use crate::regions::REGIONS;
use crate::seeds::{Purpose, indexed_uuid, rng, word};

/// An invented party and what it promises.
struct Party {
    name: &'static str,
    platform: &'static str,
}

/// Parties in the order they are founded; the first three are the tutorial's.
const PARTIES: [Party; 12] = [
    Party {
        name: "Management Party",
        platform: "Publish every budget line, cut waiting lists by a third and pay each invoice within thirty days.",
    },
    Party {
        name: "Savior Party",
        platform: "Keep village surgeries open, double the mountain and lifeboat rescue funds and insulate every school.",
    },
    Party {
        name: "Tech Republic Party",
        platform: "Bring fibre to every home, open the source of all public software and train a teacher of computing for each school.",
    },
    Party {
        name: "Common Ground Party",
        platform: "Give towns a say over their high streets, protect allotments and bring empty houses back into use.",
    },
    Party {
        name: "Green Horizon",
        platform: "Restore rivers and peat bogs, build wind farms with local owners and make short journeys easy without a car.",
    },
    Party {
        name: "Coastal Alliance",
        platform: "Repair sea walls, give harbours back to their towns and pay fishing crews a fair price.",
    },
    Party {
        name: "Workers' League",
        platform: "Raise the wage floor, end unpaid overtime and put employees on company boards.",
    },
    Party {
        name: "Railway and Canal Party",
        platform: "Reopen forty branch lines, run buses to meet every train and dredge the canals for freight.",
    },
    Party {
        name: "Liberty and Law",
        platform: "Shorten the statute book, keep police stations open at night and clear the backlog of the courts.",
    },
    Party {
        name: "Farmers' Union List",
        platform: "Pay for hedgerows and clean water, buy school meals from local farms and simplify grants to one form.",
    },
    Party {
        name: "Arts and Letters Party",
        platform: "Reopen libraries on Saturdays, lend every child an instrument and keep museums free.",
    },
    Party {
        name: "Pensioners' Voice",
        platform: "Keep bank counters open, make bus passes valid all day and fund care at home.",
    },
];

const INDEPENDENT: Party = Party {
    name: "Independent",
    platform: "Vote on each bill by its merits, hold an open meeting every month and publish every letter received.",
};

const GIVEN_NAMES: [&str; 24] = [
    "Alice",
    "Amir",
    "Anwen",
    "Bronwen",
    "Callum",
    "Catherine",
    "Daniel",
    "David",
    "Eilidh",
    "Fiona",
    "George",
    "Hannah",
    "Imran",
    "James",
    "Kavita",
    "Laura",
    "Margaret",
    "Niamh",
    "Oliver",
    "Priya",
    "Rhys",
    "Sarah",
    "Tom",
    "William",
];

const FAMILY_NAMES: [&str; 28] = [
    "Ahmed",
    "Baker",
    "Bevan",
    "Campbell",
    "Chaudhry",
    "Clarke",
    "Davies",
    "Doherty",
    "Evans",
    "Fraser",
    "Green",
    "Griffiths",
    "Hughes",
    "Jackson",
    "Kaur",
    "MacLeod",
    "McAllister",
    "Morgan",
    "Murray",
    "O'Neill",
    "Patel",
    "Pritchard",
    "Robertson",
    "Shah",
    "Taylor",
    "Thompson",
    "Walker",
    "Wright",
];

const CAREERS: [&str; 14] = [
    "taught physics at a comprehensive school",
    "ran a family bakery",
    "worked as a district nurse",
    "drove ambulances",
    "designed bridges for the county",
    "kept a bookshop",
    "served as a magistrate",
    "managed the harbour office",
    "wrote software for hospitals",
    "reported for the local newspaper",
    "farmed sheep and barley",
    "repaired trains at the depot",
    "led the volunteer fire crew",
    "practised as a solicitor",
];

/// The first `n` candidates of the election with this seed. Fewer candidates are a prefix of more. Their photos are
/// where the dashboard is: [`crate::with_photos`].
pub fn candidates(seed: u64, n: usize) -> Vec<Candidate> {
    let given_names = Deck::new(seed, Purpose::GivenName, &GIVEN_NAMES);
    let family_names = Deck::new(seed, Purpose::FamilyName, &FAMILY_NAMES);
    let careers = Deck::new(seed, Purpose::Career, &CAREERS);
    (0..n as u64)
        .map(|index| {
            let mut rng = rng(word(seed, Purpose::Candidate, index));
            // When every given name was dealt, another round must not pair the same names again.
            let round = index / given_names.len();
            let given = given_names.card(index);
            let family = family_names.card(index + round);
            let rounds_of_pairs = round / family_names.len();
            let name = match rounds_of_pairs {
                0 => format!("{given} {family}"),
                more => format!("{given} {family} ({})", more + 1),
            };
            let party = PARTIES.get(index as usize).unwrap_or(&INDEPENDENT);
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
                party_affiliation: party.name.into(),
                campaign_platform: party.platform.into(),
                photo_url: String::new(),
            }
        })
        .collect()
}

/// Texts in a seeded order, dealt over and over: neighbours always differ.
struct Deck {
    cards: &'static [&'static str],
    order: Permutation,
}

impl Deck {
    fn new(seed: u64, purpose: Purpose, cards: &'static [&'static str]) -> Self {
        Deck {
            cards,
            order: Permutation::new(cards.len() as u64, seed, purpose),
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
