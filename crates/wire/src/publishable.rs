//! Votes without their credentials, as they may be passed on.

use std::borrow::Cow;
use std::ops::Range;

use crate::enrich::ObjectFields;

/// The field of a vote that its voter's credential stands in.
pub(crate) const CREDENTIAL: &str = "credential";

/// What stands for every credential that is passed on: a text without letters.
pub(crate) const BLANK: &[u8] = br#""""#;

/// The vote with whatever its field `credential` holds replaced by an empty text, however often and
/// however written the field is there. `None` for what is not one JSON object.
pub(crate) fn without_credential(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let text = std::str::from_utf8(value).ok()?;
    let ObjectFields(fields) = serde_json::from_str(text).ok()?;
    // There may be as many as fit, so the text is written once, from part to part.
    let mut blanked = Vec::new();
    let mut done = 0;
    for (_, held) in fields.iter().filter(|(name, _)| name == CREDENTIAL) {
        let place = place_of(text, held.get())?;
        blanked.extend_from_slice(value.get(done..place.start)?);
        blanked.extend_from_slice(BLANK);
        done = place.end;
    }
    if done == 0 {
        return Some(Cow::Borrowed(value));
    }
    blanked.extend_from_slice(&value[done..]);
    Some(Cow::Owned(blanked))
}

/// Where a part that is borrowed from a text stands in it; `None` when it is not.
pub(crate) fn place_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let place = start..start.checked_add(part.len())?;
    (text.get(place.clone()) == Some(part)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample_votes::{VOTES, edited, json};
    use proptest::prelude::*;
    use serde_json::Value;

    const SECRET: &str = "00112233445566778899aabbccddeeff";

    fn blanked(text: &str) -> Option<String> {
        let blanked = without_credential(text.as_bytes())?;
        Some(String::from_utf8(blanked.into_owned()).unwrap())
    }

    #[test]
    fn whatever_the_field_holds_is_gone_and_the_rest_stays() {
        for (with, without) in [
            (
                r#"{"credential":"x", "a": 1}"#,
                r#"{"credential":"", "a": 1}"#,
            ),
            (
                r#" {"a":{"credential":1},"cr\u0065dential" : [ "x" ] }"#,
                r#" {"a":{"credential":1},"cr\u0065dential" : "" }"#,
            ),
            (
                r#"{"credential":"x","credential":"y"}"#,
                r#"{"credential":"","credential":""}"#,
            ),
            (r#"{"a":"credential"}"#, r#"{"a":"credential"}"#),
        ] {
            assert_eq!(blanked(with).as_deref(), Some(without));
        }
        for nothing in [
            "",
            "[]",
            "{",
            r#"{"credential":"x""#,
            r#"{"credential":"x"}}"#,
        ] {
            assert_eq!(blanked(nothing), None, "{nothing}");
        }
        assert_eq!(without_credential(b"{\"a\":\"\xff\"}"), None);
    }

    proptest! {
        #[test]
        fn a_vote_with_whatever_edits_shows_no_credential(vote in edited()) {
            if let Some(blanked) = without_credential(&vote) {
                let fields: serde_json::Map<String, Value> = serde_json::from_slice(&blanked).unwrap();
                prop_assert!(fields.get("credential").is_none_or(|held| held == ""));
            }
        }

        #[test]
        fn nothing_but_the_credential_changes(
            credential in json(),
            others in prop::collection::btree_map("[a-z\"é]{0,8}", json(), 0..4),
        ) {
            let mut vote: serde_json::Map<String, Value> = others.into_iter().collect();
            vote.insert("credential".into(), credential);
            let text = Value::from(vote).to_string();
            let found: serde_json::Map<String, Value> =
                serde_json::from_str(&blanked(&text).unwrap()).unwrap();
            let mut wanted: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
            wanted.insert("credential".into(), "".into());
            prop_assert_eq!(found, wanted);
        }
    }

    /// With a splice for each, this took a minute.
    #[test]
    fn a_record_full_of_credentials_is_blanked_in_one_pass() {
        const FIELDS: usize = 400_000;
        let fields = vec![r#""credential":"secret""#; FIELDS].join(",");
        let found = blanked(&format!("{{{fields}}}")).unwrap();
        assert_eq!(found.matches(r#""credential":"""#).count(), FIELDS);
        assert!(!found.contains("secret"));
    }

    #[test]
    fn the_sample_has_a_credential_to_lose() {
        let with = VOTES.into_iter().find(|vote| vote.contains(SECRET));
        assert!(!blanked(with.unwrap()).unwrap().contains(SECRET));
    }
}
