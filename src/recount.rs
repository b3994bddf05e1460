//! `election recount`: counts the whole log again through the `vote-tally` SmartModule and shows the result.
//! Nothing stored is changed.

use std::sync::Arc;

use ballot::{ElectionDefinition, Partition, Rules, Tally};
use consumer::{Deltas, TimedDelta};
use futures_util::future::try_join_all;
use ledger::Ledger;
use platform::ModuleCall;
use wire::topics;

use crate::Outcome;
use crate::backend::Backend;
use crate::cli::ResultsArgs;
use crate::report::Report;
use crate::steps;

pub(crate) async fn run(args: ResultsArgs) -> anyhow::Result<Outcome> {
    let backend = Backend::open_existing(&args.backend).await?;
    let report = backend.close_after(recounted_report).await?;
    steps::show(&args, &report)?;
    Ok(Outcome::of_check(report.accounted))
}

async fn recounted_report(backend: &Backend) -> anyhow::Result<Report> {
    let stored = backend.election().await?;
    let rules = stored.election.rules();
    let definition = Arc::new(stored.election.definition.clone());
    let ends = backend.ends(topics::VOTES).await?;
    backend.prepare(ends.len() as u32).await?;
    let chain = backend.consumer_config().tally_chain;
    let of = ends.len() as u32;
    let partitions = (0..).zip(ends).map(|(number, end)| {
        let definition = definition.clone();
        let partition = Partition { number, of };
        recount_partition(backend, &chain, &rules, definition, partition, end)
    });
    let mut total = Tally::default();
    for tally in try_join_all(partitions).await? {
        total.add(&tally);
    }
    Report::of_tally(backend, &stored, &total).await
}

async fn recount_partition(
    backend: &Backend,
    chain: &[ModuleCall],
    rules: &Rules,
    definition: Arc<ElectionDefinition>,
    partition: Partition,
    end: i64,
) -> anyhow::Result<Tally> {
    let mut ledger = Ledger::default().of(definition);
    if end == 0 {
        return Ok(ledger.tally().clone());
    }
    let mut deltas = Deltas::open(&*backend.platform, partition, chain, rules).await?;
    while ledger.next_offset() < end {
        for TimedDelta { delta, .. } in deltas.next().await? {
            ledger.apply(&delta)?;
        }
    }
    Ok(ledger.tally().clone())
}
