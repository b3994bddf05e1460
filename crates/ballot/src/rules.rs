//! The rules a single vote is held to: everything but "has this voter voted before".

use std::borrow::Cow;

use serde::Deserialize;

use crate::names::{Names, same_bytes};
use crate::params::{PARAM_CANDIDATES, PARAM_CREDENTIAL_KEY, PARAM_POLLS_CLOSE, PARAM_POLLS_OPEN};
use crate::{
    AgeBand, Candidate, CredentialKey, ParamError, Params, ParsedVote, Reason, VotingTime,
    group_name,
};

/// When votes may be cast: from `open` (inclusive) to `close` (exclusive); no limit where `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PollsWindow {
    /// First second at which a vote may be cast.
    pub open: Option<VotingTime>,
    /// First second at which a vote may no longer be cast.
    pub close: Option<VotingTime>,
}

impl PollsWindow {
    /// Whether a vote cast at `time` is in time.
    pub fn contains(&self, time: VotingTime) -> bool {
        self.open.is_none_or(|open| time >= open) && self.close.is_none_or(|close| time < close)
    }
}

/// Who stands, when the polls are open, and whether votes must carry a credential.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    candidates: Option<Names>,
    polls: PollsWindow,
    credentials: Option<CredentialKey>,
}

/// A vote that keeps every rule for a single vote. Whether it is the voter's first is for
/// [`PartitionCounter`](crate::PartitionCounter) (or the database's unique key) to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ballot<'a> {
    /// The voter.
    pub voter_id: Cow<'a, str>,
    /// The choice.
    pub candidate_id: Cow<'a, str>,
    /// The candidate's number among those that the rules list, where they list them.
    pub(crate) candidate_number: Option<usize>,
    /// When it was cast.
    pub voting_time: VotingTime,
    state: Option<Cow<'a, str>>,
    gender: Option<Cow<'a, str>>,
    /// The voter's age band.
    pub age_band: AgeBand,
}

impl Ballot<'_> {
    /// The location the vote is counted in.
    pub fn location(&self) -> &str {
        group_name(self.state.as_deref().unwrap_or_default())
    }

    /// The gender the vote is counted for.
    pub fn gender(&self) -> &str {
        group_name(self.gender.as_deref().unwrap_or_default())
    }
}

/// A candidate in the `candidates` parameter: an object with an id, or the bare id.
#[derive(Deserialize)]
#[serde(untagged)]
enum CandidateParam {
    Id(String),
    Candidate { candidate_id: String },
}

impl Rules {
    /// The candidates that stand; none where any does.
    pub(crate) fn candidates(&self) -> Names {
        self.candidates.clone().unwrap_or_default()
    }

