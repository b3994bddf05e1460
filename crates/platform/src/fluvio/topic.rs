//! A topic and the connections to the SPUs that lead its partitions.

use std::sync::atomic::AtomicU32;

use fluvio::dataplane::link::ErrorCode;
use fluvio::metadata::topic::CompressionAlgorithm;
use fluvio::{FluvioClusterConfig, Isolation};
use tokio::sync::Mutex;

use super::connection::{Connection, Peer};
use super::controller::Controller;
use super::log_end::LogEnd;
use crate::PlatformError;

/// A topic as it was when it was looked up.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) cluster: FluvioClusterConfig,
    pub(super) compression: CompressionAlgorithm,
    /// Of each partition.
    copies: u32,
    partitions: Vec<Partition>,
    keyless: AtomicU32,
}

/// A partition. A connection is in its slot only between requests, so a cancelled one is never followed by another on
/// the same connection.
pub(super) struct Partition {
    leader: Peer,
    /// While it is locked, nobody else appends.
    pub(super) appending: Mutex<Option<Connection>>,
    log_end: Mutex<Option<LogEnd>>,
}

impl Topic {
    /// Looks a topic up.
    pub(super) async fn look_up(
        controller: &Controller,
        name: &str,
    ) -> Result<Topic, PlatformError> {
        let spec = controller
            .topic(name)
            .await?
            .ok_or_else(|| PlatformError::NoTopic { topic: name.into() })?;
        let leaders = controller.leaders(name, spec.partitions()).await?;
        let partitions = (0..).zip(leaders).map(|(partition, leader): (u32, _)| {
            let leader = leader.ok_or_else(|| {
                let problem = format!(
                    "no SPU leads partition {partition}; `fluvio cluster spu list` shows the SPUs"
                );
                PlatformError::refused(format!("looking topic `{name}` up"), problem)
            })?;
            Ok(Partition {
                leader,
                appending: Mutex::default(),
                log_end: Mutex::default(),
            })
        });
        Ok(Topic {
            name: name.to_owned(),
            cluster: controller.cluster().clone(),
            compression: spec.get_compression_type().clone(),
            copies: spec.replication_factor().unwrap_or(1),
            partitions: partitions.collect::<Result<_, PlatformError>>()?,
            keyless: AtomicU32::new(0),
        })
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    pub(super) fn partition(&self, partition: u32) -> Result<&Partition, PlatformError> {
        self.partitions
            .get(partition as usize)
            .ok_or_else(|| PlatformError::NoPartition {
                topic: self.name.clone(),
                partition,
                partitions: self.partitions(),
            })
    }

    /// Counts the records without a key.
    pub(super) fn keyless(&self) -> &AtomicU32 {
        &self.keyless
    }

    /// A new connection to the SPU that leads a partition.
    pub(super) async fn connect(&self, partition: u32) -> Result<Connection, PlatformError> {
        Connection::connect(&self.cluster, &self.partition(partition)?.leader).await
    }

    /// Takes the connection out of a slot if it is still open, or opens one.
    pub(super) async fn take(
        &self,
        slot: &mut Option<Connection>,
        partition: u32,
    ) -> Result<Connection, PlatformError> {
        if let Some(mut connection) = slot.take()
            && connection.is_open()
        {
            return Ok(connection);
        }
        self.connect(partition).await
    }

    /// Whether each partition has one copy, from which nothing is taken back.
    pub(super) fn has_one_copy(&self) -> bool {
        self.copies == 1
    }

    /// What a stream may see: with one copy, everything in the log.
    pub(super) fn isolation(&self) -> Isolation {
        if self.has_one_copy() {
            Isolation::ReadUncommitted
        } else {
            Isolation::ReadCommitted
        }
    }

    /// The offset of the next record.
    pub(super) async fn end_offset(&self, partition: u32) -> Result<i64, PlatformError> {
        let mut slot = self.partition(partition)?.log_end.lock().await;
        let known = slot.take().and_then(LogEnd::if_open);
        let mut log_end = match known {
            Some(log_end) => log_end,
            None => LogEnd::find(self, partition, self.connect(partition).await?).await?,
        };
        let end = log_end.poll(self, partition).await?;
        *slot = Some(log_end);
        Ok(end)
    }

    /// An SPU's error code as an error.
    pub(super) fn check(
        &self,
        partition: u32,
        code: &ErrorCode,
        doing: impl FnOnce() -> String,
    ) -> Result<(), PlatformError> {
        match code {
            ErrorCode::None => Ok(()),
            ErrorCode::NotLeaderForPartition | ErrorCode::PartitionNotLeader => {
                Err(PlatformError::Moved {
                    topic: self.name.clone(),
                    partition,
                })
            }
            ErrorCode::TopicNotFound | ErrorCode::TopicDeleted => Err(PlatformError::NoTopic {
                topic: self.name.clone(),
            }),
            other => Err(PlatformError::refused(doing(), other)),
        }
    }
}
