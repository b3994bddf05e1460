//! The election on a platform and a database: setting it up, and the producer's steps on it.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use domain::{Candidate, Election, ElectionKey, KeyMismatch, PollsWindow, Safeguards, VotingTime};
use manifest::Manifest;
use platform::Platform;
use service::whole_log::demand_whole_log;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::args::{InitArgs, VotersArgs, VotesArgs};
use crate::steady::steadily;
use crate::{
    Ballots, CastPlan, Change, Deployment, Plan, ProducerError, Progress, VoterSource, candidates,
    cast_votes, read_roll, register_voters, write_credentials,
};

/// An election that is set up.
#[derive(Debug, Clone)]
pub struct StoredElection {
    /// What it is made from; `None` when another program set it up.
    pub plan: Option<Plan>,
    /// What is voted on.
    pub election: Election,
}

impl StoredElection {
    /// The election in the database, with what its key opens.
    ///
    /// # Errors
    /// When there is none, when it has a key and this is not it, or the database fails.
    pub async fn load(
        store: &Store,
        key: Option<&ElectionKey>,
    ) -> Result<StoredElection, ProducerError> {
        let stored = store.election().await?.ok_or(StoreError::NoElection)?;
        Ok(StoredElection {
            plan: Plan::from_json(&stored.plan),
            election: stored.open(store.candidates().await?, key)?,
        })
    }

    fn seed(&self) -> Result<u64, ProducerError> {
        let plan = self.plan.as_ref().ok_or(ProducerError::ForeignElection)?;
        Ok(plan.seed)
    }
}

/// When votes may be cast: as the options say, else as the manifest does. Without an opening time the
/// polls opened an hour ago, early enough for every vote cast from now on.
pub fn polls(args: &InitArgs, manifest: &Manifest) -> PollsWindow {
    PollsWindow {
        open: (args.polls.polls_open)
            .or(manifest.polls.open)
            .or(Some(an_hour_ago())),
        close: args.polls.polls_close.or(manifest.polls.close),
    }
}

fn an_hour_ago() -> VotingTime {
    let time = Utc::now() - TimeDelta::hours(1);
    let text = time.format(VotingTime::FORMAT).to_string();
    VotingTime::parse(&text).expect("invariant: chrono writes the format that is read")
}

/// Creates what is not there yet: the schema, topics, SmartModules, the election and its candidates.
/// Returns what was changed on the platform.
///
/// # Errors
/// When there is another election already, or platform or database fail.
pub async fn set_up(
    platform: &dyn Platform,
    store: &Store,
    deployment: &Deployment,
    plan: &Plan,
    polls: PollsWindow,
    safeguards: Safeguards,
    candidates: &[Candidate],
) -> Result<Vec<Change>, ProducerError> {
    store.migrate().await?;
    if let Some(stored) = store.election().await? {
        plan.demand_same(&stored.plan)?;
        demand_same_safeguards(&stored.safeguards, &safeguards)?;
    }
    let changes = deployment.deploy(platform).await?;
    let election = store::Election {
        plan: plan.to_json(),
        polls,
        safeguards,
    };
    store.open_election(&election).await?;
    store.register_candidates(candidates).await?;
    Ok(changes)
}

fn demand_same_safeguards(stored: &Safeguards, wanted: &Safeguards) -> Result<(), ProducerError> {
    let options = |safeguards: &Safeguards| {
        let mut options = Vec::new();
        if safeguards.require_credentials {
            options.push("--require-credentials");
        }
        if safeguards.secret_ballots {
            options.push("--secret-ballots");
        }
        options
    };
    if options(stored) != options(wanted) {
        return Err(ProducerError::OtherSafeguards {
            stored: options(stored),
        });
    }
    if let (Some(stored), Some(given)) = (&stored.key_fingerprint, &wanted.key_fingerprint)
        && stored != given
    {
        let (stored, given) = (stored.clone(), given.clone());
        return Err(StoreError::Key(KeyMismatch::Other { given, stored }).into());
    }
    Ok(())
}

/// `producer init`: sets up an election step by step. Returns who stands, and what was changed on the
/// platform.
///
/// # Errors
/// As [`set_up`].
pub async fn init(
    platform: &dyn Platform,
    store: &Store,
    manifest: &Manifest,
    args: &InitArgs,
    key: Option<&ElectionKey>,
) -> Result<(Vec<Candidate>, Vec<Change>), ProducerError> {
    let deployment = Deployment::of(manifest, args.partitions)?;
    let ballots = Ballots::Steps {
        candidates: args.candidates,
    };
    let plan = Plan::new(args, deployment.partitions(), ballots);
    let candidates = candidates(args.seed, args.candidates as usize);
    let polls = polls(args, manifest);
    let safeguards = args.safeguards.under(key).map_err(StoreError::Key)?;
    let changes = set_up(
        platform,
        store,
        &deployment,
        &plan,
        polls,
        safeguards,
        &candidates,
    )
    .await?;
    Ok((candidates, changes))
}

/// `producer voters`: registers voters. Returns how many it produced.
///
/// # Errors
/// When no election is set up, the roll cannot be read, the log has lost records, or what [`register_voters`] says.
pub async fn voters(
    platform: &Arc<dyn Platform>,
    store: &Store,
    args: VotersArgs,
    key: Option<&ElectionKey>,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    let stored = StoredElection::load(store, key).await?;
    let seed = stored.seed()?;
    let voters = match args.voters_file {
        Some(file) => VoterSource::Roll(read_roll(&file)?),
        None => VoterSource::Generated {
            seed,
            count: args.voters,
        },
    };
    if let Some(file) = args.credentials {
        write_credentials(&file, &voters, &stored.election).await?;
    }
    let register = || async {
        demand_whole_log(&**platform, store).await?;
        register_voters(platform, voters.clone(), progress, stop).await
    };
    steadily("registering", stop, register).await
}

/// `producer votes`: casts the votes of those who are registered. Returns how many it produced.
///
/// # Errors
/// When no election is set up, the log has lost records, or what [`cast_votes`] says.
pub async fn votes(
    platform: &Arc<dyn Platform>,
    store: &Store,
    args: &VotesArgs,
    key: Option<&ElectionKey>,
    progress: &Arc<Progress>,
    stop: &CancellationToken,
) -> Result<u64, ProducerError> {
    let stored = StoredElection::load(store, key).await?;
    let plan = CastPlan {
        seed: stored.seed()?,
        duplicates: args.duplicates,
        invalid: args.invalid,
        abstain: args.abstain,
        rate: args.rate,
        candidates: stored.election.candidates,
        polls: stored.election.polls,
        credentials: stored.election.credentials,
    };
    let cast = || async {
        demand_whole_log(&**platform, store).await?;
        cast_votes(platform, plan.clone(), progress, stop).await
    };
    steadily("casting", stop, cast).await
}
