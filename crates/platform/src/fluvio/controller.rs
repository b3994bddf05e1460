//! The cluster's controller (SC): topics, the leaders of their partitions, SmartModules. Reconnects when the connection is
//! lost.

use std::fmt::{Debug, Display};
use std::time::Duration;

use fluvio::dataplane::api::Request;
use fluvio::dataplane::{Decoder, Encoder};
use fluvio::metadata::AdminSpec;
use fluvio::metadata::objects::{
    CommonCreateRequest, CreateRequest, DeleteRequest, ListFilter, ListRequest, ListResponse,
    Metadata, ObjectApiCreateRequest, ObjectApiDeleteRequest, ObjectApiListRequest,
};
use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::smartmodule::{SmartModuleSpec, SmartModuleWasm};
use fluvio::metadata::spu::SpuSpec;
use fluvio::metadata::topic::TopicSpec;
use fluvio::{FluvioClusterConfig, SmartModuleInvocationWasm};
use fluvio_sc_schema::{CreatableAdminSpec, TryEncodableFrom};
use tokio::sync::Mutex;

use super::UNRELATED_ANSWER;
use super::connection::{Connection, Peer};
use crate::PlatformError;

/// How long the controller may take over an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The connection to the controller. It is in its slot only between requests, so a cancelled one is never followed by
/// another on the same connection.
pub(super) struct Controller {
    cluster: FluvioClusterConfig,
    connection: Mutex<Option<Connection>>,
}

impl Controller {
    /// Connects.
    pub(super) async fn connect(cluster: FluvioClusterConfig) -> Result<Self, PlatformError> {
        let controller = Controller {
            cluster,
            connection: Mutex::default(),
        };
        let connection = controller.new_connection().await?;
        *controller.connection.lock().await = Some(connection);
        Ok(controller)
    }

    pub(super) fn cluster(&self) -> &FluvioClusterConfig {
        &self.cluster
    }

    async fn new_connection(&self) -> Result<Connection, PlatformError> {
        let peer = Peer {
            spu: None,
            endpoint: self.cluster.endpoint.clone(),
        };
        Connection::connect(&self.cluster, &peer).await
    }

    /// Sends a request. If the connection from an earlier one turns out to be lost, it is sent again over a new one: all
    /// requests here may be repeated.
    async fn ask<R: Request, E: Display>(
        &self,
        doing: &str,
        request: impl Fn(i16) -> Result<R, E>,
    ) -> Result<R::Response, PlatformError> {
        let mut slot = self.connection.lock().await;
        let mut earlier = slot.take();
        loop {
            let is_new = !earlier.as_mut().is_some_and(Connection::is_open);
            let mut connection = match earlier.take().filter(|_| !is_new) {
                Some(connection) => connection,
                None => self.new_connection().await?,
            };
            let request = request(connection.version_of::<R>())
                .map_err(|error| PlatformError::refused(doing, error))?;
            let answered = connection.request(request, || doing.into(), ANSWER_LIMIT);
            match answered.await {
                Err(PlatformError::ConnectionLost { .. }) if !is_new => {}
                Err(error) => return Err(error),
                Ok(answer) => {
                    *slot = Some(connection);
                    return Ok(answer);
                }
            }
        }
    }

    async fn list<S>(
        &self,
        doing: &str,
        name: Option<&str>,
    ) -> Result<Vec<Metadata<S>>, PlatformError>
    where
        S: AdminSpec + Debug,
        S::Status: Encoder + Decoder + Debug,
    {
        let request = |version| {
            let filter = name.map(|name| ListFilter::from(name.to_owned()));
            let filters: Vec<_> = filter.into_iter().collect();
            let request = ListRequest::<S>::new(filters, false);
            ObjectApiListRequest::try_encode_from(request, version)
        };
        let answer = self.ask(doing, request).await?;
        let listed: Option<ListResponse<S>> = answer
            .downcast()
            .map_err(|error| PlatformError::refused(doing, format_args!("{error:#}")))?;
        listed
            .map(ListResponse::inner)
            .ok_or_else(|| PlatformError::refused(doing, UNRELATED_ANSWER))
    }

