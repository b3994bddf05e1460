//! Votes in exact fixed-point arithmetic: surpluses are transferred in fractions of a vote.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most decimal places that votes can have.
pub const MOST_DECIMAL_PLACES: u8 = 20;

/// Most ballots that a contest is tabulated with: with more, sums of [`Votes`] might not fit. No electorate comes near.
pub const MOST_BALLOTS: u64 = 1_000_000_000_000_000;

/// A vote, in the smallest parts that one is divided into.
const ONE: i128 = 10_i128.pow(MOST_DECIMAL_PLACES as u32);

/// Half of the digits after the point, to multiply fractions without more than 128 bits.
const HALF: i128 = 10_i128.pow(MOST_DECIMAL_PLACES as u32 / 2);

/// A number of votes, or a fraction of one: a decimal number with up to [`MOST_DECIMAL_PLACES`] decimal places, exact.
/// In JSON it is text, since a number would be rounded by those who read it: `"7.2501"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Votes(i128);

impl Votes {
    /// No votes.
    pub const ZERO: Votes = Votes(0);
    /// One whole vote.
    pub const ONE: Votes = Votes(ONE);

    /// So many whole votes.
    pub fn whole(votes: u64) -> Votes {
        Votes::ONE * votes
    }

    /// The whole votes in it, without the fraction.
    pub fn floor(self) -> u64 {
        u64::try_from(self.0.max(0) / ONE).unwrap_or(u64::MAX)
    }

    /// Whether it is more than none.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The smallest number with so many decimal places.
    pub(super) fn smallest(decimal_places: u8) -> Votes {
        Votes(parts(decimal_places))
    }

    /// As many of the decimal places; the others are cut off.
    pub(super) fn rounded_down(self, decimal_places: u8) -> Votes {
        let part = parts(decimal_places);
        Votes(self.0.div_euclid(part) * part)
    }

    /// The quotient with so many decimal places, rounded down, of a number that is not negative; none if `divisor` is
    /// not positive.
    pub(super) fn divided_by(self, divisor: Votes, decimal_places: u8) -> Votes {
        if divisor.0 <= 0 || self.0 < 0 {
            return Votes::ZERO;
        }
        // Long division, a digit at a time: the dividend with all its decimal places would not fit.
        let (mut quotient, mut rest) = (self.0 / divisor.0, self.0 % divisor.0);
        for _ in 0..decimal_places.min(MOST_DECIMAL_PLACES) {
            rest *= 10;
            quotient = quotient * 10 + rest / divisor.0;
            rest %= divisor.0;
        }
        Votes(quotient * parts(decimal_places))
    }

    /// The product of two numbers that are not negative, of which one is a fraction of 1 or 1, with so many decimal
    /// places, rounded down.
    pub(super) fn times(self, fraction: Votes, decimal_places: u8) -> Votes {
        // self × (high × HALF + low) / HALF², without more than 128 bits.
        let (high, low) = (fraction.0 / HALF, fraction.0 % HALF);
        let (product, rest) = (self.0 * high / HALF, self.0 * high % HALF);
        let product = product + (rest + self.0 * low / HALF) / HALF;
        Votes(product).rounded_down(decimal_places)
    }

    /// This percentage of so many whole votes, exactly as far as there are decimal places.
    pub(super) fn percent_of(self, votes: Votes) -> Votes {
        Votes(votes.0 / ONE * (self.0 / 100) + votes.0 / ONE * (self.0 % 100) / 100)
    }
}

/// The parts that the last of so many decimal places stands for.
fn parts(decimal_places: u8) -> i128 {
    10_i128.pow(u32::from(
        MOST_DECIMAL_PLACES.saturating_sub(decimal_places),
    ))
}

impl Add for Votes {
    type Output = Votes;
    fn add(self, more: Votes) -> Votes {
        Votes(self.0.saturating_add(more.0))
    }
}

impl AddAssign for Votes {
    fn add_assign(&mut self, more: Votes) {
        *self = *self + more;
    }
}

impl Sub for Votes {
    type Output = Votes;
    fn sub(self, less: Votes) -> Votes {
        Votes(self.0 - less.0)
    }
}

