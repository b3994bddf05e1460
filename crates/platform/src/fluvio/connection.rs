//! A connection to the controller (SC) or an SPU: a request and its answer, or a request and an endless series of answers.
//!
//! We use the `fluvio` client's profiles, TLS, types and protocol, but not its connections, because of what they do on
//! failures. Its producer continues with the next batch after one was lost, resends a batch when only the answer was lost,
//! and only logs the cause. Its consumer does not say whether a SmartModule was accepted before there is an output, stays
//! on the SPU when it is dropped, and omits outputs of a chain that did not start at the beginning. Its administrator
//! waits a minute on a connection that is known to be dead. Here a connection belongs to its user, no task runs beside
//! it, and dropping it closes it.

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

use super::within;
use crate::PlatformError;

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// An SPU's name in the cluster, by which TLS knows it; `None` for the controller.
    pub(super) spu: Option<String>,
    /// The public address.
    pub(super) endpoint: String,
}

/// A connection. Dropping it closes it, and ends its streams at the other end.
pub(super) struct Connection {
    endpoint: String,
    /// The socket again, to set options; not with TLS, where the client opens the socket.
    handle: Option<OwnedFd>,
    config: Arc<ClientConfig>,
    versions: Versions,
    sink: FluvioSink,
    stream: FluvioStream,
    correlation: i32,
}

/// An answer, and the request it belongs to.
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
        // Without TLS the client would connect unencrypted.
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

    /// Whether it is still open, as far as the network knows. Without a pending request nothing is received, so anything
    /// but silence is its end.
    pub(super) fn is_open(&mut self) -> bool {
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

    /// Sends a request. If this is cancelled, half a request may be written, and the connection must be dropped.
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

    /// The next answer. May be cancelled at any time.
    pub(super) async fn answer(&mut self) -> Result<Answer, PlatformError> {
        acknowledge_at_once(self.handle.as_ref());
        match self.stream.get_mut_tcp_stream().next().await {
            Some(Ok(frame)) if frame.len() >= size_of::<i32>() => {
                let mut bytes = frame.freeze();
                let correlation = bytes.get_i32();
                Ok(Answer { correlation, bytes })
            }
            Some(Ok(_)) => Err(self.lost_by("it sent an answer without a header")),
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
        within(limit, doing, asked).await
    }

    /// Reads an answer.
    pub(super) fn decode<R: Request>(
        &self,
        mut bytes: Bytes,
        version: i16,
    ) -> Result<R::Response, PlatformError> {
        use fluvio::dataplane::Decoder;

        R::Response::decode_from(&mut bytes, version)
            .map_err(|error| self.lost_by(format!("its answer cannot be read: {error}")))
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

/// A socket without TLS, and a handle to set its options.
async fn plain_socket(endpoint: &str) -> Result<(FluvioSocket, OwnedFd), SocketError> {
    let stream = TcpStream::connect(endpoint).await?;
    stream.set_nodelay(true)?;
    let handle = stream.as_fd().try_clone_to_owned()?;
    let number = handle.as_raw_fd();
    let (read, write) = stream.into_split();
    let (read, write) = (Box::new(read.compat()), Box::new(write.compat_write()));
    Ok((FluvioSocket::from_stream(write, read, number), handle))
}

/// An SPU writes the head of a slice and then its records, without `TCP_NODELAY`: its kernel holds the records back until
/// ours has acknowledged the head, which ours would delay by 40 ms, hoping to have something to send. The kernel resets
/// this option, so it is set before every wait.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn acknowledge_at_once(handle: Option<&OwnedFd>) {
    if let Some(handle) = handle
        && let Err(error) = SockRef::from(handle).set_tcp_quickack(true)
    {
        // Without it we are only slower.
        tracing::debug!("TCP_QUICKACK: {error}");
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn acknowledge_at_once(_handle: Option<&OwnedFd>) {}
