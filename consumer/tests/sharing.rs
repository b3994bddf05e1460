//! Consumers that share the partitions of one election, and what they live through: on an embedded
//! platform, with a real PostgreSQL server.

mod setting;

use std::time::Duration;

use consumer::Sharing;
use setting::{PARTITIONS, Setting, owned};
use store::{PERSIST, Store};
use tokio_postgres::{Client, NoTls};
use wire::topics;

/// Short, so that a takeover does not take long.
const TIME_TO_LIVE: Duration = Duration::from_secs(1);

fn sharing(member: &str) -> Option<Sharing> {
    Some(Sharing {
        member: member.into(),
        time_to_live: TIME_TO_LIVE,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn two_share_the_partitions_and_when_one_is_gone_all_are_the_others() {
    let Some(setting) = Setting::start().await else {
        return;
    };
    let casting = setting.begin_casting();
    let one = setting.begin(sharing("one")).await;
    one.wait_until_it_owns(PARTITIONS as usize).await;
    one.wait_until_it_works().await;
    let other = setting.begin(sharing("other")).await;
    let half = PARTITIONS as usize / 2;
    let mut shared = other.wait_until_it_owns(half).await;
    shared.extend(one.wait_until_it_owns(half).await);
    shared.sort_unstable();
    assert_eq!(shared, Vec::from_iter(0..PARTITIONS));
    other.wait_until_it_works().await;

    one.abort().await;
    other.wait_until_it_owns(PARTITIONS as usize).await;
    let ends = setting.ends(topics::VOTES).await;
    let went_on = |snapshot: &consumer::Snapshot| {
        snapshot.reached(&ends, |partition| partition.checkpointed - 1)
    };
    other.wait_until("it goes on everywhere", went_on).await;
    casting.end().await;
    other.wait_until_done(&setting).await;
    other.stop().await;
    setting.assert_exact().await;
    setting.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stops_hands_over_at_once() {
    let Some(setting) = Setting::start().await else {
        return;
    };
    let casting = setting.begin_casting();
    // Were its leases to run out, the test would be over before.
    let patient = |member: &str| {
        Some(Sharing {
            time_to_live: Duration::from_secs(300),
            member: member.into(),
        })
    };
    let one = setting.begin(patient("one")).await;
    one.wait_until_it_works().await;
    one.stop().await;
    let other = setting.begin(patient("other")).await;
    other.wait_until_it_owns(PARTITIONS as usize).await;
    casting.end().await;
    other.wait_until_done(&setting).await;
    other.stop().await;
    setting.assert_exact().await;
    setting.close().await;
}

async fn connect(setting: &Setting) -> Client {
    let url = setting.postgres.database_url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What is stored of a partition: how far votes and voters are persisted, and votes are counted.
async fn stored(store: &Store, partition: u32) -> [i64; 3] {
    let tally = store.load_tally(partition).await.unwrap();
    [
        store
            .checkpoint(PERSIST, topics::VOTES, partition)
            .await
            .unwrap(),
        store
            .checkpoint(PERSIST, topics::VOTERS, partition)
            .await
            .unwrap(),
        tally.map_or(0, |(offset, _)| offset),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_anothers_by_now_is_left_alone_even_before_it_is_known() {
    const STOLEN: u32 = 0;
    let Some(setting) = Setting::start().await else {
        return;
    };
    let casting = setting.begin_casting();
    let consumer = setting.begin(sharing("one")).await;
    consumer.wait_until_it_owns(PARTITIONS as usize).await;
    consumer.wait_until_it_works().await;

    // Its rounds wait, so it is not told of anything.
    let [rounds, thief] = [connect(&setting).await, connect(&setting).await];
    let stall = "BEGIN; LOCK TABLE consumer_members IN EXCLUSIVE MODE";
    rounds.batch_execute(stall).await.unwrap();
    let steal = r#"UPDATE partition_leases SET member = 'thief', epoch = epoch + 1
                   WHERE "partition" = 0"#;
    assert_eq!(thief.execute(steal, &[]).await.unwrap(), 1);
    let store = setting.store().await;
    let at_theft = stored(&store, STOLEN).await;
    let others: Vec<u32> = (0..PARTITIONS).filter(|&other| other != STOLEN).collect();
    consumer
        .wait_until("it gives up what is stolen, and only that", |snapshot| {
            owned(snapshot) == others
        })
        .await;
    let mut ends = setting.ends(topics::VOTES).await;
    ends[STOLEN as usize] = 0;
    consumer
        .wait_until("it goes on with what it has", |snapshot| {
            snapshot.reached(&ends, |partition| partition.checkpointed - 1)
                && snapshot.reached(&ends, |partition| partition.persisted - 1)
        })
        .await;
    assert_eq!(stored(&store, STOLEN).await, at_theft);
    let ends = setting.ends(topics::VOTES).await;
    assert!(ends[STOLEN as usize] > at_theft[0], "votes came in");
    store.close();

    // The thief never said that it lives.
    rounds.batch_execute("ROLLBACK").await.unwrap();
    consumer.wait_until_it_owns(PARTITIONS as usize).await;
    casting.end().await;
    consumer.wait_until_done(&setting).await;
    consumer.stop().await;
    setting.assert_exact().await;
    setting.close().await;
}

/// Kills the database under a consumer and starts it again, while votes come in.
async fn outlives_the_database(sharing: Option<Sharing>) {
    let Some(mut setting) = Setting::start().await else {
        return;
    };
    let casting = setting.begin_casting();
    let consumer = setting.begin(sharing).await;
    consumer.wait_until_it_owns(PARTITIONS as usize).await;
    consumer.wait_until_it_works().await;
    setting.postgres.kill();
    consumer
        .wait_until("it says that the database is gone", |snapshot| {
            !snapshot.problems.is_empty()
        })
        .await;
    let ends = setting.ends(topics::VOTES).await;
    consumer
        .wait_until("it counts on", |snapshot| {
            snapshot.reached(&ends, |partition| partition.counted - 1)
        })
        .await;
    setting.postgres.start_again().await.unwrap();
    consumer
        .wait_until("it stores again, and has no problem", |snapshot| {
            snapshot.problems.is_empty()
                && snapshot.reached(&ends, |partition| partition.checkpointed - 1)
                && snapshot.reached(&ends, |partition| partition.persisted - 1)
        })
        .await;
    casting.end().await;
    consumer.wait_until_done(&setting).await;
    consumer.stop().await;
    setting.assert_exact().await;
    setting.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_one_outlives_the_database() {
    outlives_the_database(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_outlives_the_database() {
    outlives_the_database(sharing("one")).await;
}
