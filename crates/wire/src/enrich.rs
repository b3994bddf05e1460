//! Enriching a vote: the candidate's fields joined into it, flat, as the tutorial's Spark job did.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use ballot::{Candidate, GroupPaths, ParsedVote, Reason};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::publishable::{BLANK, CREDENTIAL, place_of};

/// A JSON object's fields in their order, values as they stand in the text.
pub(crate) struct ObjectFields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

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

/// The names of a candidate's fields in an enriched vote.
const JOINED: [&str; 5] = [
    "candidate_name",
    "party_affiliation",
    "biography",
    "campaign_platform",
    "photo_url",
];

fn is_joined(name: &[u8]) -> bool {
    JOINED.iter().any(|joined| joined.as_bytes() == name)
}

/// The text of a vote that has been read.
#[derive(Debug, Clone)]
pub struct VoteText<'a> {
    text: &'a [u8],
    /// Nothing in it is escaped, and no field has the name of a candidate's.
    is_plain: bool,
    /// Where a plain one's credential stands, without quotation marks.
    credential: Option<Range<usize>>,
}

impl<'a> VoteText<'a> {
    /// Reads a record's value.
    ///
    /// # Errors
    /// As [`ParsedVote::parse`].
    pub fn read(
        text: &'a [u8],
        paths: &GroupPaths,
    ) -> Result<(ParsedVote<'a>, VoteText<'a>), Reason> {
        let mut has_them = false;
        match ParsedVote::parse_plain(text, paths, |name| has_them |= is_joined(name)) {
            Some(vote) => {
                let mut read = VoteText {
                    text,
                    is_plain: !has_them,
                    credential: None,
                };
                if let Some(credential) = &vote.credential {
                    let text = std::str::from_utf8(text).map_err(|_| Reason::Malformed)?;
                    read.credential = place_of(text, credential);
                    read.is_plain &= read.credential.is_some();
                }
                Ok((vote, read))
            }
            None => Ok((
                ParsedVote::parse_json(text, paths)?,
                VoteText {
                    text,
                    is_plain: false,
                    credential: None,
                },
            )),
        }
    }
}

/// Joins candidates into votes.
#[derive(Debug, Clone)]
pub struct Enricher {
    /// Each candidate's fields as JSON, without the braces around, by id.
    by_id: HashMap<String, Vec<u8>>,
    /// Those of candidates that are not listed.
    others: Option<Vec<u8>>,
}

impl Enricher {
    /// Joins these candidates.
    ///
    /// # Errors
    /// Never in practice: text always has a JSON form.
    pub fn new(candidates: &[Candidate]) -> Result<Self, serde_json::Error> {
        let by_id = candidates
            .iter()
            .map(|candidate| Ok((candidate.candidate_id.clone(), fields_of(candidate)?)));
        Ok(Enricher {
            by_id: by_id.collect::<Result<_, serde_json::Error>>()?,
            others: None,
        })
    }

    /// Joins this one into the votes for candidates that are not listed.
    ///
    /// # Errors
    /// As [`Enricher::new`].
    pub fn with_others(self, candidate: &Candidate) -> Result<Self, serde_json::Error> {
        Ok(Enricher {
            others: Some(fields_of(candidate)?),
            ..self
        })
    }

    /// The vote with its candidate's fields behind its own. Every other field passes through untouched,
    /// byte for byte and in its place, but for the voter's credential, which is emptied: it is for who
    /// counts. A field of the vote that has a candidate field's name gives way to it. `None` for what is
    /// no vote, or is for nobody listed.
    pub fn enrich(&self, vote: &[u8]) -> Option<Vec<u8>> {
        let (vote, text) = VoteText::read(vote, &GroupPaths::default()).ok()?;
        self.join(text, &vote.candidate_id?)
    }

    /// Like [`Enricher::enrich`], for a vote that has been read.
    pub fn join(&self, vote: VoteText<'_>, candidate_id: &str) -> Option<Vec<u8>> {
        let VoteText {
            text,
            is_plain,
            credential,
        } = vote;
        let fields = self.by_id.get(candidate_id);
        let fields = fields.or(self.others.as_ref())?;
        if !is_plain {
            return join(text, fields).ok();
        }
        // It has been read, so it is one object.
        let own = text.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end();
        let mut out = Vec::with_capacity(own.len() + fields.len() + 2);
        match credential {
            None => out.extend_from_slice(own),
            Some(place) => {
                out.extend_from_slice(own.get(..place.start)?);
                out.extend_from_slice(own.get(place.end..)?);
            }
        }
        out.push(b',');
        out.extend_from_slice(fields);
        out.push(b'}');
        Some(out)
    }
}

