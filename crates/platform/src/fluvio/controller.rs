//! The cluster's controller (SC): topics, who leads their partitions, SmartModules. Connects when
//! first needed, and again when the connection was lost.

use std::fmt::Debug;
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
use fluvio::metadata::topic::{CompressionAlgorithm, TopicSpec};
use fluvio::{FluvioClusterConfig, SmartModuleInvocationWasm};
use fluvio_sc_schema::{CreatableAdminSpec, TryEncodableFrom};
use tokio::sync::Mutex;

use super::connection::{Connection, Peer};
use crate::PlatformError;

/// How long the controller may take over an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A topic as the controller knows it.
#[derive(Debug, Clone)]
pub(super) struct TopicFacts {
    pub(super) partitions: u32,
    /// Of each partition.
    pub(super) copies: u32,
    pub(super) compression: CompressionAlgorithm,
}

/// The connection to the controller. It is in its slot while nobody uses it: a request cut short is
/// never followed by another.
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

    /// Asks. When a connection that was there before turns out to be lost, the question is asked once
    /// more over a new one: all questions here may be asked twice.
    async fn ask<R: Request>(
        &self,
        doing: &str,
        question: impl Fn(i16) -> Result<R, String>,
    ) -> Result<R::Response, PlatformError> {
        let refused = |problem| PlatformError::Refused {
            doing: doing.into(),
            problem,
        };
        let mut slot = self.connection.lock().await;
        if let Some(mut connection) = slot.take()
            && connection.stands()
        {
            let request = question(connection.version_of::<R>()).map_err(refused)?;
            match connection
                .request(request, || doing.into(), ANSWER_LIMIT)
                .await
            {
                Err(PlatformError::ConnectionLost { .. }) => {}
                answered => {
                    if answered.is_ok() {
                        *slot = Some(connection);
                    }
                    return answered;
                }
            }
        }
        let mut connection = self.new_connection().await?;
        let request = question(connection.version_of::<R>()).map_err(refused)?;
        let answer = connection
            .request(request, || doing.into(), ANSWER_LIMIT)
            .await?;
        *slot = Some(connection);
        Ok(answer)
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
        let question = |version| {
            let filter = name.map(|name| ListFilter::from(name.to_owned()));
            let filters: Vec<_> = filter.into_iter().collect();
            ObjectApiListRequest::try_encode_from(ListRequest::<S>::new(filters, false), version)
                .map_err(|error| error.to_string())
        };
        let answer = self.ask(doing, question).await?;
        let listed: Option<ListResponse<S>> =
            answer.downcast().map_err(|error| PlatformError::Refused {
                doing: doing.into(),
                problem: format!("{error:#}"),
            })?;
        listed
            .map(ListResponse::inner)
            .ok_or_else(|| PlatformError::Refused {
                doing: doing.into(),
                problem: "the answer is about something else".into(),
            })
    }

    async fn create<S>(&self, doing: &str, name: &str, spec: S) -> Result<(), PlatformError>
    where
        S: CreatableAdminSpec + Clone + Debug,
    {
        let question = |version| {
            let common = CommonCreateRequest {
                name: name.to_owned(),
                ..CommonCreateRequest::default()
            };
            let request = CreateRequest::new(common, spec.clone());
            ObjectApiCreateRequest::try_encode_from(request, version)
                .map_err(|error| error.to_string())
        };
        let status = self.ask(doing, question).await?;
        status.as_result().map_err(|error| PlatformError::Refused {
            doing: doing.into(),
            problem: error.to_string(),
        })
    }

    /// A topic, if it is there.
    pub(super) async fn topic(&self, name: &str) -> Result<Option<TopicFacts>, PlatformError> {
        let spec = self.topic_spec(name).await?;
        Ok(spec.map(|spec| TopicFacts {
            partitions: spec.partitions(),
            copies: spec.replication_factor().unwrap_or(1),
            compression: spec.get_compression_type().clone(),
        }))
    }

    /// A topic as it was created, if it is there.
    pub(super) async fn topic_spec(&self, name: &str) -> Result<Option<TopicSpec>, PlatformError> {
        let doing = format!("looking topic `{name}` up");
        let topics = self.list::<TopicSpec>(&doing, Some(name)).await?;
        // The controller's filter matches parts of names, too.
        let topic = topics.into_iter().find(|topic| topic.name == name);
        Ok(topic.map(|topic| topic.spec))
    }

    /// Deletes a topic with all its records. Returns before it is gone.
    pub(super) async fn delete_topic(&self, name: &str) -> Result<(), PlatformError> {
        let doing = format!("deleting topic `{name}`");
        let question = |version| {
            let request = DeleteRequest::<TopicSpec>::new(name.to_owned());
            ObjectApiDeleteRequest::try_encode_from(request, version)
                .map_err(|error| error.to_string())
        };
        let status = self.ask(&doing, question).await?;
        status.as_result().map_err(|error| PlatformError::Refused {
            doing,
            problem: error.to_string(),
        })
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

    /// Who leads each partition of a topic; `None` where nobody does yet.
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

    /// A SmartModule as the cluster keeps it (gzipped), if it is there.
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

    /// Stores a SmartModule, replacing what stood there.
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
