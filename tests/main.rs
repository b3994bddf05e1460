//! The system, through its real parts: the `election` binary, its data directory, its databases, a browser,
//! Kafka, a Fluvio cluster. One binary, so that what they all link is linked once.

mod audit;
mod back_pressure;
mod bad_input;
mod ballots;
mod bench;
mod chaos;
mod cluster;
mod compose;
mod crash;
mod credentials;
mod dashboard;
mod dashboard_browser;
mod definition;
mod demo;
mod disk_full;
mod export;
mod faults;
mod first_look;
mod golden;
mod invariants;
mod kafka;
mod receipts;
mod recorded_ballots;
mod replay;
mod steps;
mod support;
mod tabulate;
mod tampered_log;
