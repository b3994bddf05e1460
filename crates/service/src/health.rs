//! Whether a process is well: its components, each fine or with a problem.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// The health of a process. Clones are of the same.
#[derive(Debug, Clone, Default)]
pub struct Health {
    // Held for a look only, never across an await.
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    components: BTreeMap<String, Option<Problem>>,
    /// What fails at the moment, by what is being done; forgotten as soon as it works.
    problems: BTreeMap<String, Problem>,
}

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub text: String,
    /// When the component was last seen fine; what is wrong may have changed since.
    pub since: DateTime<Utc>,
}

impl Problem {
    /// A problem, which began when the one before it did.
    fn new(text: String, before: Option<&Problem>) -> Problem {
        Problem {
            text,
            since: before.map_or_else(Utc::now, |before| before.since),
        }
    }
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
        let mut known = self.lock();
        let component = known.components.entry(component.into()).or_default();
        *component = problem.map(|text| Problem::new(text, component.as_ref()));
    }

    /// Notes all that fails at the moment; what is left out works again.
    pub fn set_problems(&self, problems: &BTreeMap<String, String>) {
        let mut known = self.lock();
        let problem = |(doing, text): (&String, &String)| {
            let problem = Problem::new(text.clone(), known.problems.get(doing));
            (doing.clone(), problem)
        };
        known.problems = problems.iter().map(problem).collect();
    }

    /// Notes the problems of a progress, for as long as this is polled.
    pub async fn follow<S>(
        &self,
        mut progress: watch::Receiver<S>,
        problems: impl Fn(&S) -> &BTreeMap<String, String>,
    ) -> Infallible {
        loop {
            self.set_problems(problems(&progress.borrow_and_update()));
            if progress.changed().await.is_err() {
                // Nobody is left to report anything.
                std::future::pending::<()>().await;
            }
        }
    }

    /// How all components are now.
    pub fn report(&self) -> HealthReport {
        let known = self.lock();
        let mut components = known.components.clone();
        let problems = known.problems.clone().into_iter();
        components.extend(problems.map(|(doing, problem)| (doing, Some(problem))));
        HealthReport { components }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
        health.set_problems(&[("partition 1".to_owned(), "it moved".to_owned())].into());
        let report = health.report();
        assert!(!report.is_fine());
        assert_eq!(report.components["database"], None);
        assert_eq!(
            report.components["partition 1"].as_ref().unwrap().text,
            "it moved"
        );
        health.set_problems(&BTreeMap::new());
        assert!(health.report().is_fine());
        assert!(!health.report().components.contains_key("partition 1"));
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
