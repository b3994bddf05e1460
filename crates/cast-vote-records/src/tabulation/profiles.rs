//! Ballots, summed up: all of a contest, and those of each precinct and batch.

use std::collections::BTreeMap;

use ballot::Selection;
use ballot::counting::Profile;

use crate::cast_ballot::CastBallot;
use crate::config::RctabConfig;
use crate::report::SliceKind;

/// The ballots of a contest, and of its slices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profiles {
    /// All ballots.
    pub whole: Profile,
    slices: BTreeMap<SliceKind, BTreeMap<String, Profile>>,
}

impl Profiles {
    /// These ballots, without slices yet.
    pub fn of(whole: Profile) -> Self {
        Self {
            whole,
            slices: BTreeMap::new(),
        }
    }

    /// Adds a ballot, also to its precinct and batch where the configuration asks for them.
    pub fn add(&mut self, config: &RctabConfig, ballot: CastBallot) {
        let selection = Selection::of_ranking(ballot.ranking);
        let slices = [
            (SliceKind::Precinct, ballot.precinct),
            (SliceKind::Batch, ballot.batch),
        ];
        for (kind, id) in slices {
            if let Some(id) = id.filter(|_| kind.is_asked_for(config)) {
                self.add_to_slice(kind, &id, selection.clone(), 1);
            }
        }
        self.whole.add(selection, 1);
    }

    /// Adds ballots to a slice only.
    pub fn add_to_slice(&mut self, kind: SliceKind, id: &str, selection: Selection, ballots: u64) {
        let slices = self.slices.entry(kind).or_default();
        // Not `entry`: the id is copied only when it is new.
        match slices.get_mut(id) {
            Some(profile) => profile.add(selection, ballots),
            None => {
                let profile = Profile::from_iter([(selection, ballots)]);
                slices.insert(id.to_owned(), profile);
            }
        }
    }

    /// The slices: their kinds, their names and their ballots.
    pub fn slices(&self) -> impl Iterator<Item = (SliceKind, &str, &Profile)> {
        self.slices.iter().flat_map(|(&kind, slices)| {
            let slices = slices.iter();
            slices.map(move |(id, profile)| (kind, &**id, profile))
        })
    }
}
