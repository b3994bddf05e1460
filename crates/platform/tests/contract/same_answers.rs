//! Every module over the same records gives the same answers on every platform, byte for byte.
//!
//! The answers are known by their number and a SipHash over keys and values. They were made with
//! `fluvio-smartengine` 0.50.1, the engine of Fluvio's SPU.

use std::collections::BTreeMap;
use std::hash::Hasher;

use ballot::{Delta, TUTORIAL_CONTEST, Tally};
use election_platform::NewRecord;
use serde_json::json;
use siphasher::sip::SipHasher24;

use super::{Adapter, deploy_all, request, take};

const RECORDS: usize = 600;
/// So many voters vote, some of them again.
const VOTERS: usize = 450;
const CANDIDATES: &str = r#"[{"candidate_id":"a","candidate_name":"Ada \"the Bold\"","party_affiliation":"P"},
    {"candidate_id":"b","candidate_name":"Bo","party_affiliation":"Q"}]"#;

type Chain = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// Chains that answer record by record: what they are, the number of their outputs, and their hash.
const ANSWERS: [(Chain, usize, u64); 7] = [
    (
        &[("vote-filter", &[("candidates", CANDIDATES)])],
        461,
        0xa379_6faa_4b9e_c1e6,
    ),
    (
        &[(
            "vote-filter",
            &[("candidates", CANDIDATES), ("mode", "rejected")],
        )],
        139,
        0xae28_bff6_6d3c_427e,
    ),
    (
        &[("vote-enrich", &[("candidates", CANDIDATES)])],
        600,
        0xf626_020b_698a_d102,
    ),
    (
        &[(
            "vote-enrich",
            &[
                ("candidates", CANDIDATES),
                ("mode", "every"),
                ("duplicates", "drop"),
            ],
        )],
        600,
        0x6622_4f30_450b_e8df,
    ),
    (
        &[
            ("vote-filter", &[("candidates", CANDIDATES)]),
            ("vote-enrich", &[("candidates", CANDIDATES)]),
        ],
        461,
        0xe458_7ab0_ff62_a06d,
    ),
    (&[("votes-per-candidate", &[])], 600, 0xfe42_e0b7_7267_0de7),
    (&[("turnout-by-location", &[])], 600, 0x4508_40ab_f145_3964),
];

/// The hash of the figures of `vote-tally`, see [`figures`]. Its deltas depend on where batches end.
const TALLY: u64 = 0xf917_5fcb_83fc_376a;

/// Votes of all sorts, the same each time.
fn records() -> Vec<NewRecord> {
    (0..RECORDS)
        .map(|n| {
            let voter = format!("{:08x}-0000-4000-8000-{:012x}", n % VOTERS, n % VOTERS);
            let candidate = match n % 19 {
                0 => "nobody",
                n if n % 3 == 0 => "a",
                _ => "b",
            };
            let weight = if n % 23 == 0 { 2 } else { 1 };
            let state = ["Fife", " Kent ", "Ynys M\\u00f4n", "\u{9078}\u{6c11}"][n % 4];
            let age = n % 90;
            let value = match n % 17 {
                0 => format!("not a vote {n}"),
                1 => format!(r#"{{"voter_id":"{voter}","candidate_id":"{candidate}"}}"#),
                _ => format!(
                    r#"{{"voter_id":"{voter}","candidate_id":"{candidate}","vote":{weight},"voting_time":"2024-07-04 12:00:{:02}","gender":"{}","registered_age":{age},"address":{{"state":"{state}"}},"extra":[{n},null,"\"\\"]}}"#,
                    n % 60,
                    ["female", "male"][n % 2],
                ),
            };
            let key = match n % 29 {
                0 => "somebody else".to_owned(),
                _ => voter,
            };
            NewRecord {
                key: Some(key.into()),
                value: value.into(),
            }
        })
        .collect()
}

fn hash<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hasher = SipHasher24::new();
    for text in texts {
        hasher.write_u64(text.len() as u64);
        hasher.write(text);
    }
    hasher.finish()
}

pub async fn every_module_answers_as_on_an_spu(platform: Adapter) {
    deploy_all(&platform).await;
    platform.create_topic("same-answers", 1).await.unwrap();
    platform.produce("same-answers", records()).await.unwrap();
    let mut found = Vec::new();
    for (chain, count, _) in ANSWERS {
        let outputs = take(&platform, request("same-answers", 0, 0, chain), count).await;
        let texts = outputs.iter().flat_map(|output| {
            let key = output.key.as_deref().unwrap_or_default();
            [key, &output.value[..]]
        });
        found.push((outputs.len(), hash(texts)));
    }
    let expected: Vec<_> = ANSWERS
        .iter()
        .map(|&(_, count, hash)| (count, hash))
        .collect();
    assert_eq!(found, expected);

    let chain: Chain = &[("vote-tally", &[("candidates", CANDIDATES)])];
    let mut stream = platform
        .stream(request("same-answers", 0, 0, chain))
        .await
        .unwrap();
    let mut tally = Tally::default();
    while tally.cast() < RECORDS as u64 {
        for output in futures_util::StreamExt::next(&mut stream)
            .await
            .unwrap()
            .unwrap()
        {
            let delta: Delta = serde_json::from_slice(&output.value).unwrap();
            tally.add(&delta.tally);
        }
    }
    let figures = figures(&tally);
    assert_eq!(hash([figures.as_bytes()]), TALLY, "{figures}");
}

/// The tally as it was written when its hash was made: locations by candidate, genders, age bands.
fn figures(tally: &Tally) -> String {
    let mut candidates: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (location, selections) in tally.selections_by(TUTORIAL_CONTEST, "location") {
        for (candidate, &votes) in selections {
            candidates
                .entry(candidate)
                .or_default()
                .insert(location, votes);
        }
    }
    let ages = tally.turnout_by("age");
    // Youngest first.
    let bands = [
        "under 18", "18-24", "25-34", "35-44", "45-54", "55-64", "65+", "unknown",
    ];
    let bands: Vec<String> = (bands.iter())
        .filter_map(|band| Some(format!("\"{band}\":{}", ages.get(*band)?)))
        .collect();
    format!(
        r#"{{"candidates":{},"genders":{},"age_bands":{{{}}},"rejected":{}}}"#,
        json!(candidates),
        json!(tally.turnout_by("gender")),
        bands.join(","),
        serde_json::to_string(&tally.rejected).unwrap()
    )
}
