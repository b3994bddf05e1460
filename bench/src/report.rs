//! What was measured: a table for people, an object for scripts.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Records, votes or rows a second; more is better.
    PerSecond,
    /// Milliseconds; less is better.
    Milliseconds,
    /// Bytes; less is better.
    Bytes,
    /// KiB; less is better.
    KibiBytes,
    /// Seconds; less is better.
    Seconds,
    /// Share of a core, in percent; less is better.
    Percent,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy)]
enum Target {
    /// In the figure's own unit.
    Value(f64),
    /// Of what it is compared with.
    Ratio(f64),
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    key: &'static str,
    name: String,
    unit: Unit,
    /// `None` where it could not be measured; the name says why.
    value: Option<f64>,
    target: Option<Target>,
    /// Measured in the same run, and what this is compared with.
    baseline: Option<f64>,
    /// What that is, if it is not what the heading says.
    of: Option<&'static str>,
}

impl Figure {
    pub(crate) fn new(key: &'static str, name: impl Into<String>, unit: Unit, value: f64) -> Self {
        Figure {
            key,
            name: name.into(),
            unit,
            value: Some(value),
            target: None,
            baseline: None,
            of: None,
        }
    }

    pub(crate) fn skipped(key: &'static str, name: impl Into<String>, unit: Unit) -> Self {
        Figure {
            key,
            name: name.into(),
            unit,
            value: None,
            target: None,
            baseline: None,
            of: None,
        }
    }

    pub(crate) fn target(mut self, target: f64) -> Self {
        self.target = Some(Target::Value(target));
        self
    }

    /// Holds it to a share of what it is compared with.
    pub(crate) fn target_ratio(mut self, ratio: f64) -> Self {
        self.target = Some(Target::Ratio(ratio));
        self
    }

    /// Compares it with a figure of what the heading names.
    pub(crate) fn compared_with(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Compares it with a figure of something else.
    pub(crate) fn compared_with_other(self, baseline: f64, of: &'static str) -> Self {
        Figure {
            of: Some(of),
            ..self.compared_with(baseline)
        }
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
            Unit::Milliseconds | Unit::Bytes | Unit::KibiBytes | Unit::Seconds | Unit::Percent => {
                value <= target
            }
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
            Unit::Bytes => format!("{value:.1} B"),
            Unit::KibiBytes => format!("{value:.1} KiB"),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::Percent => format!("{value:.1} %"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    /// The heading of the column of ratios.
    ratio: &'static str,
    /// What rates are compared with, in their own unit.
    rate_baseline: Option<f64>,
}

impl Report {
    pub(crate) fn new(ratio: &'static str) -> Self {
        Report {
            figures: Vec::new(),
            ratio,
            rate_baseline: None,
        }
    }

    /// Compares every rate with this one, those that were added before too.
    pub(crate) fn compare_with(&mut self, rate: f64) {
        self.rate_baseline = Some(rate);
        for figure in &mut self.figures {
            figure.set_rate_baseline(rate);
        }
    }

    pub(crate) fn add(&mut self, mut figure: Figure) {
        if let Some(rate) = self.rate_baseline {
            figure.set_rate_baseline(rate);
        }
        // Measuring takes a while; what is known is told at once.
        match figure.value {
            Some(value) => eprintln!("{}: {}", figure.name, figure.show(value)),
            None => eprintln!("SKIPPED: {}", figure.name),
        }
        self.figures.push(figure);
    }

    /// Prints the table; or, for scripts, one object: `head` and the figures.
    pub(crate) fn print(&self, as_json: bool, mut head: Value) -> anyhow::Result<()> {
        if as_json {
            head["figures"] = self.to_json();
            println!("{}", serde_json::to_string_pretty(&head)?);
        } else {
            println!("{}", self.to_table());
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let figures: Map<String, Value> = self
            .figures
            .iter()
            .map(|figure| {
                let (target, target_ratio) = match figure.target {
                    Some(Target::Value(target)) => (Some(target), None),
                    Some(Target::Ratio(ratio)) => (None, Some(ratio)),
                    None => (None, None),
                };
                let entry = json!({
                    "name": figure.name,
                    "value": figure.value,
                    "target": target,
                    "target_ratio": target_ratio,
                    "reached": figure.reached(),
                    "ratio": figure.ratio(),
                });
                (figure.key.to_owned(), entry)
            })
            .collect();
        figures.into()
    }

    fn to_table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_BORDERS_ONLY)
            // In a narrow terminal only the names are broken.
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(["", "Measured", self.ratio, "Target", ""]);
        for figure in &self.figures {
            let or_empty = |text: Option<String>| text.unwrap_or_default();
            table.add_row([
                figure.name.clone(),
                figure
                    .value
                    .map_or("skipped".into(), |value| figure.show(value)),
                or_empty(figure.ratio().map(|ratio| figure.show_ratio(ratio))),
                or_empty(figure.show_target()),
                match figure.reached() {
                    Some(true) => "reached".into(),
                    Some(false) => "MISSED".into(),
                    None => String::new(),
                },
            ]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        for column in 1..=3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}
