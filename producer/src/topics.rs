//! The topics of an election.

use domain::topics::{AGGREGATES, PIPELINE, REJECTED_VOTES, VOTERS, VOTES};
use platform::Platform;

use crate::ProducerError;

/// What is made of the votes is little, and their order is that of one partition.
const SUMMARY_PARTITIONS: u32 = 1;

/// Creates every topic, `voters` and `votes` with this many partitions. Those that are there already
/// stay as they are.
///
/// # Errors
/// When a topic is there with another number of partitions, or the platform fails.
pub async fn create_topics(platform: &dyn Platform, partitions: u32) -> Result<(), ProducerError> {
    for topic in [VOTERS, VOTES] {
        platform.create_topic(topic, partitions).await?;
    }
    for topic in AGGREGATES.into_iter().chain([REJECTED_VOTES, PIPELINE]) {
        platform.create_topic(topic, SUMMARY_PARTITIONS).await?;
    }
    Ok(())
}
