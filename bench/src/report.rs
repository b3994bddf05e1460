//! What was measured: a table for people, an object for scripts.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

/// The unit of a figure. Of rates more is better, of all others less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Seconds,
    Bytes,
    KibiBytes,
    Percent,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    /// In the figure's own unit.
    Value(f64),
    /// As a share of the figure's baseline.
    Ratio(f64),
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    key: String,
    name: String,
    unit: Unit,
    /// `None` where it could not be measured; the name says why.
    value: Option<f64>,
    target: Option<Target>,
    /// Measured in the same run; the value is shown as a share of it.
    baseline: Option<f64>,
    /// What the baseline is, where it is not what the column's heading says.
    of: Option<&'static str>,
}

impl Figure {
    pub(crate) fn new(
        key: impl Into<String>,
        name: impl Into<String>,
        unit: Unit,
        value: impl Into<Option<f64>>,
    ) -> Figure {
        Figure {
            key: key.into(),
            name: name.into(),
            unit,
            value: value.into(),
            target: None,
            baseline: None,
            of: None,
        }
    }

    /// Votes, records or rows a second.
    pub(crate) fn rate(key: &str, name: impl Into<String>, rate: impl Into<Option<f64>>) -> Figure {
        Figure::new(key, name, Unit::PerSecond, rate)
    }

    pub(crate) fn target(mut self, target: f64) -> Figure {
        self.target = Some(Target::Value(target));
        self
    }

    /// Sets a target as a share of the baseline.
    pub(crate) fn target_ratio(mut self, ratio: f64) -> Figure {
        self.target = Some(Target::Ratio(ratio));
        self
    }

    /// Compares it with a baseline of the kind that the heading names.
    pub(crate) fn compared_with(mut self, baseline: f64) -> Figure {
        self.baseline = Some(baseline);
        self
    }

    /// Compares it with a baseline of another kind.
    pub(crate) fn compared_with_other(mut self, baseline: f64, of: &'static str) -> Figure {
        self.of = Some(of);
        self.compared_with(baseline)
    }

    fn set_rate_baseline(&mut self, rate: f64) {
        if self.unit == Unit::PerSecond {
            self.baseline.get_or_insert(rate);
        }
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.value? / self.baseline?)
    }

    fn reached(&self) -> Option<bool> {
        let (value, target) = match self.target? {
            Target::Value(target) => (self.value?, target),
            Target::Ratio(target) => (self.ratio()?, target),
        };
        Some(match self.unit {
            Unit::PerSecond => value >= target,
            _ => value <= target,
        })
    }

    fn show_target(&self) -> Option<String> {
        Some(match self.target? {
            Target::Value(target) => self.show(target),
            Target::Ratio(ratio) => self.show_ratio(ratio),
        })
    }

    fn show_ratio(&self, ratio: f64) -> String {
        match self.of {
            None => format!("{ratio:.2}"),
            Some(of) => format!("{ratio:.2} of {of}"),
        }
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::PerSecond => format!("{}/s", HumanCount(value as u64)),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::Bytes => format!("{value:.1} B"),
            Unit::KibiBytes => format!("{value:.1} KiB"),
            Unit::Percent => format!("{value:.1} %"),
        }
    }

    fn to_json(&self) -> Value {
        let (target, target_ratio) = match self.target {
            Some(Target::Value(target)) => (Some(target), None),
            Some(Target::Ratio(ratio)) => (None, Some(ratio)),
            None => (None, None),
        };
        json!({
            "name": self.name,
            "value": self.value,
            "target": target,
            "target_ratio": target_ratio,
            "reached": self.reached(),
            "ratio": self.ratio(),
        })
    }

    fn to_cells(&self) -> [String; 5] {
        let value = self.value.map(|value| self.show(value));
        let ratio = self.ratio().map(|ratio| self.show_ratio(ratio));
        let reached = match self.reached() {
            Some(true) => "reached",
            Some(false) => "MISSED",
            None => "",
        };
        [
            self.name.clone(),
            value.unwrap_or_else(|| "skipped".into()),
            ratio.unwrap_or_default(),
            self.show_target().unwrap_or_default(),
            reached.into(),
        ]
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    /// The heading of the column of ratios.
    ratio: &'static str,
    /// The baseline of every rate that has no other.
    rate_baseline: Option<f64>,
}

impl Report {
    pub(crate) fn new(ratio: &'static str) -> Report {
        Report {
            figures: Vec::new(),
            ratio,
            rate_baseline: None,
        }
    }

    /// Sets the baseline of all rates, also of those added before.
    pub(crate) fn compare_with(&mut self, rate: f64) {
        self.rate_baseline = Some(rate);
        for figure in &mut self.figures {
            figure.set_rate_baseline(rate);
        }
    }

    /// Adds a figure, and prints it to stderr at once: measuring takes a while.
    pub(crate) fn add(&mut self, mut figure: Figure) {
        if let Some(rate) = self.rate_baseline {
            figure.set_rate_baseline(rate);
        }
        match figure.value {
            Some(value) => eprintln!("{}: {}", figure.name, figure.show(value)),
            None => eprintln!("SKIPPED: {}", figure.name),
        }
        self.figures.push(figure);
    }

    /// Prints the table; or, for scripts, one object: `head` and the figures.
    pub(crate) fn print(&self, as_json: bool, mut head: Value) -> anyhow::Result<()> {
        if as_json {
            let figures = self.figures.iter();
            let figures = figures.map(|figure| (figure.key.clone(), figure.to_json()));
            head["figures"] = figures.collect::<Map<_, _>>().into();
            println!("{}", serde_json::to_string_pretty(&head)?);
        } else {
            println!("{}", self.to_table());
        }
        Ok(())
    }

    fn to_table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_BORDERS_ONLY)
            // In a narrow terminal only the names are broken.
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["", "Measured", self.ratio, "Target", ""])
            .add_rows(self.figures.iter().map(Figure::to_cells));
        for (index, column) in table.column_iter_mut().enumerate().skip(1) {
            column.set_constraint(ColumnConstraint::ContentWidth);
            if index < 4 {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}
