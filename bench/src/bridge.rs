//! `election bench bridge`: votes a second to Kafka and from it, through the bridge, beside a bare
//! librdkafka producer and consumer on the same broker.

use std::time::Instant;

use ::bridge::{BridgeConfig, Direction, Link, Progress, Snapshot};
use anyhow::{Context, bail};
use manifest::Manifest;
use serde_json::json;
use store::{EmbeddedPostgres, Store};
use tokio_util::sync::CancellationToken;
use wire::topics;

use crate::BridgeBenchArgs;
use crate::bare_kafka::BareKafka;
use crate::report::{Figure, Report, Unit};
use crate::workload::{self, Workload};

/// Of the bare producer's rate, the least that is asked for: votes as they are, and enriched.
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
    let produced = Workload::produce(directory.path(), args.votes, args.partitions).await?;
    // Reopened, so that the log is at rest.
    produced.close().await?;
    let workload = Workload::reopen(directory.path()).await?;
    let postgres = EmbeddedPostgres::start(&directory.path().join("postgres")).await?;
    let store = postgres.connect().await?;
    workload::open_election(&store, &workload.election).await?;
    let kafka = BareKafka::new(&args.kafka);

    let mut rounds = Vec::new();
    for number in 0..args.rounds {
        let bench = Bench {
            args: &args,
            workload: &workload,
            store: &store,
            kafka: &kafka,
            number,
        };
        rounds.push(bench.round().await?);
    }
    store.close();
    postgres.stop().await?;
    let votes = workload.records();
    workload.close().await?;

    let rate = |of: fn(&Round) -> f64| median(rounds.iter().map(of));
    let (producer, consumer) = (
        rate(|round| round.bare_producer),
        rate(|round| round.bare_consumer),
    );
    let figure = |key, name: &str, rate| Figure::new(key, name, Unit::PerSecond, rate);
    let mut report = Report::new("Of bare");
    report.add(figure(
        "bare_producer",
        &format!(
            "bare producer (librdkafka, idempotent, {})",
            args.compression.name()
        ),
        producer,
    ));
    report.add(
        figure(
            "to_kafka",
            "to Kafka, votes as they are",
            rate(|round| round.plain),
        )
        .compared_with(producer)
        .target(PLAIN_TARGET * producer),
    );
    report.add(
        figure(
            "to_kafka_enriched",
            "to Kafka, enriched",
            rate(|round| round.enriched),
        )
        .compared_with(producer)
        .target(ENRICHED_TARGET * producer),
    );
    report.add(figure(
        "bare_consumer",
        "bare consumer (librdkafka)",
        consumer,
    ));
    report.add(
        figure(
            "from_kafka",
            "from Kafka, into the log",
            rate(|round| round.arrived),
        )
        .compared_with(consumer),
    );
    let head = json!({
        "votes": votes,
        "partitions": args.partitions,
        "rounds": args.rounds,
    });
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
    kafka: &'a BareKafka,
    number: u32,
}

impl Bench<'_> {
    async fn round(&self) -> anyhow::Result<Round> {
        let [bare, plain, enriched] = ["bare", "plain", "enriched"].map(|what| self.topic(what));
        let topics = [&*bare, &*plain, &*enriched];
        self.kafka
            .create_topics(&topics, self.args.partitions)
            .await?;
        let measured = self.measure(&bare, &plain, &enriched).await;
        let deleted = self.kafka.delete_topics(&topics).await;
        let round = measured?;
        deleted?;
        Ok(round)
    }

    async fn measure(&self, bare: &str, plain: &str, enriched: &str) -> anyhow::Result<Round> {
        let votes = self.workload.votes().await?;
        let count = self.workload.records() as f64;
        let took = self
            .kafka
            .produce(bare, self.args.compression, votes)
            .await?;
        let bare_producer = count / took.as_secs_f64();

        let arrived = format!("{ARRIVED}-{}", self.number);
        let platform = self.workload.port();
        platform
            .create_topic(&arrived, self.args.partitions)
            .await?;
        let link = |fluvio: &str, kafka: &str, direction, chain| Link {
            fluvio: fluvio.into(),
            kafka: kafka.into(),
            direction,
            chain,
            compression: self.args.compression,
        };
        let chain = Manifest::built_in()
            .chain(ENRICHED, &ballot::Params::new())
            .context("the built-in manifest has no chain that enriches")?;
        let to_kafka = Direction::ToKafka;
        let plain = self
            .carry(link(topics::VOTES, plain, to_kafka, Vec::new()))
            .await?;
        let enriched = self
            .carry(link(topics::VOTES, enriched, to_kafka, chain))
            .await?;

        let took = self.kafka.consume(bare, &self.workload.ends).await?;
        let bare_consumer = count / took.as_secs_f64();
        let arrived = self
            .carry(link(&arrived, bare, Direction::FromKafka, Vec::new()))
            .await?;
        Ok(Round {
            bare_producer,
            plain,
            enriched,
            bare_consumer,
            arrived,
        })
    }

    /// Votes a second that a bridge carries, from when it knows where to begin.
    async fn carry(&self, link: Link) -> anyhow::Result<f64> {
        let progress = Progress::default();
        let stop = CancellationToken::new();
        let config = BridgeConfig {
            links: vec![link],
            ..BridgeConfig::new(&self.args.kafka)
        };
        let mut bridge = tokio::spawn(::bridge::run(
            self.workload.port(),
            self.store.clone(),
            self.workload.election.clone(),
            config,
            progress.clone(),
            stop.clone(),
        ));
        let mut watch = progress.watch();
        let partitions = self.args.partitions as usize;
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
                bail!("the bridge ended before everything was carried");
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
