//! Shows how far each stage is and how fast it is: as bars on a terminal, elsewhere as one line for each
//! stage.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};
use tokio::time::MissedTickBehavior;

/// How often bars are drawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// Calls `draw` regularly until the work is done, and once after that.
pub(crate) async fn redrawing<T>(work: impl Future<Output = T>, mut draw: impl FnMut()) -> T {
    let mut redraw = tokio::time::interval(REDRAW_INTERVAL);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = redraw.tick() => draw(),
        }
    };
    draw();
    done
}

/// One stage: done of total, and the rate while it moves. The meters of a run share their `bars`.
pub(crate) struct Meter {
    name: &'static str,
    bar: ProgressBar,
    /// When it first moved, and what was done before: an earlier run's work is not part of the rate.
    began: Option<(Instant, u64)>,
    moved: Instant,
    done: u64,
}

impl Meter {
    pub(crate) fn new(name: &'static str, bars: &MultiProgress) -> Meter {
        let style = ProgressStyle::with_template(
            "{prefix:>11} {bar:30.cyan/dim} {human_pos:>11} of {human_len:<11} {msg}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
        let bar = bars.add(ProgressBar::new(0).with_style(style));
        bar.set_prefix(name);
        Meter {
            name,
            bar,
            began: None,
            moved: Instant::now(),
            done: 0,
        }
    }

    /// Shows how far the stage is.
    pub(crate) fn set(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        if done != self.done {
            if self.began.is_none() {
                self.began = Some((self.moved, self.done));
            }
            self.done = done;
            self.moved = now;
        } else if self.began.is_none() {
            self.moved = now;
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        self.bar.set_message(self.rate());
    }

    fn rate(&self) -> String {
        match self.began {
            Some((began, from)) if self.moved > began => {
                let seconds = (self.moved - began).as_secs_f64();
                let rate = (self.done.saturating_sub(from)) as f64 / seconds;
                format!("{}/s", HumanCount(rate as u64))
            }
            _ => String::new(),
        }
    }

    /// Leaves the bar as it is; without a terminal, writes a line to stderr.
    pub(crate) fn finish(self) {
        self.bar.abandon();
        if self.bar.is_hidden() && self.done > 0 {
            eprintln!(
                "{:>11} {} {}",
                self.name,
                HumanCount(self.done),
                self.rate()
            );
        }
    }
}
