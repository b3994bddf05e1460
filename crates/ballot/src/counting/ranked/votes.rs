//! Votes in exact fixed-point arithmetic: surpluses are transferred in fractions of a vote.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
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
///
/// It is written with the decimal places that the arithmetic has given it, as RCTab writes it: `3.0000` is the same number
/// as `3`, and shows that it was summed from fractions. In JSON it is text, since readers would round a number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Votes {
    parts: i128,
    decimal_places: u8,
}

impl PartialEq for Votes {
    fn eq(&self, other: &Votes) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Votes {}

impl PartialOrd for Votes {
    fn partial_cmp(&self, other: &Votes) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Votes {
    fn cmp(&self, other: &Votes) -> Ordering {
        self.parts.cmp(&other.parts)
    }
}

impl Hash for Votes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts.hash(state);
    }
}

impl Votes {
    /// No votes.
    pub const ZERO: Votes = Votes {
        parts: 0,
        decimal_places: 0,
    };
    /// One whole vote.
    pub const ONE: Votes = Votes {
        parts: ONE,
        decimal_places: 0,
    };

    /// This number, with so many decimal places; others are cut off.
    fn cut(parts_of_one: i128, decimal_places: u8) -> Votes {
        let part = parts(decimal_places);
        Votes {
            parts: parts_of_one.div_euclid(part) * part,
            decimal_places: decimal_places.min(MOST_DECIMAL_PLACES),
        }
    }

    /// So many whole votes.
    pub fn whole(votes: u64) -> Votes {
        Votes::ONE * votes
    }

    /// The whole votes in it, without the fraction.
    pub fn floor(self) -> u64 {
        u64::try_from(self.parts.max(0) / ONE).unwrap_or(u64::MAX)
    }

    /// The nearest floating-point number, to draw it.
    pub fn to_f64(self) -> f64 {
        self.parts as f64 / ONE as f64
    }

    /// Whether it is more than none.
    pub fn is_positive(self) -> bool {
        self.parts > 0
    }

    /// The smallest number with so many decimal places.
    pub(super) fn smallest(decimal_places: u8) -> Votes {
        Votes::cut(parts(decimal_places), decimal_places)
    }

    /// The quotient with so many decimal places, rounded down, of a number that is not negative; none if `divisor` is
    /// not positive.
    pub(super) fn divided_by(self, divisor: Votes, decimal_places: u8) -> Votes {
        if divisor.parts <= 0 || self.parts < 0 {
            return Votes::ZERO;
        }
        // Long division, a digit at a time: the dividend with all its decimal places would not fit.
        let divisor = divisor.parts;
        let (mut quotient, mut rest) = (self.parts / divisor, self.parts % divisor);
        for _ in 0..decimal_places.min(MOST_DECIMAL_PLACES) {
            rest *= 10;
            quotient = quotient * 10 + rest / divisor;
            rest %= divisor;
        }
        Votes::cut(quotient * parts(decimal_places), decimal_places)
    }

    /// The product of two numbers that are not negative, of which one is a fraction of 1 or 1, with so many decimal
    /// places, rounded down.
    pub(super) fn times(self, fraction: Votes, decimal_places: u8) -> Votes {
        // self × (high × HALF + low) / HALF², without more than 128 bits.
        let (high, low) = (fraction.parts / HALF, fraction.parts % HALF);
        let (product, rest) = (self.parts * high / HALF, self.parts * high % HALF);
        let product = product + (rest + self.parts * low / HALF) / HALF;
        Votes::cut(product, decimal_places)
    }

    /// This percentage of so many whole votes, exactly as far as there are decimal places.
    pub(super) fn percent_of(self, votes: Votes) -> Votes {
        let whole = votes.parts / ONE;
        let percent = self.parts / 100 * whole + self.parts % 100 * whole / 100;
        Votes::cut(percent, self.decimal_places.saturating_add(2))
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
        Votes {
            parts: self.parts.saturating_add(more.parts),
            decimal_places: self.decimal_places.max(more.decimal_places),
        }
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
        Votes {
            parts: self.parts.saturating_sub(less.parts),
            decimal_places: self.decimal_places.max(less.decimal_places),
        }
    }
}

/// As often as there are ballots.
impl Mul<u64> for Votes {
    type Output = Votes;
    fn mul(self, ballots: u64) -> Votes {
        Votes {
            parts: self.parts.saturating_mul(ballots.into()),
            ..self
        }
    }
}

impl Sum for Votes {
    fn sum<I: Iterator<Item = Votes>>(votes: I) -> Votes {
        votes.fold(Votes::ZERO, Add::add)
    }
}

impl fmt::Display for Votes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.parts < 0 { "-" } else { "" };
        let (whole, fraction) = (self.parts.abs() / ONE, self.parts.abs() % ONE);
        write!(f, "{sign}{whole}")?;
        if self.decimal_places == 0 {
            return Ok(());
        }
        let fraction = fraction / parts(self.decimal_places);
        write!(
            f,
            ".{fraction:0places$}",
            places = self.decimal_places.into()
        )
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
        let decimal_places = u8::try_from(fraction.len()).map_err(|_| refuse())?;
        let fraction = format!("{fraction:0<places$}", places = MOST_DECIMAL_PLACES.into());
        let fraction: i128 = fraction.parse().map_err(|_| refuse())?;
        Ok(Votes {
            parts: i128::from(whole) * ONE + fraction,
            decimal_places,
        })
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
        assert_eq!(votes("7.2500").to_string(), "7.2500");
        assert_eq!(votes("7.2500"), votes("7.25"));
        assert_eq!((votes("3.50") + votes("0.5")).to_string(), "4.00");
        assert_eq!(
            (votes("3.5000").times(Votes::ONE, 1) * 2).to_string(),
            "7.0"
        );
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
        assert_eq!(votes("15").percent_of(votes("27")).to_string(), "4.05");
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
