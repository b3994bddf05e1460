//! Numbers of votes as RCTab writes them: decimal, with as many places as their arithmetic gave them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The most decimal places. RCTab has at most 20.
const MAX_SCALE: u32 = 20;

/// A decimal number with its places: `654.0000` and `654` are the same number, and written differently.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decimal {
    units: i128,
    scale: u32,
}

/// Text that is not a decimal number, or has too many digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no decimal number with at most 18 digits before and {MAX_SCALE} after the point"
)]
pub struct DecimalError(String);

impl Decimal {
    /// 0.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// `units` with the point moved `scale` places to the left. `None` if these are more than 20 places.
    pub fn new(units: i128, scale: u32) -> Option<Self> {
        (scale <= MAX_SCALE && units.unsigned_abs() < 10_u128.pow(38))
            .then_some(Self { units, scale })
    }

    /// The number without its point.
    pub fn units(self) -> i128 {
        self.units
    }

    /// The decimal places.
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// Whether it is 0, with any number of places.
    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// The part before the point.
    pub fn whole(self) -> i128 {
        self.units / 10_i128.pow(self.scale)
    }

    /// The units at a scale that is not smaller than its own.
    fn units_at(self, scale: u32) -> i128 {
        self.units
            .saturating_mul(10_i128.pow(scale.saturating_sub(self.scale)))
    }

    /// The share of `whole`, in hundredths of a percent, cut. The quotient is rounded to seven digits before, half to
    /// even, as RCTab does. `None` if `whole` is 0.
    pub fn share_of(self, whole: Self) -> Option<i128> {
        const DIGITS: u128 = 10_000_000;
        let scale = self.scale.max(whole.scale);
        let (part, whole) = (self.units_at(scale), whole.units_at(scale));
        if whole == 0 {
            return None;
        }
        let negative = (part < 0) != (whole < 0);
        let (mut part, whole) = (part.unsigned_abs(), whole.unsigned_abs());
        if part == 0 {
            return Some(0);
        }
        // The power of ten that gives the quotient seven digits.
        let mut exponent = 0_i32;
        let mut whole = whole;
        while part / whole < DIGITS / 10 {
            part = part.checked_mul(10)?;
            exponent += 1;
        }
        while part / whole >= DIGITS {
            whole = whole.checked_mul(10)?;
            exponent -= 1;
        }
        let (mut quotient, rest) = (part / whole, part % whole);
        // Which half the rest is in, without the overflow of twice the rest.
        let half = match rest.cmp(&(whole - rest)) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => quotient % 2 == 1,
        };
        quotient += u128::from(half);
        let hundredths = match u32::try_from(exponent - 4) {
            Ok(places) => quotient / 10_u128.checked_pow(places)?,
            Err(_) => quotient.checked_mul(10_u128.checked_pow((4 - exponent).unsigned_abs())?)?,
        };
        let hundredths = i128::try_from(hundredths).ok()?;
        Some(if negative { -hundredths } else { hundredths })
    }
}

impl std::ops::Add for Decimal {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        let units = self.units_at(scale).saturating_add(other.units_at(scale));
        Self { units, scale }
    }
}

impl std::ops::Sub for Decimal {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        let units = self.units_at(scale).saturating_sub(other.units_at(scale));
        Self { units, scale }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        self.units_at(scale).cmp(&other.units_at(scale))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Decimal {}

impl From<u64> for Decimal {
    fn from(number: u64) -> Self {
        Self {
            units: i128::from(number),
            scale: 0,
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        const MAX_WHOLE_DIGITS: usize = 18;
        let error = || DecimalError(text.chars().take(100).collect());
        let (before, after) = text.split_once('.').unwrap_or((text, ""));
        let digits = before.strip_prefix('-').unwrap_or(before);
        let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits.len() <= MAX_WHOLE_DIGITS && after.len() <= MAX_SCALE as usize;
        if !plain(digits) || !plain(after) || digits.len() + after.len() == 0 || !fits {
            return Err(error());
        }
        let scale = after.len() as u32;
        format!("{before}{after}")
            .parse()
            .ok()
            .and_then(|units| Self::new(units, scale))
            .ok_or_else(error)
    }
}

impl fmt::Display for Decimal {
    /// As Java writes a `BigDecimal`: with a power of ten if there would be more than five zeros after the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let sign = if self.units < 0 { "-" } else { "" };
        let places = self.scale as usize;
        if places == 0 {
            return write!(f, "{sign}{digits}");
        }
        let exponent = digits.len() as i64 - 1 - places as i64;
        if exponent < -6 {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{sign}{first}{point}{rest}E{exponent}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (before, after) = padded.split_at(padded.len() - places);
        write!(f, "{sign}{before}.{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_written_as_it_is_read() {
        for text in ["0", "14866", "-8701.0000", "0.4808", "0.0000", "654.0000"] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("0.0000000").to_string(), "0E-7");
        assert_eq!(decimal("0.0000001").to_string(), "1E-7");
        assert_eq!(decimal("0.00000012").to_string(), "1.2E-7");
        assert!("1.".parse::<Decimal>().is_ok());
        for text in [
            "",
            ".",
            "-",
            "1e5",
            "0.123456789012345678901",
            "9999999999999999999",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn sums_have_the_places_of_the_finer_one() {
        assert_eq!((decimal("67") + decimal("0.0000")).to_string(), "67.0000");
        assert_eq!(
            (decimal("0") - decimal("8701.0000")).to_string(),
            "-8701.0000"
        );
    }

    #[test]
    fn shares_are_cut_after_seven_digits() {
        let share = |part, whole| decimal(part).share_of(decimal(whole));
        assert_eq!(share("14678", "59463"), Some(2468));
        assert_eq!(share("66", "116"), Some(5689));
        assert_eq!(share("14866.0000", "59463"), Some(2500));
        assert_eq!(share("1", "3"), Some(3333));
        assert_eq!(share("2", "1"), Some(20_000));
        // 0.24679999995 is 0.2468000 in seven digits.
        assert_eq!(share("0.24679999995", "1"), Some(2468));
        assert_eq!(share("0", "5"), Some(0));
        assert_eq!(share("5", "0"), None);
    }
}
