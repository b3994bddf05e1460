//! The health of a process: its components, each with a problem or none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

/// The components of a process by name, each with its problem or none.
pub type Components = BTreeMap<String, Option<Problem>>;

/// The health of a process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    // Never held across an await.
    components: Arc<Mutex<Components>>,
}

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The problem.
    pub text: String,
    /// When it began. The text may have changed since.
    pub since: DateTime<Utc>,
}

impl Health {
    /// Notes a component's problem, or that it has none. The first call adds the component.
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

    /// Removes a component that is no longer part of this process.
    pub fn remove(&self, component: &str) {
        self.lock().remove(component);
    }

    /// All components as they are now.
    pub fn components(&self) -> Components {
        self.lock().clone()
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

    fn is_fine(health: &Health) -> bool {
        health.components().values().all(Option::is_none)
    }

    #[test]
    fn one_component_with_a_problem_is_enough() {
        let health = Health::default();
        assert!(is_fine(&health));
        health.set("database", None);
        health.set("partition 1", Some("it moved".into()));
        assert!(!is_fine(&health));
        let components = health.components();
        assert_eq!(components["database"], None);
        assert_eq!(components["partition 1"].as_ref().unwrap().text, "it moved");
        health.remove("partition 1");
        assert!(is_fine(&health));
    }

    #[test]
    fn a_problem_lasts_from_when_it_began() {
        let health = Health::default();
        let since = |health: &Health| health.components()["cluster"].clone().unwrap().since;
        health.set("cluster", Some("unreachable".into()));
        let began = since(&health);
        health.set("cluster", Some("refuses".into()));
        assert_eq!(since(&health), began);
        health.set("cluster", None);
        assert!(is_fine(&health));
    }
}
