//! The demo's stages as they are drawn: registering, casting, counting, persisting.

use std::sync::Arc;

use crate::meters::{Meter, Meters};

/// What the producer has done so far.
pub(crate) struct Produced {
    pub(crate) registered: Arc<producer::Progress>,
    pub(crate) cast: Arc<producer::Progress>,
}

/// The stages as they are drawn.
pub(crate) struct Stages {
    registered: Arc<producer::Progress>,
    cast: Arc<producer::Progress>,
    consumed: tokio::sync::watch::Receiver<consumer::Snapshot>,
    /// None in a replay: there is no roll.
    registering: Option<Meter>,
    casting: Meter,
    counting: Meter,
    persisting: Meter,
    _meters: Meters,
}

impl Stages {
    pub(crate) fn new(progress: &consumer::Progress, has_roll: bool) -> Stages {
        let meters = Meters::new();
        Stages {
            registered: Arc::default(),
            cast: Arc::default(),
            consumed: progress.watch(),
            registering: has_roll.then(|| meters.add("Registering")),
            casting: meters.add("Casting"),
            counting: meters.add("Counting"),
            persisting: meters.add("Persisting"),
            _meters: meters,
        }
    }

    pub(crate) fn produced(&self) -> Produced {
        Produced {
            registered: self.registered.clone(),
            cast: self.cast.clone(),
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

    pub(crate) fn finish(mut self) {
        self.draw();
        if let Some(meter) = self.registering {
            meter.finish();
        }
        self.casting.finish();
        self.counting.finish();
        self.persisting.finish();
        eprintln!();
    }
}
