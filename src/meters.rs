//! Showing how far each stage is and how fast it goes: bars on a terminal, a line a stage elsewhere.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often bars are drawn.
pub(crate) const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

/// The meters of a run.
pub(crate) struct Meters {
    bars: MultiProgress,
}

/// One stage: done of total, and the rate while it moves.
pub(crate) struct Meter {
    name: &'static str,
    bar: ProgressBar,
    /// When it first moved, and where it stood then: what a former run did is not this one's rate.
    began: Option<(Instant, u64)>,
    moved: Instant,
    done: u64,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Meters {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
        }
    }

    pub(crate) fn add(&self, name: &'static str) -> Meter {
        let style = ProgressStyle::with_template(
            "{prefix:>11} {bar:30.cyan/dim} {human_pos:>11} of {human_len:<11} {msg}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
        let bar = self.bars.add(ProgressBar::new(0).with_style(style));
        bar.set_prefix(name);
        Meter {
            name,
            bar,
            began: None,
            moved: Instant::now(),
            done: 0,
        }
    }
}

impl Meter {
    /// Shows where the stage stands.
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

    /// Leaves the bar as it stands; where there is no terminal, says it in a line on stderr.
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
