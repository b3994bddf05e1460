//! Whether a process is well: its components, each fine or with a problem.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// The health of a process. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    // Held for a look only, never across an await.
    components: Arc<Mutex<Components>>,
}

type Components = BTreeMap<String, Option<Problem>>;

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub text: String,
    /// When the component was last seen fine; what is wrong may have changed since.
    pub since: DateTime<Utc>,
}

/// All components of a process at one moment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthReport {
    /// `None` is fine.
    pub components: BTreeMap<String, Option<Problem>>,
}

impl HealthReport {
    /// Whether every component is fine.
    pub fn is_fine(&self) -> bool {
        self.components.values().all(Option::is_none)
    }
}

impl Health {
    /// Notes that a component is fine, or what is wrong with it. A component is known from its first
    /// mention on.
    pub fn set(&self, component: impl Into<String>, problem: Option<String>) {
        let mut components = self.lock();
        let known = components.entry(component.into()).or_default();
        *known = problem.map(|text| Problem {
            text,
            since: known
                .as_ref()
                .map_or_else(Utc::now, |problem| problem.since),
        });
    }

    /// Forgets a component: it is no longer part of this process.
    pub fn remove(&self, component: &str) {
        self.lock().remove(component);
    }

    /// How all components are now.
    pub fn report(&self) -> HealthReport {
        HealthReport {
            components: self.lock().clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Components> {
        self.components
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_component_with_a_problem_is_enough() {
        let health = Health::default();
        assert!(health.report().is_fine());
        health.set("database", None);
        health.set("partition 1", Some("it moved".into()));
        let report = health.report();
        assert!(!report.is_fine());
        assert_eq!(report.components["database"], None);
        assert_eq!(
            report.components["partition 1"].as_ref().unwrap().text,
            "it moved"
        );
        health.remove("partition 1");
        assert!(health.report().is_fine());
    }

    #[test]
    fn a_problem_lasts_from_when_it_began() {
        let health = Health::default();
        let since = |health: &Health| health.report().components["cluster"].clone().unwrap().since;
        health.set("cluster", Some("unreachable".into()));
        let began = since(&health);
        health.set("cluster", Some("refuses".into()));
        assert_eq!(since(&health), began);
        health.set("cluster", None);
        assert!(health.report().is_fine());
    }
}
