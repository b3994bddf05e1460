//! Many listeners of a dashboard's event stream, and how late each event reaches them.
//!
//! A process of its own, so that only the dashboard's memory and time are measured. Each event carries the time at
//! which its aggregate was published: `bench dashboard` publishes the microseconds since 1970 as the first candidate's
//! votes.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use futures_util::AsyncBufReadExt;
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::ListenersArgs;
use crate::http_client::HttpClient;
use crate::latencies::Latencies;

/// The path of the event stream.
pub(crate) const EVENTS: &str = "/api/v1/events";

/// Printed when every listener has its first snapshot.
pub(crate) const ALL_LISTEN: &str = "all listen";

/// What the listeners received; printed as one line of JSON when the dashboard has stopped.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// The fewest updates that a listener received.
    pub(crate) least: u64,
    /// Updates received by all of them together.
    pub(crate) updates: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) most_ms: f64,
    /// Bytes of an update, on average.
    pub(crate) update_bytes: u64,
}

#[derive(Debug, Default)]
struct Updates {
    latencies: Vec<Duration>,
    bytes: u64,
}

pub(crate) async fn listen(args: ListenersArgs) -> anyhow::Result<()> {
    let (began, mut all_began) = mpsc::channel(args.listeners as usize);
    let mut listeners = JoinSet::new();
    for _ in 0..args.listeners {
        listeners.spawn(follow(args.address, began.clone()));
    }
    drop(began);
    for _ in 0..args.listeners {
        let began = all_began.recv().await;
        began.context("the dashboard refused a listener")?;
    }
    println!("{ALL_LISTEN}");

    let mut latencies = Latencies::new()?;
    let (mut least, mut bytes) = (u64::MAX, 0);
    while let Some(updates) = listeners.join_next().await {
        let updates = updates??;
        least = least.min(updates.latencies.len() as u64);
        bytes += updates.bytes;
        for latency in updates.latencies {
            latencies.record(latency, 1)?;
        }
    }
    let heard = Heard {
        least,
        updates: latencies.count(),
        p50_ms: latencies.quantile_ms(0.50),
        p99_ms: latencies.quantile_ms(0.99),
        most_ms: latencies.quantile_ms(1.0),
        update_bytes: bytes / latencies.count().max(1),
    };
    println!("{}", serde_json::to_string(&heard)?);
    Ok(())
}

/// Follows the event stream until the dashboard ends it.
async fn follow(address: SocketAddr, began: mpsc::Sender<()>) -> anyhow::Result<Updates> {
    let client = HttpClient::connect(address).await?;
    let mut events = client.get(EVENTS).await?;
    let mut received = Updates::default();
    let mut line = Vec::new();
    let mut is_update = false;
    loop {
        line.clear();
        match events.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Ok(received),
            Ok(_) => {}
        }
        if let Some(name) = line.strip_prefix(b"event: ") {
            is_update = name.starts_with(b"update");
        } else if line.starts_with(b"data: ") {
            if is_update {
                let published = number(&line, "total_votes");
                let published = published.context("an update without candidates")?;
                // Nothing is published yet: the dashboard reports other news first.
                if published > 0 {
                    let published = Duration::from_micros(published);
                    let latency = since_1970()?.saturating_sub(published);
                    received.latencies.push(latency);
                    received.bytes += line.len() as u64;
                }
            } else {
                // The first snapshot. Later ones and heartbeats find the channel full or closed.
                let _known = began.try_send(());
            }
        }
    }
}

/// The first number with this name in an event. It is searched for, not parsed: a thousand listeners share the
/// machine with what they measure.
pub(crate) fn number(data: &[u8], name: &str) -> Option<u64> {
    let field = format!("\"{name}\":");
    let at = memmem::find(data, field.as_bytes())?;
    let digits = data[at + field.len()..].iter();
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

pub(crate) fn since_1970() -> anyhow::Result<Duration> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.context("the clock is before 1970")
}
