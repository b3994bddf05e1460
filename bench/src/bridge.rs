//! `election bench bridge`: votes a second to Kafka and from it, through the bridge, compared with a bare librdkafka
//! producer and consumer on the same broker.

use std::time::Instant;

use ::bridge::{BridgeConfig, Direction, Link, Progress, Snapshot};
use anyhow::{Context, bail};
use manifest::Manifest;
use serde_json::json;
use store::Store;
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::report::{Figure, Report};
use crate::system::Database;
use crate::workload::{self, Workload};
use crate::{BridgeBenchArgs, Size, bare_kafka};

/// Targets as shares of the bare producer's rate: votes as they are, and enriched.
const PLAIN_TARGET: f64 = 0.8;
const ENRICHED_TARGET: f64 = 0.5;
/// The chain that enriches votes, in the built-in manifest.
const ENRICHED: &str = "enriched";
/// The topic on the platform that votes from Kafka are written to.
const ARRIVED: &str = "votes-from-kafka";

/// What one round measured, in votes a second.
struct Round {
    bare_producer: f64,
    plain: f64,
    enriched: f64,
    bare_consumer: f64,
    arrived: f64,
}

pub(crate) async fn measure(args: BridgeBenchArgs) -> anyhow::Result<()> {
    let directory = tempfile::tempdir().context("cannot create a temporary directory")?;
    let Size { votes, partitions } = args.size;
    let (workload, _) = Workload::produce(directory.path(), votes, partitions).await?;
    let database = Database::embedded(directory.path()).await?;
    let store = database.connect().await?;
    workload::open_election(&store, None).await?;

    let mut rounds = Vec::new();
    for number in 0..args.rounds {
        let bench = Bench {
            args: &args,
            workload: &workload,
            store: &store,
            number,
        };
        rounds.push(bench.round().await?);
    }
    store.close();
    database.stop().await?;
    let votes = workload.records();
    workload.close().await?;

    let rate = |of: fn(&Round) -> f64| median(rounds.iter().map(of));
    let producer = rate(|round| round.bare_producer);
    let consumer = rate(|round| round.bare_consumer);
    let plain = rate(|round| round.plain);
    let enriched = rate(|round| round.enriched);
    let arrived = rate(|round| round.arrived);
    let mut report = Report::new("Of bare");
    let codec = args.compression.name();
    let name = format!("bare producer (librdkafka, idempotent, {codec})");
    report.add(Figure::rate("bare_producer", name, producer));
    let plain = Figure::rate("to_kafka", "to Kafka, votes as they are", plain);
    report.add(
        plain
            .compared_with(producer)
            .target(PLAIN_TARGET * producer),
    );
    let enriched = Figure::rate("to_kafka_enriched", "to Kafka, enriched", enriched);
    report.add(
        enriched
            .compared_with(producer)
            .target(ENRICHED_TARGET * producer),
    );
    report.add(Figure::rate(
        "bare_consumer",
        "bare consumer (librdkafka)",
        consumer,
    ));
    let arrived = Figure::rate("from_kafka", "from Kafka, into the log", arrived);
    report.add(arrived.compared_with(consumer));
    let head = json!({ "votes": votes, "partitions": partitions, "rounds": args.rounds });
    report.print(args.json, head)
}

fn median(rates: impl Iterator<Item = f64>) -> f64 {
    let mut rates: Vec<_> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

struct Bench<'a> {
    args: &'a BridgeBenchArgs,
    workload: &'a Workload,
    store: &'a Store,
    number: u32,
}

impl Bench<'_> {
    async fn round(&self) -> anyhow::Result<Round> {
        let [bare, plain, enriched] = ["bare", "plain", "enriched"].map(|what| self.topic(what));
        let topics = [&*bare, &*plain, &*enriched];
        let kafka = &self.args.kafka;
        bare_kafka::create_topics(kafka, &topics, self.args.size.partitions).await?;
        let measured = self.measure(&bare, &plain, &enriched).await;
        let deleted = bare_kafka::delete_topics(kafka, &topics).await;
        let round = measured?;
        deleted?;
        Ok(round)
    }

    async fn measure(&self, bare: &str, plain: &str, enriched: &str) -> anyhow::Result<Round> {
        let (partitions, compression) = (self.args.size.partitions, self.args.compression);
        let votes = self.workload.votes().await?;
        let count = self.workload.records() as f64;
        let (kafka, topic) = (self.args.kafka.clone(), bare.to_owned());
        let producing = move || bare_kafka::produce(&kafka, &topic, compression, &votes);
        let took = tokio::task::spawn_blocking(producing).await??;
        let bare_producer = count / took.as_secs_f64();

        let arrived = format!("{ARRIVED}-{}", self.number);
        let platform = self.workload.platform();
        platform.create_topic(&arrived, partitions).await?;
        let link = |fluvio: &str, kafka: &str, direction, chain| Link {
            fluvio: fluvio.into(),
            kafka: kafka.into(),
            direction,
            chain,
            compression,
        };
        let chain = Manifest::built_in()
            .chain(ENRICHED, &ballot::Params::new())
            .context("the built-in manifest has no chain that enriches")?;
        let plain = link(topics::VOTES, plain, Direction::ToKafka, Vec::new());
        let plain = self.carry(plain).await?;
        let enriched = link(topics::VOTES, enriched, Direction::ToKafka, chain);
        let enriched = self.carry(enriched).await?;

        let (kafka, topic) = (self.args.kafka.clone(), bare.to_owned());
        let ends = self.workload.ends.clone();
        let consuming = move || bare_kafka::consume(&kafka, &topic, &ends);
        let took = tokio::task::spawn_blocking(consuming).await??;
        let bare_consumer = count / took.as_secs_f64();
        let arrived = link(&arrived, bare, Direction::FromKafka, Vec::new());
        let arrived = self.carry(arrived).await?;
        Ok(Round {
            bare_producer,
            plain,
            enriched,
            bare_consumer,
            arrived,
        })
    }

    /// Votes a second that a bridge carries, measured from when it knows where to begin.
    async fn carry(&self, link: Link) -> anyhow::Result<f64> {
        let progress = Progress::default();
        let stop = CancellationToken::new();
        let config = BridgeConfig {
            links: vec![link],
            ..BridgeConfig::new(&self.args.kafka)
        };
        let mut bridge = tokio::spawn(::bridge::run(
            self.workload.platform(),
            self.store.clone(),
            self.workload.election.clone(),
            config,
            progress.clone(),
            stop.clone(),
        ));
        let mut watch = progress.watch();
        let partitions = self.args.size.partitions as usize;
        let carrying = async {
            watch
                .wait_for(|snapshot| snapshot.partitions.len() == partitions)
                .await?;
            let began = Instant::now();
            let carried = |snapshot: &Snapshot| -> u64 {
                let positions = snapshot.partitions.values();
                positions.map(|at| at.position.unsigned_abs()).sum()
            };
            watch
                .wait_for(|snapshot| carried(snapshot) >= self.workload.records())
                .await?;
            anyhow::Ok(began.elapsed())
        };
        let took = tokio::select! {
            took = carrying => took?,
            ended = &mut bridge => {
                ended??;
                bail!("the bridge ended before it had carried everything");
            }
        };
        stop.cancel();
        bridge.await??;
        Ok(self.workload.records() as f64 / took.as_secs_f64())
    }

    fn topic(&self, what: &str) -> String {
        format!(
            "election-bench-{}-{}-{what}",
            std::process::id(),
            self.number
        )
    }
}
