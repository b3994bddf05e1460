//! What librdkafka reports by itself: its log, and errors of its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What the brokers said last. The call that fails for it only gets a timeout from librdkafka.
#[derive(Debug, Default)]
pub(crate) struct Said {
    // Held for a look only.
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    refusal: Option<String>,
    trouble: Option<String>,
}

impl Said {
    /// Why the login was refused, if it was.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.lock().refusal.clone()
    }

    /// What is wrong with the connection, if anything is.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// A broker has answered, so earlier errors are over.
    pub(crate) fn answered(&self) {
        *self.lock() = Last::default();
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Context {
    said: Arc<Said>,
}

impl Context {
    pub(super) fn new(said: Arc<Said>) -> Self {
        Context { said }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // The bridge sets it, so an operator can do nothing about it.
            _ if message.contains("property enable.gapless.guarantee is experimental") => {
                tracing::debug!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", facility, "{message}");
            }
            RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let mut last = self.said.lock();
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed) => {
                last.refusal = Some(reason.to_owned())
            }
            // Each broker's own error says more.
            Some(RDKafkaErrorCode::AllBrokersDown) if last.trouble.is_some() => {}
            _ => last.trouble = Some(reason.to_owned()),
        }
        // The call that fails for it reports it; librdkafka reports each of its tries.
        tracing::debug!(target: "librdkafka", "{error}: {reason}");
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wrong_is_over_with_the_next_answer() {
        let said = Arc::<Said>::default();
        let context = Context::new(said.clone());
        let fails = |code, reason| context.error(KafkaError::Global(code), reason);
        fails(RDKafkaErrorCode::BrokerTransportFailure, "refused");
        fails(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        fails(RDKafkaErrorCode::Authentication, "no such user");
        assert_eq!(said.trouble().as_deref(), Some("refused"));
        assert_eq!(said.refusal().as_deref(), Some("no such user"));
        said.answered();
        assert_eq!((said.trouble(), said.refusal()), (None, None));
    }
}
