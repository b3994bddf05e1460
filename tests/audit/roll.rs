//! Changes of the roll, one after the other, each found.

use platform::{NewRecord, Platform};
use wire::topics;

use crate::audit::Audited;
use crate::support::open_log;

/// Rows of voters, and of records that are none: edited, deleted, added.
pub async fn every_change_of_the_roll_is_found(audited: &Audited) {
    let row = audited
        .database
        .client
        .query_one(
            "SELECT voter_id FROM voters ORDER BY voter_id LIMIT 1 OFFSET 200",
            &[],
        )
        .await
        .unwrap();
    let voter: &str = row.get(0);
    let of_voter = format!("WHERE voter_id = '{voter}'");
    for (change, columns) in [
        ("gender = 'other'", "gender"),
        ("address_state = 'Elsewhere'", "address_state"),
        ("registered_age = registered_age + 1", "registered_age"),
        ("voter_name = 'X', email = 'x'", "voter_name, email"),
    ] {
        audited
            .found(
                &format!("UPDATE voters SET {change} {of_voter}"),
                "voters",
                1,
                &[&format!(
                    "voter {voter}: the row differs from the registration: {columns}\n"
                )],
            )
            .await;
    }
    audited
        .found(
            &format!("DELETE FROM voters {of_voter}"),
            "voters",
            1,
            &[&format!(
                "voter {voter} is registered, but has no row in voters"
            )],
        )
        .await;
    let nobody = "the log does not register this voter";
    audited
        .found(
            "INSERT INTO voters (voter_id) VALUES ('invented')",
            "voters",
            1,
            &["invented", nobody],
        )
        .await;
    // The row of one in the place of another's keeps their number.
    audited
        .found(
            &format!("UPDATE voters SET voter_id = 'invented' {of_voter}"),
            "voters",
            2,
            &[voter, "has no row in voters", "invented", nobody],
        )
        .await;
    audited
        .found(
            "INSERT INTO voters (voter_id) VALUES ('')",
            "voters",
            1,
            &["rows for", "registered voters"],
        )
        .await;
    audited
        .found(
            r#"UPDATE checkpoints SET next_offset = next_offset - 1
               WHERE consumer = 'persist' AND topic = 'voters' AND "partition" = 1"#,
            "checkpoints",
            3,
            &[
                "partition 1: voters are persisted up to offset",
                "partition 1: the chain ends at offset",
                nobody,
            ],
        )
        .await;
    records_that_are_no_voters_are_compared(audited).await;
}

async fn records_that_are_no_voters_are_compared(audited: &Audited) {
    let log = open_log(&audited.data.path()).await;
    let begin = log.end_offset(topics::VOTERS, 0).await.unwrap();
    let records = ["no voter", r#"{"voter_id":""}"#].map(|value| NewRecord {
        key: Some(b"k0".to_vec()),
        value: value.into(),
    });
    log.produce(topics::VOTERS, records.into()).await.unwrap();
    let end = log.end_offset(topics::VOTERS, 0).await.unwrap();
    log.close().await.unwrap();
    let partition = if end > begin { 0 } else { 1 };
    let consumer = ["consumer", "--once", "--database-url", &audited.url];
    audited.data.run(&consumer).succeeds();
    audited.is_fine();

    let row = audited
        .database
        .client
        .query_one(
            r#"SELECT max(log_offset) FROM rejected_voters WHERE "partition" = $1"#,
            &[&partition],
        )
        .await
        .unwrap();
    let offset: i64 = row.get(0);
    let there = format!(r#"WHERE "partition" = {partition} AND log_offset = {offset}"#);
    let place = format!("partition {partition} offset {offset} of voters");
    audited
        .found(
            &format!("DELETE FROM rejected_voters {there}"),
            "rejected_voters",
            1,
            &[&place, "has no row in rejected_voters"],
        )
        .await;
    audited
        .found(
            &format!("UPDATE rejected_voters SET value = value || 'x' {there}"),
            "rejected_voters",
            1,
            &[&place, "not what its row keeps"],
        )
        .await;
    let insert = |partition: i32, offset: i64| {
        format!("INSERT INTO rejected_voters VALUES ({partition}, {offset}, '', '')")
    };
    audited
        .found(
            &insert(partition, 0),
            "rejected_voters",
            1,
            &[
                &format!("partition {partition} offset 0 of voters"),
                "the record is a voter",
            ],
        )
        .await;
    for (partition, offset) in [(partition, offset + 1), (7, 0)] {
        audited
            .found(
                &insert(partition, offset),
                "rejected_voters",
                1,
                &[&format!(
                    "partition {partition} of voters has no offset {offset}"
                )],
            )
            .await;
    }
}
