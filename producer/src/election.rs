//! The election on a platform and a database: setting it up, and the producer's steps.

use std::sync::Arc;

use ballot::{Candidate, ElectionDefinition, PollsWindow, VotingTime};
use chrono::{TimeDelta, Utc};
use evidence::{ElectionKey, KeyMismatch, Safeguards};
use manifest::Manifest;
use platform::Platform;
use service::public_url::{PublicUrl, is_portrait};
use service::restart::until_done;
use service::whole_log::demand_whole_log;
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use wire::Election;

use crate::args::{InitArgs, VotersArgs, VotesArgs};
use crate::{
    Ballots, CastPlan, Change, Deployment, Plan, ProducerError, Progress, VoterSource, candidates,
    cast_votes, read_roll, register_voters, write_credentials,
};

/// An election that is set up.
#[derive(Debug, Clone)]
pub struct StoredElection {
    /// What it is made from; `None` if another program set it up.
    pub plan: Option<Plan>,
    /// What is voted on.
    pub election: Election,
}

impl StoredElection {
    /// The election in the database, opened with its key.
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

/// An election that is to be set up.
#[derive(Debug, Clone)]
pub struct NewElection {
    /// What it is made from.
    pub plan: Plan,
    /// When votes may be cast.
    pub polls: PollsWindow,
    /// What it uses its secret key for.
    pub safeguards: Safeguards,
    /// What is voted on; `None` for the tutorial's election between `candidates`.
    pub definition: Option<ElectionDefinition>,
    /// The candidates, without photos.
    pub candidates: Vec<Candidate>,
    /// The address of the dashboard, and of the candidates' photos.
    pub public_url: PublicUrl,
}

/// When votes may be cast: as the options say, else the manifest. Without an opening time the polls opened
/// an hour ago, early enough for every vote cast from now on.
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

/// The candidates, with portraits on the dashboard at this address. A registered photo that is not such a
/// portrait is kept.
pub fn with_photos(
    candidates: &[Candidate],
    registered: &[Candidate],
    public_url: &PublicUrl,
) -> Vec<Candidate> {
    let mut candidates = candidates.to_vec();
    for candidate in &mut candidates {
        let id = &candidate.candidate_id;
        let registered = registered.iter().find(|at| at.candidate_id == *id);
        candidate.photo_url = match registered {
            Some(registered) if !is_portrait(&registered.photo_url, id) => {
                registered.photo_url.clone()
            }
            _ => public_url.portrait(id),
        };
    }
    candidates
}

/// The candidates of the definition, else invented ones.
pub fn standing(definition: Option<&ElectionDefinition>, args: &InitArgs) -> Vec<Candidate> {
    match definition {
        Some(definition) => definition.candidates().cloned().collect(),
        None => candidates(args.seed, args.candidates as usize),
    }
}

/// Creates what is missing: the schema, topics, SmartModules, the election and its candidates. Returns what
/// was changed on the platform.
///
/// # Errors
/// When there is another election already, or platform or database fail.
pub async fn set_up(
    platform: &dyn Platform,
    store: &Store,
    deployment: &Deployment,
    new: &NewElection,
) -> Result<Vec<Change>, ProducerError> {
    store.migrate().await?;
    if let Some(stored) = store.election().await? {
        new.plan.demand_same(&stored.plan)?;
        demand_same_safeguards(&stored.safeguards, &new.safeguards)?;
        if stored.definition != new.definition {
            return Err(ProducerError::OtherDefinition);
        }
    }
    let changes = deployment.deploy(platform).await?;
    let election = store::ElectionRow {
        plan: new.plan.to_json(),
        polls: new.polls,
        safeguards: new.safeguards.clone(),
        definition: new.definition.clone(),
    };
    store.open_election(&election).await?;
    let registered = store.candidates().await?;
    let candidates = with_photos(&new.candidates, &registered, &new.public_url);
    store.register_candidates(&candidates).await?;
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
        return Err(ProducerError::OtherSafeguards(options(stored)));
    }
    if let (Some(stored), Some(given)) = (&stored.key_fingerprint, &wanted.key_fingerprint)
        && stored != given
    {
        let (stored, given) = (stored.clone(), given.clone());
        return Err(StoreError::Key(KeyMismatch::Other { given, stored }).into());
    }
    Ok(())
}

/// `producer init`: sets up an election step by step. Returns the candidates, and what was changed on the
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
    let definition = args.definition()?;
    let ballots = Ballots::Steps {
        candidates: args.candidates,
    };
    let new = NewElection {
        plan: Plan::new(args, deployment.partitions(), ballots),
        polls: polls(args, manifest),
        safeguards: args.safeguards.under(key).map_err(StoreError::Key)?,
        candidates: standing(definition.as_ref(), args),
        definition,
        public_url: args.public_url.clone().unwrap_or_default(),
    };
    let changes = set_up(platform, store, &deployment, &new).await?;
    Ok((new.candidates, changes))
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
            precincts: stored.election.definition.precinct_ids(),
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

/// Repeats `work`, which continues where the log ends, after every transient failure until it is done or
/// stopped. Returns what its last run produced.
///
/// # Errors
/// The first failure that is not transient.
pub async fn steadily<W>(
    doing: &str,
    stop: &CancellationToken,
    work: impl FnMut() -> W,
) -> Result<u64, ProducerError>
where
    W: Future<Output = Result<u64, ProducerError>>,
{
    let produced = until_done(doing, &(), stop, work).await?;
    Ok(produced.unwrap_or_default())
}

/// `producer votes`: casts the votes of the registered voters. Returns how many it produced.
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
        definition: stored.election.definition,
        polls: stored.election.polls,
        credentials: stored.election.credentials,
    };
    let cast = || async {
        demand_whole_log(&**platform, store).await?;
        cast_votes(platform, plan.clone(), progress, stop).await
    };
    steadily("casting", stop, cast).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_go_with_the_dashboard_and_those_of_others_stay() {
        let made = candidates(1, 3);
        let url: PublicUrl = "https://election.example".parse().unwrap();
        let first = with_photos(&made, &[], &PublicUrl::default());
        let photo = |url: &str, at: usize| format!("{url}/portraits/{}.svg", made[at].candidate_id);
        for (at, candidate) in first.iter().enumerate() {
            assert_eq!(candidate.photo_url, photo("http://127.0.0.1:8080", at));
        }
        let mut registered = first;
        registered[0].photo_url = photo("", 0);
        registered[2].photo_url = "https://photos.example/3.jpg".into();
        let moved = with_photos(&made, &registered, &url);
        assert_eq!(moved[0].photo_url, photo("https://election.example", 0));
        assert_eq!(moved[1].photo_url, photo("https://election.example", 1));
        assert_eq!(moved[2].photo_url, "https://photos.example/3.jpg");
    }
}
