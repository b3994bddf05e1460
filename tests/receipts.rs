//! Seals and inclusion receipts: a voter can prove that the vote is among those counted, to anybody who
//! has the published root, and without showing whom it was for.

use std::io::Write;
use std::process::Stdio;

use crate::support::site::Site;
use crate::support::{DataDir, Database, election, number, open_log};
use platform::{NewRecord, Platform};
use serde_json::{Value, json};
use wire::topics;

const DEMO: &[&str] = &[
    "demo",
    "--voters",
    "300",
    "--duplicates",
    "0.1",
    "--once",
    "--json",
];

/// Somebody whose vote counts, whom it was for, and when it was cast.
struct Voter {
    id: String,
    candidate: String,
    time: String,
    partition: i64,
    offset: i64,
}

/// A voter whose vote counts, and one who has voted twice.
async fn voters(data: &DataDir) -> [Voter; 2] {
    let database = Database::embedded(&data.path()).await;
    let mut found = Vec::new();
    for which in ["NOT IN", "IN"] {
        let row = database
            .client
            .query_one(
                &format!(
                    r#"SELECT voter_id, candidate_id, "partition", log_offset, voting_time::text
                       FROM votes
                       WHERE voter_id {which} (SELECT voter_id FROM rejected_votes)
                       ORDER BY voter_id LIMIT 1 OFFSET 7"#
                ),
                &[],
            )
            .await
            .unwrap();
        found.push(Voter {
            id: row.get(0),
            candidate: row.get(1),
            partition: i64::from(row.get::<_, i32>(2)),
            offset: row.get(3),
            time: row.get(4),
        });
    }
    database.close().await;
    found.try_into().ok().unwrap()
}

/// Casts a vote as `like` did, and has it counted.
async fn cast(data: &DataDir, voter: &str, like: &Voter, weight: u32) {
    let vote = json!({
        "voter_id": voter, "candidate_id": like.candidate, "voting_time": like.time, "vote": weight,
    });
    let record = NewRecord {
        key: Some(voter.into()),
        value: vote.to_string().into_bytes(),
    };
    let log = open_log(&data.path()).await;
    log.produce(topics::VOTES, vec![record]).await.unwrap();
    log.close().await.unwrap();
    data.run(&["consumer", "--once"]).succeeds();
}

