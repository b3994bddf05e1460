//! Many listeners of a dashboard's event stream, and how late each event reaches them.
//!
//! A process of its own, so that the dashboard's memory and time are the dashboard's. The time at
//! which an aggregate was published travels in it: `bench dashboard` publishes the microseconds since
//! 1970 as the first candidate's votes.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use async_dup::{Arc, Mutex};
use futures_util::AsyncBufReadExt;
use hdrhistogram::Histogram;
use memchr::memmem;
use serde::{Deserialize, Serialize};
use tide::http::{Body, Method, Request, Url};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::compat::TokioAsyncReadCompatExt;

use crate::ListenersArgs;

/// What is printed when every listener has its first snapshot.
pub(crate) const ALL_LISTEN: &str = "all listen";

/// Longest latency that is told apart: a minute, in microseconds.
const LONGEST_MICROS: u64 = 60_000_000;

/// What the listeners have heard; printed as one line of JSON when the dashboard is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// Updates that the listener heard who heard least.
    pub(crate) least: u64,
    /// Updates that all of them heard together.
    pub(crate) updates: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) most_ms: f64,
    /// Bytes of an update, on average.
    pub(crate) update_bytes: u64,
}

#[derive(Debug, Default)]
struct Tally {
    micros: Vec<u64>,
    bytes: u64,
}

pub(crate) async fn listen(args: ListenersArgs) -> anyhow::Result<()> {
    let (began, mut all_began) = mpsc::channel(args.listeners as usize);
    let mut listeners = JoinSet::new();
    for _ in 0..args.listeners {
        listeners.spawn(follow(args.address, began.clone()));
    }
    drop(began);
    let mut listening = 0;
    while listening < args.listeners {
        ensure!(
            all_began.recv().await.is_some(),
            "a listener was not let in"
        );
        listening += 1;
    }
    println!("{ALL_LISTEN}");

    let mut latencies = Histogram::<u64>::new_with_max(LONGEST_MICROS, 3)?;
    let (mut least, mut bytes) = (u64::MAX, 0);
    while let Some(heard) = listeners.join_next().await {
        let heard = heard??;
        least = least.min(heard.micros.len() as u64);
        bytes += heard.bytes;
        for micros in heard.micros {
            latencies.record(micros.clamp(1, LONGEST_MICROS))?;
        }
    }
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let heard = Heard {
        least,
        updates: latencies.len(),
        p50_ms: ms(latencies.value_at_quantile(0.50)),
        p99_ms: ms(latencies.value_at_quantile(0.99)),
        most_ms: ms(latencies.max()),
        update_bytes: bytes / latencies.len().max(1),
    };
    println!("{}", serde_json::to_string(&heard)?);
    Ok(())
}

/// Opens the dashboard's event stream.
pub(crate) async fn events(address: SocketAddr) -> anyhow::Result<Body> {
    let stream = TcpStream::connect(address)
        .await
        .context("cannot connect")?;
    let stream = Arc::new(Mutex::new(stream.compat()));
    let url = Url::parse(&format!("http://{address}/api/v1/events"))?;
    let mut response = async_h1::connect(stream, Request::new(Method::Get, url))
        .await
        .map_err(|error| error.into_inner())?;
    ensure!(
        response.status().is_success(),
        "status {}",
        response.status()
    );
    Ok(response.take_body())
}

/// Follows the stream until the dashboard ends it.
async fn follow(address: SocketAddr, began: mpsc::Sender<()>) -> anyhow::Result<Tally> {
    let mut body = events(address).await?;
    let mut heard = Tally::default();
    let mut line = Vec::new();
    let mut is_update = false;
    loop {
        line.clear();
        match body.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return Ok(heard),
            Ok(_) => {}
        }
        if let Some(name) = line.strip_prefix(b"event: ") {
            is_update = name.starts_with(b"update");
        } else if line.starts_with(b"data: ") {
            if is_update {
                // 0 before anything was published: the board knows of other things first.
                if let Some(at) = published_at(&line)? {
                    heard.micros.push(now_micros().saturating_sub(at));
                    heard.bytes += line.len() as u64;
                }
            } else {
                // Once; a heartbeat later finds the channel's other end gone or unread.
                let _known = began.try_send(());
            }
        }
    }
}

/// The first candidate's votes; `None` while there are none. Found, not parsed: a thousand listeners
/// share the machine with what they measure.
fn published_at(data: &[u8]) -> anyhow::Result<Option<u64>> {
    let votes = number(data, "total_votes").context("an update without candidates")?;
    Ok(Some(votes).filter(|&votes| votes > 0))
}

/// The first number of this name in an event.
pub(crate) fn number(data: &[u8], name: &str) -> Option<u64> {
    let field = format!("\"{name}\":");
    let at = memmem::find(data, field.as_bytes())?;
    let digits = data[at + field.len()..].iter();
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Microseconds since 1970.
pub(crate) fn now_micros() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.as_micros() as u64
}
