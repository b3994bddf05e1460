//! Enriching a vote: the candidate's fields joined into it, flat, as the tutorial's Spark job did.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::Candidate;

/// A JSON object's fields in their order, values as they stand in the text.
struct ObjectFields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for ObjectFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = ObjectFields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, &RawValue>()? {
                    fields.push((name, value));
                }
                Ok(ObjectFields(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// The vote with the candidate's fields set in it. Every other field passes through untouched, byte
/// for byte and in its place; a field of the vote that has a candidate field's name gives way to it.
///
/// # Errors
/// When the value is not a JSON object.
pub fn enrich_vote(vote: &[u8], candidate: &Candidate) -> Result<Vec<u8>, serde_json::Error> {
    let ObjectFields(fields) = serde_json::from_slice(vote)?;
    let joined = [
        ("candidate_name", &candidate.candidate_name),
        ("party_affiliation", &candidate.party_affiliation),
        ("biography", &candidate.biography),
        ("campaign_platform", &candidate.campaign_platform),
        ("photo_url", &candidate.photo_url),
    ];
    let mut out = Vec::with_capacity(vote.len() + 256);
    out.push(b'{');
    for (name, value) in fields {
        if joined.iter().all(|(joined, _)| *joined != name) {
            serde_json::to_writer(&mut out, &name)?;
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
            out.push(b',');
        }
    }
    for (name, text) in joined {
        serde_json::to_writer(&mut out, name)?;
        out.push(b':');
        serde_json::to_writer(&mut out, text)?;
        out.push(b',');
    }
    out.pop();
    out.push(b'}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidate_fields_are_joined_and_the_rest_is_untouched() {
        let candidate = Candidate {
            candidate_id: "c".into(),
            candidate_name: "Ada \"L\"".into(),
            party_affiliation: "P".into(),
            biography: String::new(),
            campaign_platform: "More".into(),
            photo_url: "/c.svg".into(),
        };
        let vote = br#"{"voter_id":"v", "n": 1.50, "photo_url":"old","candidate_id":"c"}"#;
        let enriched = String::from_utf8(enrich_vote(vote, &candidate).unwrap()).unwrap();
        assert_eq!(
            enriched,
            r#"{"voter_id":"v","n":1.50,"candidate_id":"c","candidate_name":"Ada \"L\"","party_affiliation":"P","biography":"","campaign_platform":"More","photo_url":"/c.svg"}"#
        );
        assert!(enrich_vote(b"[]", &candidate).is_err());
    }
}
