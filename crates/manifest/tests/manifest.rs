//! Manifests that make sense, and every error, with its line and column.

use std::path::Path;
use std::time::Duration;

use election_manifest::{Direction, KafkaCompression, Manifest, ManifestError};
use platform::fluvio::{ClusterAddress, Compression};
use wire::topics;

fn read(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text, Path::new("etc/fluvio.toml")).map_err(|error| error.to_string())
}

/// What stands at `line:column` must be told, and contain the words; nothing else is told.
#[track_caller]
fn one_error(text: &str, place: &str, words: &[&str]) {
    let error = read(text).expect_err("it was taken");
    let start = format!("etc/fluvio.toml:{place}: ");
    assert!(error.starts_with(&start), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    for word in words {
        assert!(error.contains(word), "{word} in: {error}");
    }
}

#[test]
fn the_committed_manifest_names_everything() {
    let manifest = Manifest::built_in();
    let names = [
        topics::VOTERS,
        topics::VOTES,
        topics::REJECTED_VOTES,
        topics::DEAD_LETTERS,
        topics::TOTALS,
        topics::PIPELINE,
    ];
    for name in names.into_iter().chain(topics::AGGREGATES) {
        assert!(manifest.topics.contains_key(name), "{name}");
    }
    assert_eq!(manifest.topic(topics::VOTES).partitions, 2);
    assert_eq!(manifest.topic(topics::VOTES_PER_CANDIDATE).partitions, 1);
    assert_eq!(manifest.kafka.len(), 9);
    assert_eq!(manifest.smartmodules.len(), 5);
    let rejected = &manifest.chains["rejected"][0];
    assert_eq!(rejected.params["mode"], "rejected");
}

#[test]
fn an_empty_manifest_is_all_defaults() {
    let manifest = read("").unwrap();
    assert_eq!(manifest.topic("anything").partitions, 1);
    assert_eq!(manifest.topic("anything").settings.retention, None);
    assert_eq!(manifest.cluster, ClusterAddress::default());
    assert_eq!(manifest.polls.open, None);
}

#[test]
fn what_is_written_is_what_is_read() {
    let manifest = read(
        r#"
        [cluster]
        endpoint = "fluvio:9003"
        [defaults]
        replication = 3
        compression = "zstd"
        [[topic]]
        name = "logs"
        partitions = 4
        retention = "12 hours"
        segment_size = "16 MiB"
        max_partition_size = "1 GiB"
        [[smartmodule]]
        name = "mine"
        file = "modules/mine.wasm"
        [[chain]]
        name = "c"
        steps = [{ module = "mine", parameters = { a = "b" } }]
        [[kafka]]
        fluvio = "logs"
        kafka = "Logs.v1"
        direction = "from-kafka"
        [polls]
        open = "2024-07-04 07:00:00"
        close = "2024-07-04 22:00:00"
        "#,
    )
    .unwrap();
    let cluster = |endpoint| manifest.cluster_config(endpoint).address;
    let endpoint = |text: &str| ClusterAddress::Endpoint(text.into());
    assert_eq!(cluster(None), endpoint("fluvio:9003"));
    assert_eq!(cluster(Some("option:1")), endpoint("option:1"));
    let topics = manifest.cluster_config(None).topics;
    assert_eq!(topics["logs"].segment_bytes, Some(16 << 20));
    let logs = manifest.topic("logs");
    let settings = &logs.settings;
    assert_eq!((logs.partitions, settings.replication), (4, 3));
    assert_eq!(settings.retention, Some(Duration::from_secs(12 * 60 * 60)));
    assert_eq!(settings.compression, Compression::Zstd);
    assert_eq!(settings.segment_bytes, Some(16 << 20));
    assert_eq!(settings.max_partition_bytes, Some(1 << 30));
    let file = manifest.smartmodules[0].file.as_deref();
    assert_eq!(file, Some(Path::new("etc/modules/mine.wasm")));
    assert_eq!(manifest.kafka[0].direction, Direction::FromKafka);
    assert!(manifest.polls.open < manifest.polls.close);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fluvio.toml");
    let error = Manifest::read(&path).unwrap_err();
    assert!(matches!(error, ManifestError::Read { .. }));
    assert!(
        error.to_string().starts_with(&path.display().to_string()),
        "{error}"
    );
    std::fs::write(&path, "[defaults]\npartitions = 3\n").unwrap();
    assert_eq!(Manifest::read(&path).unwrap().topic("t").partitions, 3);
}

#[test]
fn not_toml() {
    one_error("[cluster]\nendpoint = \n", "2:12", &[]);
    one_error("[cluster]\n[cluster]\n", "2:2", &["duplicate"]);
}

#[test]
fn unknown_keys() {
    one_error(
        "\n[clusters]\n",
        "2:2",
        &["unknown key `clusters`", "`cluster`", "`polls`"],
    );
    one_error(
        "[cluster]\nendpiont = \"a:1\"\n",
        "2:1",
        &["unknown key `endpiont`", "`endpoint`", "`profile`"],
    );
    let topic = "[[topic]]\nname = \"a\"\n  partition = 1\n";
    one_error(topic, "3:3", &["unknown key `partition`", "`partitions`"]);
    let chain = "[[chain]]\nname = \"a\"\nsteps = [{ modul = \"m\" }]\n";
    one_error(chain, "3:12", &["unknown key `modul`", "`module`"]);
}

#[test]
fn missing_keys() {
    one_error(
        "[[topic]]\npartitions = 1\n",
        "1:1",
        &["missing key `name`"],
    );
    let defaults = "[defaults]\nname = \"a\"\n";
    one_error(defaults, "2:8", &["`name` belongs in a `[[topic]]`"]);
    let kafka = "[[kafka]]\nfluvio = \"a\"\nkafka = \"b\"\n";
    one_error(kafka, "1:1", &["missing key `direction`"]);
}

#[test]
fn wrong_types_and_values() {
    let topic = |line: &str| format!("[[topic]]\nname = \"a\"\n{line}\n");
    one_error(&topic("partitions = \"2\""), "3:14", &["a number from 1"]);
    one_error(&topic("partitions = 0"), "3:14", &["a number from 1"]);
    one_error(
        &topic("retention = 7"),
        "3:13",
        &["\"forever\"", "\"7 days\""],
    );
    one_error(
        &topic("segment_size = \"big\""),
        "3:16",
        &["a size such as"],
    );
    one_error(
        &topic("compression = \"lzma\""),
        "3:15",
        &["unknown value `lzma`", "`lz4`", "`zstd`"],
    );
    one_error("[[topic]]\nname = 1\n", "2:8", &["a string"]);
    one_error("topic = 1\n", "1:9", &["a sequence"]);
    let kafka = "[[kafka]]\nfluvio = \"a\"\nkafka = \"b\"\ndirection = \"both\"\n";
    one_error(
        kafka,
        "4:13",
        &["unknown value `both`", "`to-kafka`", "`from-kafka`"],
    );
}

#[test]
fn a_cluster_has_one_address() {
    let both = "[cluster]\nprofile = \"a\"\nendpoint = \"b:1\"\n";
    one_error(both, "3:12", &["`endpoint` and `profile`"]);
    one_error(
        "[cluster]\nprofile = \"\"\n",
        "2:11",
        &["`profile` is empty"],
    );
}

#[test]
fn names_are_taken_once_and_by_fluvio() {
    let twice = "[[topic]]\nname = \"a\"\n[[topic]]\nname = \"a\"\n";
    one_error(twice, "4:8", &["topic `a`", "line 2"]);
    let twice = "[[smartmodule]]\nname = \"a\"\n[[smartmodule]]\nname = \"a\"\n";
    one_error(twice, "4:8", &["SmartModule `a`", "line 2"]);
    let module = "[[smartmodule]]\nname = \"a\"\n";
    let chain = "[[chain]]\nname = \"c\"\nsteps = [{ module = \"a\" }]\n";
    one_error(
        &format!("{module}{chain}{chain}"),
        "7:8",
        &["chain `c`", "line 4"],
    );
    for name in [
        "",
        "Votes",
        "votes_topic",
        "-votes",
        "votes-",
        &"a".repeat(64),
    ] {
        let text = format!("[[topic]]\nname = \"{name}\"\n");
        one_error(&text, "2:8", &["lower-case letters"]);
        let text = format!("[[smartmodule]]\nname = \"{name}\"\n");
        one_error(&text, "2:8", &["lower-case letters"]);
    }
    let text = "[[smartmodule]]\nname = \"a\"\nfile = \" \"\n";
    one_error(text, "3:8", &["`file` is empty"]);
}

#[test]
fn chains_are_made_of_modules_that_are_there() {
    let text = "[[smartmodule]]\nname = \"a\"\n[[chain]]\nname = \"c\"\nsteps = [{ module = \"a\" }, { module = \"b\" }]\n";
    one_error(text, "5:39", &["no SmartModule `b`", "there are `a`"]);
    one_error(
        "[[chain]]\nname = \"c\"\nsteps = []\n",
        "3:9",
        &["at least one step"],
    );
    one_error(
        "[[chain]]\nname = \"\"\nsteps = []\n"
            .replace("[]", "[{ module = \"a\" }]")
            .as_str()
            .replace("[[chain]]", "[[smartmodule]]\nname = \"a\"\n[[chain]]")
            .as_str(),
        "4:8",
        &["`name` is empty"],
    );
}

#[test]
fn voters_and_votes_go_together_and_are_kept() {
    let uneven = "[[topic]]\nname = \"voters\"\npartitions = 2\n[[topic]]\nname = \"votes\"\npartitions = 3\n";
    one_error(uneven, "6:14", &["equally many partitions", "2 and 3"]);
    let by_default = "[defaults]\npartitions = 2\n[[topic]]\nname = \"voters\"\n[[topic]]\nname = \"votes\"\npartitions = 3\n";
    one_error(by_default, "7:14", &["equally many partitions"]);
    let short = "[[topic]]\nname = \"votes\"\nretention = \"7 days\"\n";
    one_error(short, "3:13", &["`votes` must be kept whole"]);
    let small = "[[topic]]\nname = \"voters\"\nmax_partition_size = \"2 GiB\"\n";
    one_error(small, "3:22", &["`voters` must be kept whole"]);
    let by_default = "[defaults]\nretention = \"7 days\"\n[[topic]]\nname = \"votes\"\n";
    one_error(
        by_default,
        "4:8",
        &["`votes` must be kept whole", "`[defaults]`"],
    );
}

#[test]
fn sizes_and_times_that_fluvio_refuses() {
    one_error(
        "[defaults]\nretention = \"5 seconds\"\n",
        "2:13",
        &["at least 10 seconds"],
    );
    one_error("[defaults]\nsegment_size = 100\n", "2:16", &["from 1024"]);
    one_error(
        "[defaults]\nsegment_size = \"5 GiB\"\n",
        "2:16",
        &["from 1024"],
    );
    let small = "[defaults]\nmax_partition_size = \"1 MiB\"\n";
    one_error(small, "2:22", &["at least `segment_size`", "1073741824"]);
    let large = "[defaults]\nsegment_size = \"2 MiB\"\nmax_partition_size = \"1 MiB\"\n";
    one_error(large, "3:22", &["at least `segment_size`", "2097152"]);
}

#[test]
fn kafka_topics_make_sense() {
    let topics = "[[topic]]\nname = \"a\"\n[[topic]]\nname = \"b\"\n";
    let kafka = |fluvio: &str, kafka: &str, direction: &str| {
        format!(
            "[[kafka]]\nfluvio = \"{fluvio}\"\nkafka = \"{kafka}\"\ndirection = \"{direction}\"\n"
        )
    };
    let unknown = format!("{topics}{}", kafka("c", "x", "to-kafka"));
    one_error(&unknown, "6:10", &["no topic `c`", "`a`, `b`"]);
    for name in ["", "..", "a b", &"k".repeat(250)] {
        let text = format!("{topics}{}", kafka("a", name, "to-kafka"));
        one_error(&text, "7:9", &["Kafka takes no topic"]);
    }
    let chain = format!("{topics}{}chain = \"c\"\n", kafka("a", "x", "to-kafka"));
    one_error(&chain, "9:9", &["no chain `c`", "there are none"]);
    let chains =
        "[[smartmodule]]\nname = \"m\"\n[[chain]]\nname = \"c\"\nsteps = [{ module = \"m\" }]\n";
    let wrong_way = format!(
        "{topics}{chains}{}chain = \"c\"\n",
        kafka("a", "x", "from-kafka")
    );
    one_error(&wrong_way, "14:9", &["leave Fluvio"]);
}

#[test]
fn records_for_kafka_are_compressed_as_the_table_says() {
    let kafka = |line: &str| {
        format!(
            "[[topic]]\nname = \"a\"\n[[kafka]]\nfluvio = \"a\"\nkafka = \"x\"\ndirection = \"to-kafka\"\n{line}\n"
        )
    };
    // What kafka-python reads with nothing else installed.
    let by_default = read(&kafka("")).unwrap().kafka[0].compression;
    assert_eq!(by_default, KafkaCompression::None);
    let built_in = Manifest::built_in();
    let codecs = built_in.kafka.iter().map(|topic| topic.compression);
    assert!(codecs.eq([KafkaCompression::None; 9]));
    for compression in KafkaCompression::ALL {
        let text = kafka(&format!("compression = \"{}\"", compression.name()));
        assert_eq!(read(&text).unwrap().kafka[0].compression, compression);
    }
    one_error(
        &kafka("compression = \"brotli\""),
        "7:15",
        &["unknown value `brotli`", "`none`", "`gzip`", "`zstd`"],
    );
    one_error(&kafka("compression = 1"), "7:15", &[]);
    let wrong_way = kafka("compression = \"lz4\"").replace("to-kafka", "from-kafka");
    one_error(
        &wrong_way,
        "7:15",
        &["Kafka's producers choose", "to-kafka"],
    );
}

#[test]
fn polls_open_before_they_close() {
    one_error(
        "[polls]\nopen = \"7 am\"\n",
        "2:8",
        &["`7 am`", "2024-07-04 07:00:00"],
    );
    let late = "[polls]\nopen = \"2024-07-04 07:00:00\"\nclose = \"2024-07-04 07:00:00\"\n";
    one_error(late, "3:9", &["close after they open"]);
}

#[test]
fn all_that_is_wrong_is_told_in_the_order_of_the_file() {
    let text = "[[topic]]\nname = \"A\"\n[polls]\nopen = \"x\"\n[cluster]\nprofile = \"\"\n";
    let error = read(text).unwrap_err();
    let lines: Vec<_> = error
        .lines()
        .map(|line| line.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "etc/fluvio.toml:2:8",
            "etc/fluvio.toml:4:8",
            "etc/fluvio.toml:6:11"
        ]
    );
}