    async fn create<S>(&self, doing: &str, name: &str, spec: S) -> Result<(), PlatformError>
    where
        S: CreatableAdminSpec + Clone + Debug,
    {
        let request = |version| {
            let common = CommonCreateRequest {
                name: name.to_owned(),
                ..CommonCreateRequest::default()
            };
            let request = CreateRequest::new(common, spec.clone());
            ObjectApiCreateRequest::try_encode_from(request, version)
        };
        let status = self.ask(doing, request).await?;
        status
            .as_result()
            .map_err(|error| PlatformError::refused(doing, error))
    }

    /// A topic as it was created, if it exists.
    pub(super) async fn topic(&self, name: &str) -> Result<Option<TopicSpec>, PlatformError> {
        let doing = format!("looking topic `{name}` up");
        let topics = self.list::<TopicSpec>(&doing, Some(name)).await?;
        // The controller's filter matches parts of names, too.
        let topic = topics.into_iter().find(|topic| topic.name == name);
        Ok(topic.map(|topic| topic.spec))
    }

    /// Deletes a topic with all its records. Returns before it is gone.
    pub(super) async fn delete_topic(&self, name: &str) -> Result<(), PlatformError> {
        let doing = format!("deleting topic `{name}`");
        let request = |version| {
            let request = DeleteRequest::<TopicSpec>::new(name.to_owned());
            ObjectApiDeleteRequest::try_encode_from(request, version)
        };
        let status = self.ask(&doing, request).await?;
        status
            .as_result()
            .map_err(|error| PlatformError::refused(doing, error))
    }

    /// Creates a topic.
    pub(super) async fn create_topic(
        &self,
        name: &str,
        spec: TopicSpec,
    ) -> Result<(), PlatformError> {
        let doing = format!("creating topic `{name}`");
        self.create(&doing, name, spec).await
    }

    /// The leader of each partition of a topic; `None` if there is none yet.
    pub(super) async fn leaders(
        &self,
        topic: &str,
        partitions: u32,
    ) -> Result<Vec<Option<Peer>>, PlatformError> {
        let doing = format!("asking who leads the partitions of `{topic}`");
        let all = self.list::<PartitionSpec>(&doing, None).await?;
        let spus = self.list::<SpuSpec>(&doing, None).await?;
        let local = self.cluster.use_spu_local_address;
        let leader = |partition: u32| {
            let key = format!("{topic}-{partition}");
            let id = all.iter().find(|entry| entry.name == key)?.spec.leader;
            let spu = spus.iter().find(|spu| spu.spec.id == id)?;
            let endpoint = match &spu.spec.public_endpoint_local {
                Some(near) if local => format!("{}:{}", near.host, near.port),
                _ => spu.spec.public_endpoint.addr(),
            };
            Some(Peer {
                spu: Some(spu.name.clone()),
                endpoint,
            })
        };
        Ok((0..partitions).map(leader).collect())
    }

    /// A SmartModule as the cluster keeps it (gzipped), if it exists.
    pub(super) async fn module(
        &self,
        name: &str,
    ) -> Result<Option<SmartModuleInvocationWasm>, PlatformError> {
        let doing = format!("looking SmartModule `{name}` up");
        let modules = self.list::<SmartModuleSpec>(&doing, Some(name)).await?;
        Ok(modules
            .into_iter()
            .find(|module| module.name == name)
            .map(|module| SmartModuleInvocationWasm::AdHoc(module.spec.wasm.payload.into())))
    }

    /// Stores a SmartModule, replacing the one there.
    pub(super) async fn store_module(
        &self,
        name: &str,
        gzipped: Vec<u8>,
    ) -> Result<(), PlatformError> {
        let doing = format!("deploying SmartModule `{name}`");
        let spec = SmartModuleSpec {
            wasm: SmartModuleWasm::from_compressed_gzip(gzipped),
            ..SmartModuleSpec::default()
        };
        self.create(&doing, name, spec).await
    }
}
