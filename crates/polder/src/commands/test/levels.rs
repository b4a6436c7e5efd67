//! What contracts promise about delivery, beside their rules.

use chrono::TimeDelta;
use polder_contract::DatasetContract;
use polder_core::clock;
use polder_core::units::counted;
use polder_slo::{Assessed, Verdict, Window, assess, observe};

use crate::findings::{Case, Outcome};
use crate::output;
use crate::platform::Platform;

/// How far back service levels are looked at, in days; `polder slo --since` takes other times.
const WINDOW_DAYS: i64 = 30;

/// What the contracts of datasets promise about delivery, as measured now. A breach is a warning here: it is no fault of
/// the rows, and `polder slo` is what fails on it.
pub(super) async fn service_levels(platform: &Platform, contract: &DatasetContract) -> Vec<Case> {
    let to = clock::now();
    let window = Window {
        from: to - TimeDelta::days(WINDOW_DAYS),
        to,
    };
    let history = match (platform.lake(), platform.catalog().await) {
        (Ok(lake), Ok(catalog)) => observe(&lake, &catalog, contract, window).await,
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    match history {
        Ok(history) => assess(contract, history.as_ref(), window)
            .iter()
            .map(|one| measured_level(contract, one))
            .collect(),
        Err(error) => not_measured(contract, &error.report()),
    }
}

fn measured_level(contract: &DatasetContract, level: &Assessed) -> Case {
    let figure = level
        .outcome
        .measured
        .map_or_else(String::new, |figure| format!(", measured {figure}"));
    let mut told = format!("promised {}{figure}", level.promised);
    if let Some(note) = &level.outcome.note {
        told = format!("{told}; {note}");
    }
    let (outcome, message) = match &level.outcome.verdict {
        Verdict::Met => (Outcome::Passed, told),
        Verdict::Breached => (Outcome::Warned, told),
        Verdict::NotMeasured(why) => (Outcome::NotRun, why.clone()),
    };
    let mut case = level_case(contract, &level.property, level.element.as_deref(), outcome, message);
    case.help =
        (outcome == Outcome::Warned).then(|| "a broken service level only warns here; `polder slo` fails".to_owned());
    case
}

/// That broken service levels are warnings here, said once where there are any.
pub(super) fn remark_broken(levels: &[Case]) {
    let broken = levels.iter().filter(|level| level.outcome == Outcome::Warned).count();
    if broken > 0 {
        let are = if broken == 1 { "is" } else { "are" };
        output::remark(&format!(
            "{} {are} broken: that only warns here, and fails `polder slo`",
            counted(broken, "service level")
        ));
    }
}

/// Every service level, not run.
pub(super) fn not_measured(contract: &DatasetContract, why: &str) -> Vec<Case> {
    let levels = contract.contract.service_levels.iter();
    levels
        .map(|level| {
            let element = level.element.as_deref();
            level_case(contract, &level.property, element, Outcome::NotRun, why.to_owned())
        })
        .collect()
}

fn level_case(
    contract: &DatasetContract,
    property: &str,
    element: Option<&str>,
    outcome: Outcome,
    message: String,
) -> Case {
    let declared = contract
        .contract
        .service_levels
        .iter()
        .find(|level| level.property == property && level.element.as_deref() == element);
    let place = match declared {
        Some(level) => (level.place.file.to_path_buf(), Some(level.place.span)),
        None => (contract.contract.source_path.clone(), None),
    };
    Case {
        suite: contract.title(),
        name: format!("slaProperties.{property}"),
        outcome,
        message,
        help: None,
        place: Some(place),
    }
}
