//! A connection to the controller (SC) or an SPU: a request, its answer; or a request, and answers
//! without end.
//!
//! Of the `fluvio` client we use the profiles and TLS, its types, and the protocol in them, but not what
//! it runs with them, for what that does when things go wrong. Its producer goes on with the next batch
//! when one was lost, sends a batch again when only its answer was, and tells the cause only to the log.
//! Its consumer does not say whether a SmartModule was accepted before there is an output, stays on the
//! SPU when it is dropped, and leaves out outputs of a chain that did not start at the beginning. Its
//! administrator waits a minute on a connection that is known to be dead. Here, a connection belongs to
//! its user; nothing runs beside it, and dropping it closes it.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use fluvio::FluvioClusterConfig;
use fluvio::config::TlsPolicy;
use fluvio::dataplane::api::{Request, RequestMessage};
use fluvio_socket::{
    ClientConfig, FluvioSink, FluvioSocket, FluvioStream, SocketError, VersionedSocket, Versions,
};
use futures_util::{FutureExt, StreamExt};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_util::compat::{TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

use crate::PlatformError;

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// An SPU's name in the cluster, by which TLS knows it; `None` for the controller.
    pub(super) spu: Option<String>,
    /// The public address.
    pub(super) endpoint: String,
}

/// A connection. Dropping it closes it, and ends what runs for it at the other end.
pub(super) struct Connection {
    endpoint: String,
    /// The socket once more, for its options; not with TLS, where the client makes the socket.
    handle: Option<OwnedFd>,
    config: Arc<ClientConfig>,
    versions: Versions,
    sink: FluvioSink,
    stream: FluvioStream,
    correlation: i32,
}

/// What was sent to us, and which request it answers.
pub(super) struct Answer {
    pub(super) correlation: i32,
    pub(super) bytes: Bytes,
}

/// A request that was sent.
pub(super) struct Sent {
    pub(super) correlation: i32,
    pub(super) version: i16,
}

impl Connection {
    pub(super) async fn connect(
        cluster: &FluvioClusterConfig,
        peer: &Peer,
    ) -> Result<Self, PlatformError> {
        let unreachable = |problem: String| PlatformError::Unreachable {
            endpoint: peer.endpoint.clone(),
            problem,
        };
        // Without it the client would connect in the clear.
        if cluster.tls != TlsPolicy::Disabled && !cfg!(feature = "tls") {
            return Err(PlatformError::NoTls {
                endpoint: peer.endpoint.clone(),
            });
        }
        let mut config = ClientConfig::try_from(cluster.clone())
            .map_err(|error| unreachable(format!("{error:#}")))?;
        if let Some(spu) = &peer.spu {
            config = config.with_prefix_sni_domain(spu);
        }
        config.set_addr(peer.endpoint.clone());
        let connected = async {
            if cluster.tls == TlsPolicy::Disabled {
                let (socket, handle) = plain_socket(&peer.endpoint).await?;
                let socket = VersionedSocket::connect(socket, Arc::new(config)).await?;
                Ok((socket, Some(handle)))
            } else {
                Ok((config.connect().await?, None))
            }
        };
        let (socket, handle) = tokio::time::timeout(CONNECT_LIMIT, connected)
            .await
            .map_err(|_| unreachable(format!("no answer in {} s", CONNECT_LIMIT.as_secs())))?
            .map_err(|error: SocketError| unreachable(error.to_string()))?;
        let (socket, config, versions) = socket.split();
        let (sink, stream) = socket.split();
        Ok(Connection {
            endpoint: peer.endpoint.clone(),
            handle,
            config,
            versions,
            sink,
            stream,
            correlation: 0,
        })
    }

    /// Whether it still stands, as far as the network has told. A connection without a request under
    /// way is sent nothing, so that anything but silence is its end.
    pub(super) fn stands(&mut self) -> bool {
        self.stream
            .get_mut_tcp_stream()
            .next()
            .now_or_never()
            .is_none()
    }