    /// The rules of an election with these candidates and this window, without credentials.
    pub fn new<'a>(
        candidates: impl IntoIterator<Item = &'a Candidate>,
        polls: PollsWindow,
    ) -> Rules {
        Rules {
            candidates: Some(
                candidates
                    .into_iter()
                    .map(|candidate| candidate.candidate_id.as_str())
                    .collect(),
            ),
            polls,
            credentials: None,
        }
    }

    /// The same rules, and votes must carry the voter's credential under this key.
    pub fn requiring(self, key: CredentialKey) -> Rules {
        Rules {
            credentials: Some(key),
            ..self
        }
    }

    /// The rules as a SmartModule is given them.
    ///
    /// # Errors
    /// When a parameter cannot be read; it names the parameter and says what it takes.
    pub fn from_params(params: &Params) -> Result<Rules, ParamError> {
        let candidates = params
            .get(PARAM_CANDIDATES)
            .map(|json| {
                serde_json::from_str::<Vec<CandidateParam>>(json).map_err(|error| {
                    ParamError::new(
                        PARAM_CANDIDATES,
                        format!("takes a JSON array of candidates or candidate ids: {error}"),
                    )
                })
            })
            .transpose()?
            .map(|candidates| {
                candidates
                    .iter()
                    .map(|candidate| match candidate {
                        CandidateParam::Id(id) => id.as_str(),
                        CandidateParam::Candidate { candidate_id } => candidate_id.as_str(),
                    })
                    .collect()
            });
        let time = |name| {
            params
                .get(name)
                .map(|text| {
                    VotingTime::parse(text).ok_or_else(|| {
                        ParamError::new(
                            name,
                            format!("`{text}` is not a time like `2024-07-04 07:00:00` (UTC)"),
                        )
                    })
                })
                .transpose()
        };
        Ok(Rules {
            candidates,
            polls: PollsWindow {
                open: time(PARAM_POLLS_OPEN)?,
                close: time(PARAM_POLLS_CLOSE)?,
            },
            credentials: params
                .get(PARAM_CREDENTIAL_KEY)
                .map(|key| CredentialKey::parse(key))
                .transpose()
                .map_err(|error| ParamError::new(PARAM_CREDENTIAL_KEY, error.to_string()))?,
        })
    }

    /// The parameters that make a SmartModule keep these rules.
    pub fn to_params(&self) -> Params {
        let mut params = Params::new();
        if let Some(candidates) = &self.candidates {
            let mut ids: Vec<&str> = candidates.iter().collect();
            ids.sort_unstable();
            params.insert(PARAM_CANDIDATES.into(), serde_json::json!(ids).to_string());
        }
        for (name, time) in [
            (PARAM_POLLS_OPEN, self.polls.open),
            (PARAM_POLLS_CLOSE, self.polls.close),
        ] {
            if let Some(time) = time {
                params.insert(name.into(), time.to_string());
            }
        }
        if let Some(key) = &self.credentials {
            params.insert(PARAM_CREDENTIAL_KEY.into(), key.to_hex());
        }
        params
    }

    /// Whether a vote must carry the voter's credential.
    pub fn requires_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Judges one record of `votes`, without regard to other records.
    ///
    /// # Errors
    /// The reason it is rejected for; the first that applies, in [`Reason`]'s order.
    pub fn judge<'a>(&self, key: Option<&[u8]>, value: &'a [u8]) -> Result<Ballot<'a>, Reason> {
        self.judge_vote(key, ParsedVote::parse(value)?)
    }

    /// Judges a record's key and the vote that its value is.
    ///
    /// # Errors
    /// As [`Rules::judge`].
    #[inline]
    pub fn judge_vote<'a>(
        &self,
        key: Option<&[u8]>,
        vote: ParsedVote<'a>,
    ) -> Result<Ballot<'a>, Reason> {
        if !key.is_some_and(|key| same_bytes(key, vote.voter_id.as_bytes())) {
            return Err(Reason::WrongKey);
        }
        // Only now: without its credential the vote speaks for nobody, whatever else is wrong with it.
        if let Some(key) = &self.credentials
            && !carries_credential(key, &vote)
        {
            return Err(Reason::BadCredential);
        }
        if !vote.weight_is_one {
            return Err(Reason::InvalidWeight);
        }
        let candidate_number = match &self.candidates {
            Some(candidates) => match candidates.number(&vote.candidate_id) {
                None => return Err(Reason::UnknownCandidate),
                number => number,
            },
            None => None,
        };
        if !self.polls.contains(vote.voting_time) {
            return Err(Reason::PollsClosed);
        }
        Ok(Ballot {
            voter_id: vote.voter_id,
            candidate_id: vote.candidate_id,
            candidate_number,
            voting_time: vote.voting_time,
            state: vote.state,
            gender: vote.gender,
            age_band: AgeBand::of(vote.age),
        })
    }
}

