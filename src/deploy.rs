//! `election deploy` and `election build-modules`: topics and SmartModules for a cluster, or for the
//! `fluvio` CLI.

use std::path::Path;

use anyhow::Context;
use platform::fluvio::FluvioPlatform;
use producer::{Change, Deployment, ProducerError};

use crate::Outcome;
use crate::backend::read_manifest;
use crate::cli::DeployArgs;

pub(crate) async fn deploy(args: DeployArgs) -> anyhow::Result<Outcome> {
    let manifest = read_manifest(&args.cluster)?;
    let deployment =
        Deployment::of(&manifest, args.partitions).map_err(ProducerError::into_report)?;
    let platform = FluvioPlatform::connect(args.cluster.cluster_config(&manifest)).await?;
    eprintln!("Fluvio at {}", platform.endpoint());
    let done = deploy_to(&platform, &deployment, args.dry_run).await;
    platform.close().await;
    done
}

async fn deploy_to(
    platform: &FluvioPlatform,
    deployment: &Deployment,
    dry_run: bool,
) -> anyhow::Result<Outcome> {
    let changes = deployment.changes(platform).await?;
    for change in &changes {
        if dry_run {
            println!("would {change}");
        } else {
            deployment
                .make(platform, std::slice::from_ref(change))
                .await
                .with_context(|| format!("cannot {change}"))?;
            println!("{}", done(change));
        }
    }
    let (topics, modules) = (deployment.topics().count(), deployment.modules().count());
    if changes.is_empty() {
        println!("{topics} topics and {modules} SmartModules are as the manifest says");
    } else if dry_run {
        println!("Nothing was done: this was a dry run.");
    }
    let mut is_different = false;
    for (topic, _) in deployment.topics() {
        for difference in platform.topic_differences(topic).await? {
            is_different = true;
            eprintln!("warning: topic {topic} stays as it was created: {difference}");
        }
    }
    if is_different {
        eprintln!(
            "Fluvio cannot change a topic's settings. To apply the manifest's, delete the topic \
             (`fluvio topic delete`), which deletes its records, and deploy again."
        );
    }
    Ok(Outcome::Fine)
}

/// A change that was made.
fn done(change: &Change) -> String {
    let text = change.to_string();
    match text.split_once(' ') {
        Some((verb, rest)) => format!("{verb}d {rest}"),
        None => text,
    }
}

pub(crate) fn build_modules(directory: &Path) -> anyhow::Result<Outcome> {
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    for module in smartmodules::ALL {
        let path = directory.join(format!("{}.wasm", module.name));
        std::fs::write(&path, module.wasm)
            .with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}  {}", path.display(), module.summary);
    }
    Ok(Outcome::Fine)
}