    /// The newest version of a request that both ends know.
    pub(super) fn version_of<R: Request>(&self) -> i16 {
        self.versions
            .lookup_version::<R>()
            .unwrap_or(R::DEFAULT_API_VERSION)
    }

    /// Sends a request. Must not be given up half-way: what is written then is no request, and the
    /// connection must be dropped.
    pub(super) async fn send<R: Request>(&mut self, request: R) -> Result<Sent, PlatformError> {
        self.correlation += 1;
        let version = self.version_of::<R>();
        let mut message = RequestMessage::new_request(request);
        message
            .header
            .set_client_id(self.config.client_id())
            .set_correlation_id(self.correlation)
            .set_api_version(version);
        let sent = self.sink.send_request(&message).await;
        sent.map_err(|error| self.lost(error))?;
        Ok(Sent {
            correlation: self.correlation,
            version,
        })
    }

    /// The next answer. May be given up at any time.
    pub(super) async fn answer(&mut self) -> Result<Answer, PlatformError> {
        acknowledge_at_once(self.handle.as_ref());
        match self.stream.get_mut_tcp_stream().next().await {
            Some(Ok(frame)) if frame.len() >= size_of::<i32>() => {
                let mut bytes = frame.freeze();
                let correlation = bytes.get_i32();
                Ok(Answer { correlation, bytes })
            }
            Some(Ok(_)) => Err(self.lost_by("it sent an answer without a head")),
            Some(Err(error)) => Err(self.lost(SocketError::from(error))),
            None => Err(self.lost_by("the other end closed it")),
        }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn request<R: Request>(
        &mut self,
        request: R,
        doing: impl FnOnce() -> String,
        limit: Duration,
    ) -> Result<R::Response, PlatformError> {
        let asked = async {
            let sent = self.send(request).await?;
            loop {
                let answer = self.answer().await?;
                if answer.correlation == sent.correlation {
                    return self.decode::<R>(answer.bytes, sent.version);
                }
            }
        };
        match tokio::time::timeout(limit, asked).await {
            Ok(answered) => answered,
            Err(_) => Err(PlatformError::Timeout {
                doing: doing(),
                seconds: limit.as_secs(),
            }),
        }
    }

    /// Reads an answer.
    pub(super) fn decode<R: Request>(
        &self,
        mut bytes: Bytes,
        version: i16,
    ) -> Result<R::Response, PlatformError> {
        use fluvio::dataplane::Decoder;

        R::Response::decode_from(&mut bytes, version)
            .map_err(|error| self.lost_by(format!("it sent what cannot be read: {error}")))
    }

    pub(super) fn lost_by(&self, problem: impl Into<String>) -> PlatformError {
        PlatformError::ConnectionLost {
            endpoint: self.endpoint.clone(),
            problem: problem.into(),
        }
    }

    fn lost(&self, error: SocketError) -> PlatformError {
        self.lost_by(error.to_string())
    }
}

/// A socket without TLS, and the handle to its options.
async fn plain_socket(endpoint: &str) -> Result<(FluvioSocket, OwnedFd), SocketError> {
    let stream = TcpStream::connect(endpoint).await?;
    stream.set_nodelay(true)?;
    let handle = stream.as_fd().try_clone_to_owned()?;
    let number = handle.as_raw_fd();
    let (read, write) = stream.into_split();
    let (read, write) = (Box::new(read.compat()), Box::new(write.compat_write()));
    Ok((FluvioSocket::from_stream(write, read, number), handle))
}

/// An SPU writes the head of a slice, and then its records, without `TCP_NODELAY`: its kernel holds the
/// second back until ours has acknowledged the first, and ours would take 40 ms over that, in the hope
/// of having something to send. The kernel forgets this option, so it is set before every wait.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge_at_once(handle: Option<&OwnedFd>) {
    if let Some(handle) = handle
        && let Err(error) = SockRef::from(handle).set_tcp_quickack(true)
    {
        // Slower, and no less right.
        tracing::debug!("TCP_QUICKACK: {error}");
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge_at_once(_handle: Option<&OwnedFd>) {}
