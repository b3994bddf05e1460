//! Waiting for what may not be there yet: the cluster, the database, the election. Processes of one system start in
//! any order.

use std::fmt::Display;
use std::time::Duration;

use evidence::ElectionKey;
use platform::PlatformError;
use platform::fluvio::{ClusterConfig, FluvioPlatform};
use store::{Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::retry::Backoff;

/// How often the log repeats what is waited for while nothing changes.
const REPEAT_EVERY: Duration = Duration::from_secs(10);

/// Connects to the cluster, as soon as it is up; `None` when it is stopped before.
///
/// # Errors
/// When waiting would not help: no cluster is named, or it refuses.
pub async fn cluster(
    config: ClusterConfig,
    stop: &CancellationToken,
) -> Result<Option<FluvioPlatform>, PlatformError> {
    cluster_telling(config, |_| {}, stop).await
}

/// Like [`cluster()`]; after each try `tell` hears what is wrong, at last that nothing is.
///
/// # Errors
/// As [`cluster()`].
pub async fn cluster_telling(
    config: ClusterConfig,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<FluvioPlatform>, PlatformError> {
    let connect = || FluvioPlatform::connect(config.clone());
    until_up(
        ("Fluvio", "is up"),
        connect,
        PlatformError::is_transient,
        tell,
        stop,
    )
    .await
}

/// Connects to the database over at most `connections` connections, as soon as it is up; `None` when it
/// is stopped before.
///
/// # Errors
/// When waiting would not help: the URL cannot be read, the user or the password is refused.
pub async fn database(
    url: &str,
    connections: usize,
    stop: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    database_telling(url, connections, |_| {}, stop).await
}

/// Like [`database()`]; after each try `tell` hears what is wrong, at last that nothing is.
///
/// # Errors
/// As [`database()`].
pub async fn database_telling(
    url: &str,
    connections: usize,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<Store>, StoreError> {
    let connect = || Store::connect(url, connections);
    until_up(
        ("Postgres", "is up"),
        connect,
        StoreError::is_transient,
        tell,
        stop,
    )
    .await
}

/// Waits until an election is set up; `None` when it is stopped before. After each try `tell` hears what is
/// wrong, at last that nothing is.
///
/// # Errors
/// When the election has a secret key and this is not it, or the database fails in a way that does not
/// pass.
pub async fn election_telling(
    store: &Store,
    key: Option<&ElectionKey>,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<Election>, StoreError> {
    until_up(
        ("an election", "is set up"),
        || store.running_election(key),
        |error| error.is_transient() || matches!(error, StoreError::NoElection),
        tell,
        stop,
    )
    .await
}

/// Tries to connect until it succeeds; `None` when it is stopped before. After each try `tell` hears what is
/// wrong, at last that nothing is. The log names what is waited for, and says of it that it `is_there`.
///
/// # Errors
/// The first failure that is not transient.
pub async fn until_up<T, E: Display, F: Future<Output = Result<T, E>>>(
    (what, is_there): (&str, &str),
    mut connect: impl FnMut() -> F,
    is_transient: fn(&E) -> bool,
    tell: impl FnMut(Option<String>),
    stop: &CancellationToken,
) -> Result<Option<T>, E> {
    let mut waiting = Waiting::new(tell);
    let mut backoff = Backoff::default();
    loop {
        match stop.run_until_cancelled(connect()).await {
            None => return Ok(None),
            Some(Ok(connected)) => {
                waiting.ended(what, is_there);
                return Ok(Some(connected));
            }
            Some(Err(error)) if is_transient(&error) => waiting.failed(what, &error),
            Some(Err(error)) => return Err(error),
        }
        if !backoff.pause(stop).await {
            return Ok(None);
        }
    }
}

/// Tells what is waited for: every try to who listens, but to the log only what is new, and that it
/// still waits.
struct Waiting<Tell> {
    tell: Tell,
    logged: Option<(String, Instant)>,
}

impl<Tell: FnMut(Option<String>)> Waiting<Tell> {
    fn new(tell: Tell) -> Self {
        Waiting { tell, logged: None }
    }

    fn failed(&mut self, what: &str, error: &impl Display) {
        let problem = error.to_string();
        let is_news = self
            .logged
            .as_ref()
            .is_none_or(|(logged, at)| *logged != problem || at.elapsed() >= REPEAT_EVERY);
        if is_news {
            tracing::warn!("waiting for {what}, trying again every few seconds: {problem}");
            self.logged = Some((problem.clone(), Instant::now()));
        }
        (self.tell)(Some(problem));
    }

    fn ended(&mut self, what: &str, is_there: &str) {
        if self.logged.is_some() {
            tracing::info!("{what} {is_there}");
        }
        (self.tell)(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What can be spawned.
    fn sendable<T: Send>(future: T) -> T {
        future
    }

    #[tokio::test(start_paused = true)]
    async fn it_waits_through_what_passes_and_tells_of_it() {
        let stop = CancellationToken::new();
        let mut tries = 0;
        let connect = || {
            tries += 1;
            let result = if tries < 4 { Err("refused") } else { Ok(tries) };
            std::future::ready(result)
        };
        let mut told = Vec::new();
        let tell = |problem| told.push(problem);
        let connected = sendable(until_up(("it", "is up"), connect, |_| true, tell, &stop)).await;
        assert_eq!(connected, Ok(Some(4)));
        let refused = Some("refused".to_owned());
        assert_eq!(told, [refused.clone(), refused.clone(), refused, None]);
    }

    #[tokio::test]
    async fn what_does_not_pass_ends_it_at_once() {
        let stop = CancellationToken::new();
        let connect = || std::future::ready(Err::<(), _>("wrong password"));
        let connected = until_up(("it", "is up"), connect, |_| false, |_| {}, &stop).await;
        assert_eq!(connected, Err("wrong password"));
    }

    #[test]
    fn waiting_can_be_spawned() {
        let stop = CancellationToken::new();
        drop(sendable(cluster(ClusterConfig::default(), &stop)));
        drop(sendable(database("", 1, &stop)));
    }
}
