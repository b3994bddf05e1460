//! Cast vote records as votes of an election, as `election tabulate` and `election demo --cvr` cast them.

use ballot::{Contest, ElectionDefinition};
use cast_vote_records::{RctabConfig, RecordedBallots};
use producer::BallotReplay;
use service::UsageError;

/// The election of these ballots.
pub(crate) fn definition(
    recorded: &RecordedBallots,
    config: &RctabConfig,
    contest: &Contest,
) -> Result<ElectionDefinition, UsageError> {
    let definition = recorded.definition(config, contest);
    definition.map_err(|error| UsageError(format!("the contest cannot be streamed: {error}")))
}

/// The ballots, ready to be cast.
pub(crate) fn replay(recorded: &RecordedBallots, seed: u64) -> BallotReplay {
    let ballots = recorded.ballots().iter();
    BallotReplay::new(
        recorded.place_fields(),
        recorded.choices(),
        ballots.map(|ballot| (ballot.place, ballot.ranking)),
        seed,
    )
}