/// As often as there are ballots.
impl Mul<u64> for Votes {
    type Output = Votes;
    fn mul(self, ballots: u64) -> Votes {
        Votes(self.0.saturating_mul(ballots.into()))
    }
}

impl Sum for Votes {
    fn sum<I: Iterator<Item = Votes>>(votes: I) -> Votes {
        votes.fold(Votes::ZERO, Add::add)
    }
}

impl fmt::Display for Votes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:0places$}", places = MOST_DECIMAL_PLACES.into());
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl std::str::FromStr for Votes {
    type Err = String;

    fn from_str(text: &str) -> Result<Votes, String> {
        let refuse =
            || format!("`{text}` is not a number with up to {MOST_DECIMAL_PLACES} decimal places");
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || fraction.len() > MOST_DECIMAL_PLACES.into()
            || !is_digits(whole)
            || !is_digits(fraction)
        {
            return Err(refuse());
        }
        let whole: u64 = whole.parse().map_err(|_| refuse())?;
        if whole > MOST_BALLOTS {
            return Err(refuse());
        }
        let fraction = format!("{fraction:0<places$}", places = MOST_DECIMAL_PLACES.into());
        let fraction: i128 = fraction.parse().map_err(|_| refuse())?;
        Ok(Votes(i128::from(whole) * ONE + fraction))
    }
}

impl Serialize for Votes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Votes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VotesVisitor;
        impl Visitor<'_> for VotesVisitor {
            type Value = Votes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or its text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Votes, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Votes, E> {
                self.visit_str(&number.to_string())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Votes, E> {
                self.visit_str(&number.to_string())
            }
            // The shortest text of a number is the one that was written.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Votes, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(VotesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn votes(text: &str) -> Votes {
        text.parse().unwrap()
    }

    #[test]
    fn votes_are_read_as_they_are_written() {
        for text in ["0", "7.2501", "1000000000000000", "0.00000000000000000001"] {
            assert_eq!(votes(text).to_string(), text);
        }
        assert_eq!(votes("7.2500").to_string(), "7.25");
        assert_eq!((votes("1") - votes("1.5")).to_string(), "-0.5");
        for text in ["", ".5", "-1", "1e3", "0.000000000000000000001"] {
            assert!(text.parse::<Votes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_surplus_is_divided_and_rounded_down() {
        assert_eq!(votes("0.7499").divided_by(votes("8"), 4), votes("0.0937"));
        assert_eq!(
            votes("2").divided_by(votes("3"), 20).to_string(),
            format!("0.{}", "6".repeat(20))
        );
        assert_eq!(votes("0.6666").times(votes("0.6666"), 4), votes("0.4443"));
        let almost_one = votes(&format!("0.{}", "9".repeat(20)));
        let squared = format!("0.{}8", "9".repeat(19));
        assert_eq!(almost_one.times(almost_one, 20), votes(&squared));
    }

    #[test]
    fn rounding_goes_where_it_says() {
        assert_eq!(votes("2.59").rounded_down(1), votes("2.5"));
        assert_eq!(votes("15").percent_of(votes("27")), votes("4.05"));
        assert_eq!(votes("12.5").percent_of(votes("3")), votes("0.375"));
        assert_eq!(Votes::smallest(4), votes("0.0001"));
    }

    proptest! {
        #[test]
        fn a_product_of_fractions_is_exact(
            (left, right) in (0..=1_000_000_000_u64, 0..=1_000_000_000_u64),
            places in 0..=18_u8,
        ) {
            let nine = |parts: u64| votes(&format!("{}.{:09}", parts / 1_000_000_000, parts % 1_000_000_000));
            let exact = u128::from(left) * u128::from(right);
            let cut = 10_u128.pow(u32::from(18 - places));
            let expected = exact / cut * cut;
            let expected = format!("{}.{:018}", expected / 10_u128.pow(18), expected % 10_u128.pow(18));
            prop_assert_eq!(nine(left).times(nine(right), places), votes(&expected));
        }
    }
}
