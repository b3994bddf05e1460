//! Changes of the chain, one after the other, each found.

use platform::{NewRecord, Platform};
use wire::topics;

use crate::audit::Audited;
use crate::support::open_log;

/// The rows of the chains: edited, deleted, added.
pub async fn every_change_of_the_chains_is_found(audited: &Audited) {
    // One more record is one more batch.
    let log = open_log(&audited.data.path()).await;
    for topic in [topics::VOTES, topics::VOTERS] {
        let record = NewRecord {
            key: Some(b"nobody".to_vec()),
            value: b"neither vote nor voter".to_vec(),
        };
        log.produce(topic, vec![record]).await.unwrap();
    }
    log.close().await.unwrap();
    let consumer = ["consumer", "--once", "--database-url", &audited.url];
    audited.data.run(&consumer).succeeds();
    audited.is_fine();
    every_change_is_found(audited, topics::VOTES, "").await;
    every_change_is_found(audited, topics::VOTERS, " of voters").await;
}

/// `of` is what stands behind a partition's number in what is told of the topic.
async fn every_change_is_found(audited: &Audited, topic: &str, of: &str) {
    let row = audited
        .database
        .client
        .query_one(
            r#"SELECT "partition", base_offset, next_offset,
                      (SELECT min(next_offset) FROM log_chain f
                       WHERE f.topic = l.topic AND f."partition" = l."partition")
               FROM log_chain l WHERE topic = $1 AND base_offset > 0
               ORDER BY next_offset - base_offset, 1 LIMIT 1"#,
            &[&topic],
        )
        .await
        .unwrap();
    let (partition, base, next): (i32, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let first_next: i64 = row.get(3);
    let of_last = format!(
        r#"WHERE topic = '{topic}' AND "partition" = {partition} AND base_offset = {base}"#
    );
    let of_first =
        format!(r#"WHERE topic = '{topic}' AND "partition" = {partition} AND base_offset = 0"#);
    let last = format!("partition {partition}{of} offsets {base}..{next}");
    let first = format!("partition {partition}{of} offsets 0..{first_next}");
    let found = |statement: String, differences, parts: Vec<String>| async move {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        audited
            .found(&statement, "log_chain", differences, &parts)
            .await;
    };
    let flip =
        |column: &str| format!("{column} = set_byte({column}, 31, get_byte({column}, 31) # 1)");
    for (of_row, place) in [(&of_first, &first), (&of_last, &last)] {
        found(
            format!("UPDATE log_chain SET {} {of_row}", flip("batch_hash")),
            1,
            vec![format!("{place}: the log is not what was persisted")],
        )
        .await;
        found(
            format!("UPDATE log_chain SET {} {of_row}", flip("head")),
            1,
            vec![
                format!("{place}: the chain's head"),
                "does not follow".into(),
            ],
        )
        .await;
    }
    found(
        format!("DELETE FROM log_chain {of_first}"),
        1,
        vec![format!("{first}: the chain has no row for them")],
    )
    .await;
    found(
        format!("DELETE FROM log_chain {of_last}"),
        1,
        vec![
            format!("the chain ends at offset {base}"),
            format!("persisted up to {next}"),
        ],
    )
    .await;
    let insert = |partition: i32, base: i64, next: i64| {
        format!(
            "INSERT INTO log_chain SELECT {partition}, {base}, {next}, batch_hash, head, topic FROM log_chain \
             {of_last}"
        )
    };
    found(
        insert(partition, next, next + 5),
        3,
        vec![
            format!("partition {partition}{of} offsets {next}..{}", next + 5),
            format!("the log ends at {next}"),
            format!("persisted up to {next}"),
        ],
    )
    .await;
    found(
        insert(partition, 1, 2),
        1,
        vec![format!(
            "partition {partition}{of} offsets 1..2: a row was added to the chain"
        )],
    )
    .await;
    found(
        insert(7, 0, 5),
        1,
        vec![format!(
            "partition 7: 1 rows of a chain are stored, but `{topic}`"
        )],
    )
    .await;
}
