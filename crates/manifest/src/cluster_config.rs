//! The manifest as the configuration of the Fluvio adapter.

use platform::fluvio::{ClusterAddress, ClusterConfig};

use crate::Manifest;

impl Manifest {
    /// What the Fluvio adapter is to be told: the cluster, and how topics are created. `endpoint`, when
    /// given (a `--cluster` option), is used instead of the manifest's cluster.
    pub fn cluster_config(&self, endpoint: Option<&str>) -> ClusterConfig {
        let endpoint = endpoint.or(self.cluster.endpoint.as_deref());
        let address = match endpoint {
            Some(endpoint) => ClusterAddress::Endpoint(endpoint.to_owned()),
            None => ClusterAddress::Profile {
                name: self.cluster.profile.clone(),
                file: None,
            },
        };
        let topics = self.topics.iter();
        ClusterConfig {
            address,
            topic_defaults: self.defaults.settings.clone(),
            topics: topics
                .map(|(name, topic)| (name.clone(), topic.settings.clone()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_stronger_than_the_file() {
        let manifest = Manifest::built_in();
        let config = manifest.cluster_config(Some("host:1"));
        assert_eq!(config.address, ClusterAddress::Endpoint("host:1".into()));
        assert_eq!(
            manifest.cluster_config(None).address,
            ClusterAddress::default()
        );
        assert_eq!(config.topics.len(), manifest.topics.len());
        assert_eq!(config.topics["votes"].retention, None);
    }
}