/// A candidate's fields as JSON, without the braces around.
fn fields_of(candidate: &Candidate) -> Result<Vec<u8>, serde_json::Error> {
    let texts = [
        &candidate.candidate_name,
        &candidate.party_affiliation,
        &candidate.biography,
        &candidate.campaign_platform,
        &candidate.photo_url,
    ];
    let mut fields = Vec::new();
    for (name, text) in JOINED.iter().zip(texts) {
        if !fields.is_empty() {
            fields.push(b',');
        }
        serde_json::to_writer(&mut fields, name)?;
        fields.push(b':');
        serde_json::to_writer(&mut fields, text)?;
    }
    Ok(fields)
}

/// Puts a candidate's fields behind those of the vote that have other names.
fn join(vote: &[u8], candidate: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let ObjectFields(fields) = serde_json::from_slice(vote)?;
    let mut out = Vec::with_capacity(vote.len() + candidate.len() + 2);
    out.push(b'{');
    for (name, value) in fields {
        if !is_joined(name.as_bytes()) {
            serde_json::to_writer(&mut out, &name)?;
            out.push(b':');
            let is_credential = name == CREDENTIAL;
            let value = if is_credential {
                BLANK
            } else {
                value.get().as_bytes()
            };
            out.extend_from_slice(value);
            out.push(b',');
        }
    }
    out.extend_from_slice(candidate);
    out.push(b'}');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn candidate() -> Candidate {
        Candidate {
            candidate_id: "c".into(),
            candidate_name: "Ada \"L\"".into(),
            party_affiliation: "P".into(),
            biography: String::new(),
            campaign_platform: "More".into(),
            photo_url: "/c.svg".into(),
        }
    }

    fn enriched(vote: &str) -> Option<String> {
        let enricher = Enricher::new(&[candidate()]).unwrap();
        enricher
            .enrich(vote.as_bytes())
            .map(|vote| String::from_utf8(vote).unwrap())
    }

    const CANDIDATE: &str = r#""candidate_name":"Ada \"L\"","party_affiliation":"P","biography":"","campaign_platform":"More","photo_url":"/c.svg""#;

    #[test]
    fn candidate_fields_are_joined_and_the_rest_is_untouched() {
        let own = r#""voter_id":"v", "n": 150,"candidate_id":"c","voting_time":"2024-07-04 12:00:00","vote":1"#;
        let joined = format!("{{{own},{CANDIDATE}}}");
        assert_eq!(enriched(&format!("{{{own} }} ")), Some(joined));
        for own_photo in [r#""photo_url":"old""#, r#""photo\u005furl":"old""#] {
            let found = enriched(&format!("{{{own_photo}, {own}}}")).unwrap();
            let own = own.replace(": ", ":").replace(", ", ",");
            assert_eq!(found, format!("{{{own},{CANDIDATE}}}"));
        }
    }

    #[test]
    fn what_is_no_vote_or_for_nobody_is_left_alone() {
        assert_eq!(enriched("[]"), None);
        assert_eq!(enriched("{}"), None);
        let other =
            r#"{"voter_id":"v","candidate_id":"d","voting_time":"2024-07-04 12:00:00","vote":1}"#;
        assert_eq!(enriched(other), None);
        let enricher = Enricher::new(&[]).unwrap().with_others(&candidate());
        let joined = enricher.unwrap().enrich(other.as_bytes()).unwrap();
        let own = other.strip_suffix('}').unwrap();
        assert_eq!(
            String::from_utf8(joined).unwrap(),
            format!("{own},{CANDIDATE}}}")
        );
    }

    proptest! {
        #[test]
        fn it_is_what_a_general_reader_would_make_of_it(
            own in prop::collection::btree_map(
                prop_oneof!["[a-z \\\\\"é]{0,8}", Just("biography".to_owned()), Just("photo_url".to_owned()), Just("credential".to_owned())],
                prop_oneof![
                    ".*".prop_map(Value::from),
                    any::<i64>().prop_map(Value::from),
                    Just(json!(null)),
                    Just(json!({"state": "Fife", "biography": [1, "candidate_name"]})),
                ],
                0..6,
            ),
            pretty in any::<bool>(),
        ) {
            let mut vote: Map<String, Value> = own.into_iter().collect();
            for (name, value) in [("voter_id", "v"), ("candidate_id", "c"), ("voting_time", "2024-07-04 12:00:00")] {
                vote.insert(name.into(), value.into());
            }
            vote.insert("vote".into(), 1.into());
            let text = if pretty {
                serde_json::to_string_pretty(&vote)
            } else {
                serde_json::to_string(&vote)
            };
            let found: Map<String, Value> = serde_json::from_str(&enriched(&text.unwrap()).unwrap()).unwrap();
            let fields: Map<String, Value> = serde_json::from_str(&format!("{{{CANDIDATE}}}")).unwrap();
            vote.extend(fields);
            if let Some(credential) = vote.get_mut("credential") {
                *credential = "".into();
            }
            prop_assert_eq!(found, vote);
        }
    }
}
