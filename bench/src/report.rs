//! What was measured: a table for people, an object for scripts.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
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
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    key: &'static str,
    name: String,
    unit: Unit,
    /// `None` where it could not be measured; the name says why.
    value: Option<f64>,
    target: Option<f64>,
    /// Measured in the same run, and what this is compared with.
    baseline: Option<f64>,
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
        }
    }

    pub(crate) fn target(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    pub(crate) fn compared_with(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
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
        let (value, target) = (self.value?, self.target?);
        Some(match self.unit {
            Unit::PerSecond => value >= target,
            Unit::Milliseconds | Unit::Bytes | Unit::KibiBytes => value <= target,
        })
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::PerSecond => format!("{}/s", HumanCount(value as u64)),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::Bytes => format!("{value:.1} B"),
            Unit::KibiBytes => format!("{value:.1} KiB"),
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
                let entry = json!({
                    "name": figure.name,
                    "value": figure.value,
                    "target": figure.target,
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
            .set_header(["", "Measured", self.ratio, "Target", ""]);
        for figure in &self.figures {
            let or_empty = |text: Option<String>| text.unwrap_or_default();
            table.add_row([
                figure.name.clone(),
                figure
                    .value
                    .map_or("skipped".into(), |value| figure.show(value)),
                or_empty(figure.ratio().map(|ratio| format!("{ratio:.2}"))),
                or_empty(figure.target.map(|target| figure.show(target))),
                match figure.reached() {
                    Some(true) => "reached".into(),
                    Some(false) => "MISSED".into(),
                    None => String::new(),
                },
            ]);
        }
        for column in 1..=3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}
