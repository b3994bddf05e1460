//! Every configuration is tabulated, and its reports are those that RCTab expects.

use election_cast_vote_records::tabulation::{Profiles, contest, report_files, stem, tabulate};
use election_cast_vote_records::{CvrError, RctabConfig, read_ballots};
use testing::{RctabCase, first_difference, rctab_cases, rctab_data, skipped};

/// The difference to what is expected, if there is one.
fn difference(case: &RctabCase) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let config = RctabConfig::load(&case.config_with_copies(directory.path()))?;
    let mut profiles = Profiles::default();
    read_ballots(&config, |ballot| {
        profiles.add(&config, ballot);
        Ok(())
    })?;
    let tabulation = tabulate(&config, &contest(&config), &profiles);
    if let Some(stopped) = &tabulation.rounds.stopped {
        return Err(stopped.clone().into());
    }
    let written =
        report_files(&tabulation, &stem(&case.config)).map_err(|error| error.to_string())?;
    Ok(case.reports.iter().find_map(|(expected, path)| {
        match written.iter().find(|file| file.path == *path) {
            Some(file) => first_difference(expected, &file.contents),
            None => Some(format!("{} is not written", path.display())),
        }
    }))
}

#[test]
fn every_report_is_the_expected_one() {
    let Some(data) = rctab_data() else { return };
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in rctab_cases(&data) {
        if !case.missing.is_empty() && case.expects_something {
            skipped(&format!(
                "rctab/{}: {} is missing",
                case.name,
                case.missing.join(", ")
            ));
            continue;
        }
        match difference(&case) {
            Ok(None) => equal += usize::from(!case.reports.is_empty()),
            Ok(Some(difference)) => wrong.push(format!("{}: {difference}", case.name)),
            Err(_) if !case.expects_something => {}
            Err(error) if matches!(error.downcast_ref(), Some(CvrError::NoFiles { .. })) => {
                skipped(&format!("rctab/{}: {error}", case.name));
            }
            Err(error) => wrong.push(format!("{}: {error}", case.name)),
        }
    }
    println!("{equal} configurations are equal");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(equal > 60, "{equal}");
}
