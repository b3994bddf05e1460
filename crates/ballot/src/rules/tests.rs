//! The rules for a single vote: each has its reason, and all survive being passed as parameters.

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
    assert_eq!(
        open.judge(Some(b"v"), VOTE).unwrap().candidate_id(),
        Some("a")
    );
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
    let open = Rules::default();
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
fn a_vote_counts_only_in_the_partition_of_its_key() {
    let of_v = crate::partition_of(b"v", 4);
    for number in 0..4 {
        let text = format!("{number}/4");
        let rules = rules(&[("partition", &text)]).unwrap();
        assert_eq!(rules.to_params()["partition"], text);
        let verdict = rules.judge(Some(b"v"), VOTE).map(drop);
        let expected = match number == of_v {
            true => Ok(()),
            false => Err(Reason::WrongPartition),
        };
        assert_eq!(verdict, expected);
        // The key is held against the vote first.
        assert_eq!(rules.judge(Some(b"w"), VOTE), Err(Reason::WrongKey));
    }
    for wrong in ["", "4/4", "1", "1/4/4", "-1/4", "a/b"] {
        let error = rules(&[("partition", wrong)]).unwrap_err();
        assert_eq!(error.name, "partition", "{wrong}");
    }
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
