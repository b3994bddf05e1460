//! The election beside Kafka: its topics on a real broker under the tutorial's names, read by Python
//! clients; votes of the tutorial's own scripts, counted; and kills on both sides, which change nothing.
//!
//! Where there is no broker, no Python, or no cluster, the tests say so, and pass.
#![cfg(feature = "embedded")]

#[path = "../support/mod.rs"]
mod support;

// A cluster and a database of a test's own, as the tests of the cluster have them; only part of it is used
// here.
#[path = "../cluster/installation.rs"]
#[allow(dead_code)]
mod installation;

mod bench;
mod broker;
mod carried;
mod cluster;
mod crashes;
mod election;
mod inbound;
mod outbound;
mod points;

mod python;
mod refusals;
mod scripts;
mod seed;
mod server;
mod streamlit;
