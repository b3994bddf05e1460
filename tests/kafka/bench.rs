//! `election bench bridge` measures each way, and compares it with what was measured beside it.

use crate::kafka::broker::Broker;
use crate::support::Process;

#[test]
fn the_bench_measures_both_ways_beside_bare_clients() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let mut bench = crate::support::election(&["bench", "bridge", "--kafka", broker.bootstrap()]);
    bench.args(["--votes", "10000", "--rounds", "1", "--json"]);
    let report = Process::spawn(bench).wait().succeeds().json();
    assert!(report["votes"].as_u64().unwrap() >= 10_000);
    let figures = &report["figures"];
    for (figure, bare) in [
        ("to_kafka", "bare_producer"),
        ("to_kafka_enriched", "bare_producer"),
        ("from_kafka", "bare_consumer"),
    ] {
        let rate = |name: &str| figures[name]["value"].as_f64().unwrap();
        let ratio = figures[figure]["ratio"].as_f64().unwrap();
        assert!(rate(figure) > 0.0, "{figures}");
        assert!(
            (ratio - rate(figure) / rate(bare)).abs() < 1e-6,
            "{figures}"
        );
    }
}
