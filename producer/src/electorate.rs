//! Invented voters with random access: voter `index` of a seed is always the same person, independent of
//! the others.

use std::sync::LazyLock;

use ballot::{Address, Voter};
use chrono::{Days, NaiveDate};
use fake::Fake;
use fake::faker::name::en::{FirstName, LastName};
use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::demographics::{age, gender};
use crate::regions::{region_of, total_population_thousands};
use crate::seeds::{Purpose, indexed_uuid, rng, word};

/// The day the register is drawn up: ages are those of this day (year, month, day).
const REGISTER_DAY: (i32, u32, u32) = (2024, 7, 4);

/// Names of streets.
static STREETS: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("invented/streets.txt").lines().collect());

/// Letters that the second half of a postcode may end in.
const INWARD_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";
/// What registration numbers are made of.
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Length of a registration number.
const REGISTRATION_NUMBER_LEN: usize = 8;
/// Domains that belong to nobody (RFC 2606).
const MAIL_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// The id of a voter, without the rest of the voter.
pub fn voter_id(seed: u64, index: u64) -> String {
    indexed_uuid(seed, Purpose::VoterId, index)
}

/// Voter `index` of the electorate with this seed.
pub fn voter(seed: u64, index: u64) -> Voter {
    let voter_id = voter_id(seed, index);
    let mut rng = rng(word(seed, Purpose::Voter, index));
    let given: &str = FirstName().fake_with_rng(&mut rng);
    let family: &str = LastName().fake_with_rng(&mut rng);
    let registered_age = age(rng.random());
    let gender = gender(rng.random());
    let date_of_birth = date_of_birth(registered_age, rng.random_range(0..365));
    // The ranges that Ofcom keeps free of subscribers, so that no invented voter has a real number.
    let phone_number = with_digits("01632 960", 3, &mut rng);
    let cell_number = with_digits("07700 900", 3, &mut rng);
    Voter {
        picture: ["/portraits/", &voter_id, ".svg"].concat(),
        voter_id,
        voter_name: [given, " ", family].concat(),
        date_of_birth,
        gender: gender.to_owned(),
        nationality: "GB".to_owned(),
        registration_number: text_of(ALPHANUMERIC, REGISTRATION_NUMBER_LEN, &mut rng),
        address: address(&mut rng),
        email: email(given, family, &mut rng),
        phone_number,
        cell_number,
        registered_age: Some(registered_age),
        precinct: None,
    }
}

/// A day on which somebody who is `age` on the register day was born.
fn date_of_birth(age: i32, days_since_birthday: u64) -> String {
    let (year, month, day) = REGISTER_DAY;
    let birthday = NaiveDate::from_ymd_opt(year - age, month, day)
        .and_then(|birthday| birthday.checked_sub_days(Days::new(days_since_birthday)))
        .unwrap_or_default();
    birthday.to_string()
}

fn address(rng: &mut impl RngExt) -> Address {
    let region = region_of(rng.random_range(0..total_population_thousands()));
    let town = &region.towns[rng.random_range(0..region.towns.len())];
    let house = rng.random_range(1..=180u32);
    let street = STREETS.choose(rng).copied().unwrap_or_default();
    let district = rng.random_range(1..=20u32);
    let sector = rng.random_range(0..=9u32);
    let inward_letters = text_of(INWARD_LETTERS, 2, rng);
    let postcode = format!("{}{district} {sector}{inward_letters}", town.postcode_area);
    Address {
        street: format!("{house} {street}"),
        city: town.name.to_owned(),
        state: region.name.to_owned(),
        country: region.country.to_owned(),
        postcode,
    }
}

fn email(given: &str, family: &str, rng: &mut impl RngExt) -> String {
    let mut email = String::with_capacity(40);
    let ascii = |name: &str, email: &mut String| {
        email.extend(
            name.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|letter| letter.to_ascii_lowercase()),
        );
    };
    ascii(given, &mut email);
    email.push('.');
    ascii(family, &mut email);
    email.push_str(&rng.random_range(1..=999u32).to_string());
    email.push('@');
    email.push_str(MAIL_DOMAINS.choose(rng).copied().unwrap_or_default());
    email
}

fn with_digits(prefix: &str, digits: usize, rng: &mut impl RngExt) -> String {
    let mut text = String::with_capacity(prefix.len() + digits);
    text.push_str(prefix);
    for _ in 0..digits {
        text.push(char::from(b'0' + rng.random_range(0..=9u32) as u8));
    }
    text
}

fn text_of(letters: &[u8], len: usize, rng: &mut impl RngExt) -> String {
    (0..len)
        .map(|_| char::from(letters[rng.random_range(0..letters.len())]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{MAX_AGE, MIN_AGE};
    use crate::regions::REGIONS;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn age_on_register_day(date_of_birth: &str) -> u32 {
        let born = NaiveDate::parse_from_str(date_of_birth, "%Y-%m-%d").unwrap();
        let (year, month, day) = REGISTER_DAY;
        NaiveDate::from_ymd_opt(year, month, day)
            .unwrap()
            .years_since(born)
            .unwrap()
    }

    proptest! {
        #[test]
        fn a_voter_is_plausible(seed: u64, index: u64) {
            let voter = voter(seed, index);
            prop_assert_eq!(&voter.voter_id, &voter_id(seed, index));
            prop_assert_eq!(voter.voter_id.len(), 36);
            prop_assert_eq!(&voter.voter_id[14..15], "4");
            prop_assert!(voter.registered_age.is_some_and(|age| (MIN_AGE..=MAX_AGE).contains(&age)));
            prop_assert_eq!(
                age_on_register_day(&voter.date_of_birth),
                voter.registered_age.unwrap().unsigned_abs()
            );
            let region = REGIONS.iter().find(|r| r.name == voter.address.state).unwrap();
            prop_assert_eq!(region.country, &voter.address.country);
            let town = region.towns.iter().find(|t| t.name == voter.address.city).unwrap();
            prop_assert!(voter.address.postcode.starts_with(town.postcode_area));
            prop_assert_eq!(voter.registration_number.len(), REGISTRATION_NUMBER_LEN);
            prop_assert!(voter.phone_number.starts_with("01"));
            prop_assert!(voter.cell_number.starts_with("07"));
            prop_assert!(voter.email.is_ascii());
            let (given, family) = voter.voter_name.split_once(' ').unwrap();
            prop_assert!(voter.email.starts_with(&given.to_lowercase()));
            prop_assert!(!family.is_empty());
            prop_assert_eq!(&voter.picture, &format!("/portraits/{}.svg", voter.voter_id));
        }
    }

    #[test]
    fn random_access_is_the_sequence() {
        let forwards: Vec<_> = (0..500).map(|index| voter(7, index)).collect();
        let backwards: Vec<_> = (0..500).rev().map(|index| voter(7, index)).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
        assert_ne!(voter(8, 0), forwards[0]);
    }

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<_> = (0..100_000).map(|index| voter_id(7, index)).collect();
        assert_eq!(ids.len(), 100_000);
    }

    #[test]
    fn regions_get_voters_by_population() {
        const VOTERS: u64 = 60_000;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for index in 0..VOTERS {
            *counts.entry(voter(7, index).address.state).or_default() += 1;
        }
        let total = u64::from(total_population_thousands());
        for region in REGIONS {
            let expected = VOTERS * u64::from(region.population_thousands) / total;
            let got = counts[region.name];
            assert!(
                got.abs_diff(expected) < expected / 4 + 20,
                "{}: {got}, not {expected}",
                region.name
            );
        }
    }
}