/// Out of the counting loop, which has no use for it where no credential is required.
#[cold]
#[inline(never)]
fn carries_credential(key: &CredentialKey, vote: &ParsedVote<'_>) -> bool {
    vote.credential
        .as_deref()
        .is_some_and(|credential| key.accepts(&vote.voter_id, credential))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTE: &[u8] =
        br#"{"voter_id":"v","candidate_id":"a","voting_time":"2024-07-04 12:00:00","vote":1}"#;

    fn rules(params: &[(&str, &str)]) -> Result<Rules, ParamError> {
        let params = params.iter().map(|&(k, v)| (k.into(), v.into())).collect();
        Rules::from_params(&params)
    }

    #[test]
    fn each_rule_has_its_reason() {
        let open = rules(&[]).unwrap();
        assert_eq!(open.judge(Some(b"v"), VOTE).unwrap().location(), "unknown");
        assert_eq!(open.judge(Some(b"w"), VOTE), Err(Reason::WrongKey));
        assert_eq!(open.judge(None, VOTE), Err(Reason::WrongKey));
        let other = rules(&[("candidates", r#"["b"]"#)]).unwrap();
        assert_eq!(other.judge(Some(b"v"), VOTE), Err(Reason::UnknownCandidate));
        let listed = rules(&[(
            "candidates",
            r#"[{"candidate_id":"a","candidate_name":"A"}]"#,
        )]);
        assert!(listed.unwrap().judge(Some(b"v"), VOTE).is_ok());
        for (name, time, expected) in [
            ("polls_open", "2024-07-04 12:00:00", None),
            (
                "polls_open",
                "2024-07-04 12:00:01",
                Some(Reason::PollsClosed),
            ),
            (
                "polls_close",
                "2024-07-04 12:00:00",
                Some(Reason::PollsClosed),
            ),
            ("polls_close", "2024-07-04 12:00:01", None),
        ] {
            let window = rules(&[(name, time)]).unwrap();
            assert_eq!(
                window.judge(Some(b"v"), VOTE).err(),
                expected,
                "{name} {time}"
            );
        }
    }

    /// A vote of `v` with this behind the opening brace.
    fn vote_with(field: &str) -> Vec<u8> {
        let vote = String::from_utf8(VOTE.to_vec()).unwrap();
        vote.replacen('{', &format!("{{{field}"), 1).into_bytes()
    }

    #[test]
    fn where_credentials_are_required_only_the_voters_own_opens_the_count() {
        let key = CredentialKey::from_bytes([7; 32]);
        let open = Rules::new(&[], PollsWindow::default());
        let open = Rules {
            candidates: None,
            ..open
        };
        let rules = open.clone().requiring(key.clone());
        let own = key.credential("v");
        let with = |credential: &str| vote_with(&format!(r#""credential":{credential},"#));
        let good = with(&format!("\"{own}\""));
        assert!(rules.judge(Some(b"v"), &good).is_ok());
        assert!(open.judge(Some(b"v"), &good).is_ok());
        let others = key.credential("w");
        for bad in [
            VOTE.to_vec(),
            with("null"),
            with("\"\""),
            with(&format!("\"{others}\"")),
            with(&format!("[\"{own}\"]")),
            with(&format!("\" {own}\"")),
        ] {
            let verdict = rules.judge(Some(b"v"), &bad);
            assert_eq!(verdict, Err(Reason::BadCredential));
            assert!(open.judge(Some(b"v"), &bad).is_ok());
        }
        // Its place in the order: behind the key, before all that the vote says.
        assert_eq!(rules.judge(Some(b"w"), VOTE), Err(Reason::WrongKey));
        let heavy = String::from_utf8(VOTE.to_vec()).unwrap();
        let heavy = heavy.replace("\"vote\":1", "\"vote\":2");
        let verdict = rules.judge(Some(b"v"), heavy.as_bytes());
        assert_eq!(verdict, Err(Reason::BadCredential));
        let twice = format!(r#""credential":"{own}","credential":"{own}","#);
        let twice = vote_with(&twice);
        for rules in [&rules, &open] {
            assert_eq!(rules.judge(Some(b"v"), &twice), Err(Reason::Malformed));
        }
        assert!(rules.requires_credentials() && !open.requires_credentials());
    }

    #[test]
    fn the_key_is_a_parameter_that_no_error_shows() {
        let key = CredentialKey::from_bytes([7; 32]).to_hex();
        let params = rules(&[("credential_key", &key)]).unwrap().to_params();
        assert_eq!(params.get("credential_key"), Some(&key));
        assert_eq!(
            crate::module_params(|name| params.get(name).cloned()),
            params
        );
        let error = rules(&[("credential_key", &key[1..])]).unwrap_err();
        assert_eq!(error.name, "credential_key");
        let shown = format!("{error} {error:?} {:?}", rules(&[("credential_key", &key)]));
        assert!(!shown.contains(&key[1..]), "{shown}");
    }

    #[test]
    fn parameters_survive_the_round_trip_and_say_what_is_wrong() {
        let params: Params = [
            ("candidates", r#"["a","b"]"#),
            ("polls_open", "2024-07-04 07:00:00"),
        ]
        .iter()
        .map(|&(k, v)| (k.into(), v.into()))
        .collect();
        assert_eq!(Rules::from_params(&params).unwrap().to_params(), params);
        let error = rules(&[("candidates", "a,b")]).unwrap_err().to_string();
        assert!(
            error.contains("`candidates`") && error.contains("JSON array"),
            "{error}"
        );
        assert!(rules(&[("polls_open", "7 am")]).is_err());
    }
}
