//! Numbers in the reader's language: grouping, decimal sign and digits.

use ballot::counting::Votes;
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_locale_core::Locale;

/// Most languages of an `Accept-Language` header that are tried; browsers send fewer.
const MAX_LANGUAGES: usize = 16;

/// Shown in place of a missing number.
pub(crate) const NO_NUMBER: &str = "–";

/// Writes numbers for one reader.
pub(crate) struct Numbers {
    formatter: Option<DecimalFormatter>,
    /// What comes before and after a percentage.
    percent: (&'static str, &'static str),
}

impl Numbers {
    /// Numbers for the first valid language of an `Accept-Language` header; English where there is none.
    pub(crate) fn for_languages(accept_language: Option<&str>) -> Numbers {
        let locale = accept_language
            .unwrap_or_default()
            .split(',')
            .take(MAX_LANGUAGES)
            .filter_map(|item| item.split(';').next())
            .map(str::trim)
            .find_map(|tag| Locale::try_from_str(tag).ok())
            .filter(|locale| !locale.id.language.is_unknown())
            .unwrap_or(icu_locale_core::locale!("en"));
        let percent = percent_sign(locale.id.language.as_str());
        let formatter = DecimalFormatter::try_new(locale.into(), Default::default()).ok();
        Numbers { formatter, percent }
    }

    pub(crate) fn whole(&self, number: u64) -> String {
        self.write(&Decimal::from(number), || number.to_string())
    }

    pub(crate) fn count(&self, number: usize) -> String {
        self.whole(number as u64)
    }

    pub(crate) fn offset(&self, offset: i64) -> String {
        self.whole(offset.max(0).unsigned_abs())
    }

    /// How far behind somebody is: `−12,345`, or a dash.
    pub(crate) fn minus(&self, behind: u64) -> String {
        match behind {
            0 => NO_NUMBER.to_owned(),
            behind => format!("−{}", self.whole(behind)),
        }
    }

    /// A lead in points: percent of the votes, without the sign.
    pub(crate) fn points(&self, margin: f64) -> String {
        self.decimal(margin * 100.0, 1)
    }

    /// A number with this many decimals: `12.3`.
    pub(crate) fn decimal(&self, number: f64, decimals: usize) -> String {
        if !number.is_finite() {
            return NO_NUMBER.to_owned();
        }
        let plain = format!("{number:.decimals$}");
        match Decimal::try_from_str(&plain) {
            Ok(decimal) => self.write(&decimal, || plain),
            Err(_) => plain,
        }
    }

    /// Votes, with the decimal places that they have.
    pub(crate) fn exact(&self, votes: Votes) -> String {
        let plain = votes.to_string();
        match Decimal::try_from_str(&plain) {
            Ok(decimal) => self.write(&decimal, || plain),
            Err(_) => plain,
        }
    }

    /// A share of one in percent: `43.2%` of 0.432.
    pub(crate) fn percent(&self, share: f64, decimals: usize) -> String {
        if !share.is_finite() {
            return NO_NUMBER.to_owned();
        }
        let (before, after) = self.percent;
        format!("{before}{}{after}", self.decimal(share * 100.0, decimals))
    }

    fn write(&self, decimal: &Decimal, plain: impl FnOnce() -> String) -> String {
        match &self.formatter {
            Some(formatter) => formatter.format(decimal).to_string(),
            None => plain(),
        }
    }
}

/// What comes before and after a percentage, as in CLDR for the languages that differ from English. The spaces do not
/// break a line.
fn percent_sign(language: &str) -> (&'static str, &'static str) {
    match language {
        "fr" => ("", "\u{202f}%"),
        "tr" | "eu" => ("%", ""),
        "bg" | "be" | "ca" | "cs" | "da" | "de" | "es" | "fi" | "gl" | "hr" | "hy" | "is"
        | "kk" | "lt" | "mk" | "nb" | "nn" | "no" | "ro" | "ru" | "sk" | "sl" | "sv" | "uk" => {
            ("", "\u{a0}%")
        }
        _ => ("", "%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(header: &str) -> Numbers {
        Numbers::for_languages(Some(header))
    }

    #[test]
    fn numbers_follow_the_first_language() {
        assert_eq!(Numbers::for_languages(None).whole(1_234_567), "1,234,567");
        assert_eq!(numbers("en-GB,en;q=0.9").percent(0.43219, 1), "43.2%");
        let german = numbers("de-DE, en;q=0.5");
        assert_eq!(german.whole(1_234_567), "1.234.567");
        assert_eq!(german.percent(0.43219, 1), "43,2\u{a0}%");
        assert_eq!(german.decimal(1234.56, 1), "1.234,6");
        assert_eq!(numbers("hi").whole(1_234_567), "12,34,567");
        assert_eq!(numbers("fr").percent(0.5, 0), "50\u{202f}%");
        assert_eq!(numbers("tr").percent(0.5, 0), "%50");
        assert_eq!(numbers("bn").whole(42), "৪২");
    }

    #[test]
    fn invalid_headers_give_english() {
        for header in ["", "*", ";;;", "q=1", "1234", "-", "en-", "☃", "*;q=0.1, ,"] {
            assert_eq!(numbers(header).whole(1234), "1,234", "{header:?}");
        }
        assert_eq!(numbers("*, fr;q=0.5").decimal(0.5, 1), "0,5");
    }

    #[test]
    fn infinities_and_nan_are_a_dash() {
        for share in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(numbers("en").percent(share, 1), NO_NUMBER);
        }
    }

    proptest! {
        #[test]
        fn no_header_and_no_number_panics(
            header in "\\PC{0,80}",
            whole: u64,
            share: f64,
        ) {
            let numbers = Numbers::for_languages(Some(&header));
            prop_assert!(!numbers.whole(whole).is_empty());
            prop_assert!(!numbers.percent(share, 1).is_empty());
        }

        #[test]
        fn no_tag_panics(header in "[a-zA-Z]{1,3}(-[a-zA-Z0-9]{1,8}){0,4}", whole: u64) {
            prop_assert!(!numbers(&header).whole(whole).is_empty());
        }
    }
}
