//! What was measured: a table for people, an object for scripts.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};

use crate::BenchArgs;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Records, votes or rows a second; more is better.
    PerSecond,
    /// Milliseconds; less is better.
    Milliseconds,
    /// Bytes a voter; less is better.
    BytesPerVoter,
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
}

impl Figure {
    pub(crate) fn new(key: &'static str, name: impl Into<String>, unit: Unit, value: f64) -> Self {
        Figure {
            key,
            name: name.into(),
            unit,
            value: Some(value),
            target: None,
        }
    }

    pub(crate) fn skipped(key: &'static str, name: impl Into<String>, unit: Unit) -> Self {
        Figure {
            key,
            name: name.into(),
            unit,
            value: None,
            target: None,
        }
    }

    pub(crate) fn target(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    fn reached(&self) -> Option<bool> {
        let (value, target) = (self.value?, self.target?);
        Some(match self.unit {
            Unit::PerSecond => value >= target,
            Unit::Milliseconds | Unit::BytesPerVoter => value <= target,
        })
    }

    fn show(&self, value: f64) -> String {
        match self.unit {
            Unit::PerSecond => format!("{}/s", HumanCount(value as u64)),
            Unit::Milliseconds => format!("{value:.1} ms"),
            Unit::BytesPerVoter => format!("{value:.1} B"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Report {
    figures: Vec<Figure>,
    /// Votes a second of the native loop, which rates are compared with.
    pub(crate) native: f64,
}

impl Report {
    pub(crate) fn add(&mut self, figure: Figure) {
        // Measuring takes a while; what is known is told at once.
        match figure.value {
            Some(value) => eprintln!("{}: {}", figure.name, figure.show(value)),
            None => eprintln!("SKIPPED: {}", figure.name),
        }
        self.figures.push(figure);
    }

    pub(crate) fn print(&self, args: &BenchArgs) -> anyhow::Result<()> {
        if args.json {
            println!("{}", serde_json::to_string_pretty(&self.to_json(args))?);
        } else {
            println!("{}", self.to_table());
        }
        Ok(())
    }

    fn to_json(&self, args: &BenchArgs) -> Value {
        let figures: Map<String, Value> = self
            .figures
            .iter()
            .map(|figure| {
                let ratio = (figure.unit == Unit::PerSecond)
                    .then(|| figure.value.map(|value| value / self.native))
                    .flatten();
                let entry = json!({
                    "name": figure.name,
                    "value": figure.value,
                    "target": figure.target,
                    "reached": figure.reached(),
                    "ratio_to_native": ratio,
                });
                (figure.key.to_owned(), entry)
            })
            .collect();
        json!({ "votes": args.votes, "partitions": args.partitions, "figures": figures })
    }

    fn to_table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_BORDERS_ONLY)
            .set_header(["", "Measured", "Of native", "Target", ""]);
        for figure in &self.figures {
            let ratio = match (figure.unit, figure.value) {
                (Unit::PerSecond, Some(value)) => format!("{:.2}", value / self.native),
                _ => String::new(),
            };
            table.add_row([
                figure.name.clone(),
                figure
                    .value
                    .map_or("skipped".into(), |value| figure.show(value)),
                ratio,
                figure
                    .target
                    .map_or(String::new(), |target| figure.show(target)),
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
