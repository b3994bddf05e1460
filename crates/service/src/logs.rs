//! Logs on stderr: as text, or as JSON for a log collector.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

/// The environment variable that sets what is logged.
const FILTER: &str = "RUST_LOG";

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// Lines of text
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging for the whole process, as `RUST_LOG` says or else at `default_level`.
pub fn init_logs(format: LogFormat, default_level: &str) {
    let chosen = std::env::var_os(FILTER).filter(|text| !text.is_empty());
    // What is not Unicode is as wrong as a lone `=`.
    let chosen = chosen.map(|text| EnvFilter::try_new(text.to_str().unwrap_or("=")));
    let (filter, problem) = match chosen {
        Some(Ok(filter)) => (filter, None),
        Some(Err(problem)) => (EnvFilter::new(default_level), Some(problem)),
        None => (EnvFilter::new(default_level), None),
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colours = std::io::stderr().is_terminal() && !no_color;
    if let Err(error) = subscriber(format, filter, colours, std::io::stderr).try_init() {
        tracing::warn!("logging had already started: {error}");
    }
    if let Some(problem) = problem {
        tracing::warn!(
            "cannot read {FILTER} ({problem}), so it is {default_level}; use for example `info` or \
             `warn,platform=debug`"
        );
    }
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    colours: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(builder.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .finish(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, read_to_string};
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;

    fn logged(format: LogFormat) -> String {
        let mut file = tempfile::tempfile().unwrap();
        let writer = Arc::new(file.try_clone().unwrap());
        let subscriber = subscriber(format, EnvFilter::new("info"), false, writer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(partition = 3, "counting\nfrom 0");
            tracing::debug!("not this");
        });
        file.seek(SeekFrom::Start(0)).unwrap();
        read_to_string(file).unwrap()
    }

    #[test]
    fn json_is_one_flat_object_a_line() {
        let logged = logged(LogFormat::Json);
        let lines: Vec<_> = logged.lines().collect();
        assert_eq!(lines.len(), 1, "{logged}");
        let line: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "counting\nfrom 0");
        assert_eq!(line["partition"], 3);
        assert!(line["timestamp"].is_string() && line["target"].is_string());
    }

    #[test]
    fn text_has_no_colours_unless_on_a_terminal() {
        let logged = logged(LogFormat::Text);
        assert!(
            logged.contains("INFO") && logged.contains("partition=3"),
            "{logged}"
        );
        assert!(!logged.contains('\u{1b}'), "{logged:?}");
        assert!(!logged.contains("not this"), "{logged}");
    }
}