fn root_of(seal: &Value, partition: i64) -> String {
    let partitions = seal["partitions"].as_array().unwrap();
    let mut of_partition = partitions.iter().filter(|at| at["partition"] == partition);
    of_partition.next().unwrap()["root"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Whether `verify-receipt` accepts it; it sees no election.
#[track_caller]
fn is_accepted(receipt: &Value, root: Option<&str>) -> bool {
    let mut args = vec!["verify-receipt", "-"];
    args.extend(root.iter().flat_map(|root| ["--root", root]));
    let mut child = election(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = receipt.to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    match output.status.code() {
        Some(0) => true,
        Some(1) => false,
        other => panic!("{other:?}: {stderr}"),
    }
}

/// Another value of the same kind.
fn tampered(field: &str, value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_u64().unwrap() + 1),
        Value::Array(path) => json!(path[1..]),
        Value::String(text) if field == "sealed_at" => {
            json!(text.replace("Z", "").replace(&text[..4], "2001") + "Z")
        }
        Value::String(text) => {
            let other = if text.ends_with('1') { "2" } else { "1" };
            json!(format!("{}{other}", &text[..text.len() - 1]))
        }
        other => panic!("{field}: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_proves_that_a_vote_is_in_the_published_root() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let [voter, twice] = voters(&data).await;
    data.run(&["receipt", &voter.id])
        .refused(1, &["no vote is sealed yet", "election seal"]);
    cast(&data, "heavy", &voter, 2).await;

    let seal = data.run(&["seal", "--json"]).succeeds().json();
    assert_eq!((number(&seal, "seal"), &seal["is_new"]), (1, &json!(true)));
    let sealed: u64 = crate::support::sum(&seal["partitions"], "votes");
    assert_eq!(sealed, 300);
    let again = data.run(&["seal", "--json"]).succeeds().json();
    assert_eq!(again["is_new"], false);
    assert_eq!(again["partitions"], seal["partitions"]);

    for voter in [&voter, &twice] {
        let receipt = data.run(&["receipt", &voter.id]).succeeds();
        assert!(
            !receipt.stdout.contains(&voter.candidate),
            "it shows whom the vote was for"
        );
        let receipt = receipt.json();
        assert_eq!(receipt["voter_id"], voter.id);
        assert_eq!(receipt["partition"], voter.partition);
        assert_eq!(receipt["offset"], voter.offset, "the vote that counts");
        let root = root_of(&seal, voter.partition);
        assert_eq!(receipt["root"], root);
        assert!(is_accepted(&receipt, None));
        assert!(is_accepted(&receipt, Some(&root)));
        let other = root_of(&seal, 1 - voter.partition);
        assert!(!is_accepted(&receipt, Some(&other)), "another root");

        for (field, value) in receipt.as_object().unwrap() {
            let mut changed = receipt.clone();
            changed[field] = tampered(field, value);
            assert!(!is_accepted(&changed, None), "{field}");
            changed.as_object_mut().unwrap().remove(field);
            assert!(!is_accepted(&changed, None), "without {field}");
        }
    }

    // For the voter alone: whom it was for.
    let args = ["receipt", &voter.id, "--reveal"];
    let shown = data.run(&args).succeeds().json();
    assert_eq!(shown["reveal"]["candidate_id"], voter.candidate);
    assert!(is_accepted(&shown, None));
    for field in ["candidate_id", "blinding"] {
        let mut changed = shown.clone();
        changed["reveal"][field] = tampered(field, &shown["reveal"][field]);
        assert!(!is_accepted(&changed, None), "{field}");
    }

    // Words for people, and who has none.
    let file = data.file("receipt.json", shown.to_string());
    let said = data.run_without_data(&["verify-receipt", file.to_str().unwrap()]);
    let said = said.succeeds().stdout;
    assert!(
        said.contains("Only the receipt itself was checked"),
        "{said}"
    );
    assert!(said.contains(&root_of(&seal, voter.partition)), "{said}");
    assert!(said.contains(&voter.candidate), "{said}");
    let file = data.file("broken.json", &shown.to_string()[1..]);
    data.run_without_data(&["verify-receipt", file.to_str().unwrap()])
        .refused(1, &["is not a receipt"]);
    data.run_without_data(&["verify-receipt", "missing.json"])
        .refused(1, &["missing.json"]);
    data.run(&["receipt", "nobody"])
        .refused(1, &["voter nobody has no vote in the log"]);
    data.run(&["receipt", "heavy"])
        .refused(1, &["heavy", "rejected as invalid_weight"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn seals_are_added_and_published_and_stand() {
    let data = DataDir::new();
    data.run(DEMO).succeeds();
    let [voter, _] = voters(&data).await;
    let first = data.run(&["seal", "--json"]).succeeds().json();
    let old = data.run(&["receipt", &voter.id]).succeeds().json();

    // Cast later: not in that seal, but in the next.
    cast(&data, "late", &voter, 1).await;
    data.run(&["receipt", "late"])
        .refused(1, &["late", "was cast after seal 1", "election seal"]);
    let second = data.run(&["seal", "--json"]).succeeds().json();
    assert_eq!(number(&second, "seal"), 2);
    assert_eq!(crate::support::sum(&second["partitions"], "votes"), 301);
    let late = data.run(&["receipt", "late"]).succeeds().json();
    assert_eq!(late["seal"], 2);
    assert!(is_accepted(&late, Some(late["root"].as_str().unwrap())));
    let root = root_of(&first, voter.partition);
    assert!(is_accepted(&old, Some(&root)), "an older receipt stands");

    // The dashboard publishes what was printed.
    let site = Site::start(&data, &["dashboard"], 0);
    let published = site.wait_until("/api/v1/evidence", |evidence| {
        evidence["partitions"][1]["seal"]["seal"] == 2
    });
    let page = site.get("/").body;
    for at in published["partitions"].as_array().unwrap() {
        let partition = at["partition"].as_i64().unwrap();
        assert_eq!(at["seal"]["root"], root_of(&second, partition));
        assert_eq!(at["chained_to"], at["seal"]["sealed_to"]);
        assert_eq!(at["chain_head"], at["seal"]["chain_head"]);
        for hash in [
            &at["seal"]["root"],
            &at["chain_head"],
            &at["voters_chain_head"],
        ] {
            assert!(page.contains(hash.as_str().unwrap()), "{hash}");
        }
    }
    site.process.terminate();
    site.process.wait().succeeds();

    // The audit makes every root again.
    let audit = data.run(&["audit", "--json"]).succeeds().json();
    assert_eq!(number(&audit, "seals"), 4);
    // And finds the heads that were published.
    for chain in audit["chains"].as_array().unwrap() {
        let at = &published["partitions"][chain["partition"].as_u64().unwrap() as usize];
        let (to, head) = match chain["topic"].as_str().unwrap() {
            "votes" => ("chained_to", "chain_head"),
            _ => ("voters_chained_to", "voters_chain_head"),
        };
        assert_eq!(
            (&at[to], &at[head]),
            (&chain["next_offset"], &chain["head"])
        );
    }
    assert_eq!(audit["chains"].as_array().unwrap().len(), 4);
    let other = data.file("other.key", "");
    std::fs::remove_file(&other).unwrap();
    let other = other.to_str().unwrap();
    data.run_without_data(&["key", other]).succeeds();
    data.run(&["receipt", &voter.id, "--key-file", other])
        .refused(1, &["key is the wrong one"]);
    data.run(&["seal", "--key-file", other])
        .refused(1, &["nothing is sealed", "seal 1 is of"]);
    let found = data
        .run(&["audit", "--key-file", other])
        .ends_with(1)
        .stdout;
    assert!(found.contains("seal 1 is of"), "{found}");

    // An edited seal is no seal.
    let database = Database::embedded(&data.path()).await;
    let edit = "UPDATE seals SET leaves = leaves + 1 WHERE seal = 1";
    database.change(2, edit, &[]).await;
    database.close().await;
    for args in [&["audit"][..], &["seal"]] {
        data.run(args).refused(1, &["seals", "has been edited"]);
    }
}
