//! The health of a process: its components, each with a problem or none.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// The components of a process by name, each with its problem or none.
pub type Components = BTreeMap<String, Option<Problem>>;

/// The health of a process. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Health {
    // Never held across an await.
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    components: Components,
    /// Current failures by the activity that fails; removed as soon as it works.
    problems: BTreeMap<String, Problem>,
}

/// What is wrong with a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The problem.
    pub text: String,
    /// When it began. The text may have changed since.
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

impl Health {
    /// Notes a component's problem, or that it has none. The first call adds the component.
    pub fn set(&self, component: impl Into<String>, problem: Option<String>) {
        let mut known = self.lock();
        let component = known.components.entry(component.into()).or_default();
        *component = problem.map(|text| Problem::new(text, component.as_ref()));
    }

    /// Replaces all current failures; whatever is not listed works again.
    pub fn set_problems(&self, problems: &BTreeMap<String, String>) {
        let mut known = self.lock();
        let problem = |(doing, text): (&String, &String)| {
            let problem = Problem::new(text.clone(), known.problems.get(doing));
            (doing.clone(), problem)
        };
        known.problems = problems.iter().map(problem).collect();
    }

    /// Reports the problems of a progress for as long as this is polled.
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

    /// All components as they are now.
    pub fn components(&self) -> Components {
        let known = self.lock();
        let problems = known.problems.iter();
        let problems = problems.map(|(doing, problem)| (doing.clone(), Some(problem.clone())));
        known
            .components
            .clone()
            .into_iter()
            .chain(problems)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
        health.set_problems(&[("partition 1".to_owned(), "it moved".to_owned())].into());
        assert!(!is_fine(&health));
        let components = health.components();
        assert_eq!(components["database"], None);
        assert_eq!(components["partition 1"].as_ref().unwrap().text, "it moved");
        health.set_problems(&BTreeMap::new());
        assert!(is_fine(&health));
        assert!(!health.components().contains_key("partition 1"));
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
