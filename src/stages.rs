//! The progress of the demo's stages: registering, casting, counting, persisting.

use std::sync::Arc;

use indicatif::MultiProgress;
use tokio::sync::watch;

use crate::meters::Meter;

/// The demo's meters, and what they show.
pub(crate) struct Stages {
    pub(crate) registered: Arc<producer::Progress>,
    pub(crate) cast: Arc<producer::Progress>,
    consumed: watch::Receiver<consumer::Snapshot>,
    /// None in a replay, which has no roll.
    registering: Option<Meter>,
    casting: Meter,
    counting: Meter,
    persisting: Meter,
}

impl Stages {
    pub(crate) fn new(progress: &consumer::Progress, has_roll: bool) -> Stages {
        let bars = MultiProgress::new();
        Stages {
            registered: Arc::default(),
            cast: Arc::default(),
            consumed: progress.watch(),
            registering: has_roll.then(|| Meter::new("Registering", &bars)),
            casting: Meter::new("Casting", &bars),
            counting: Meter::new("Counting", &bars),
            persisting: Meter::new("Persisting", &bars),
        }
    }

    pub(crate) fn draw(&mut self) {
        let (registered, cast) = (&self.registered, &self.cast);
        let consumed = self.consumed.borrow().clone();
        if let Some(meter) = &mut self.registering {
            meter.set(registered.done(), registered.total());
        }
        self.casting.set(cast.done(), cast.total());
        self.counting
            .set(consumed.sum(|partition| partition.counted), cast.total());
        self.persisting.set(
            consumed.sum(|partition| partition.persisted + partition.voters_persisted),
            registered.total() + cast.total(),
        );
    }

    pub(crate) fn finish(self) {
        if let Some(meter) = self.registering {
            meter.finish();
        }
        self.casting.finish();
        self.counting.finish();
        self.persisting.finish();
        eprintln!();
    }
}
