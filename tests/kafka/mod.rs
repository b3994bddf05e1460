//! The election beside Kafka: its topics on a real broker under the tutorial's names, read by Python
//! clients; votes of the tutorial's own scripts, counted; and kills on both sides, which change nothing.
//!
//! Where there is no broker, no Python, or no cluster, the tests say so, and pass.

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
