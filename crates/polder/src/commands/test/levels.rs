//! What contracts promise about delivery, beside their rules.

use chrono::TimeDelta;
use polder_contract::{DatasetContract, ServiceLevel};
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
    let mut case = level_case(contract, level.place, outcome, message);
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
    let levels = 0..contract.contract.service_levels.len();
    levels
        .map(|level| level_case(contract, level, Outcome::NotRun, why.to_owned()))
        .collect()
}

/// The case of the contract's service level at a place.
fn level_case(contract: &DatasetContract, level: usize, outcome: Outcome, message: String) -> Case {
    let place = match contract.contract.service_levels.get(level) {
        Some(level) => (level.place.file.to_path_buf(), Some(level.place.span)),
        None => (contract.contract.source_path.clone(), None),
    };
    Case {
        suite: contract.title(),
        name: id(&contract.contract.service_levels, level),
        outcome,
        message,
        help: None,
        place: Some(place),
        severity: None,
        dimension: None,
    }
}

/// The id of a service level: several of one property have numbers, as rules of one id have.
fn id(levels: &[ServiceLevel], place: usize) -> String {
    let property = levels.get(place).map_or("", |level| level.property.as_str());
    let before = levels.iter().take(place).filter(|level| level.property == property);
    match before.count() {
        0 => format!("slaProperties.{property}"),
        before => format!("slaProperties.{property}#{}", before + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use polder_core::document::Source;

    use super::*;

    #[test]
    fn service_levels_of_one_property_have_an_id_and_a_place_each() {
        let text = "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\nschema:\n  \
                    - {name: t, physicalName: a.bronze.t, properties: [{name: at, logicalType: date}]}\nslaProperties:\n\
                    \x20 - {property: latency, value: 1, unit: d}\n\
                    \x20 - {property: retention, value: 1, unit: y}\n\
                    \x20 - {property: latency, value: 4, unit: d}\n";
        let parsed = polder_contract::parse(&Source::new("contracts/a/t.odcs.yaml", text));
        let contract = DatasetContract {
            contract: Arc::new(parsed.contract.unwrap()),
            object: 0,
        };
        let cases = not_measured(&contract, "no lake");
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "slaProperties.latency",
                "slaProperties.retention",
                "slaProperties.latency#2"
            ]
        );
        let now = clock::now();
        let window = Window {
            from: now - TimeDelta::days(1),
            to: now,
        };
        let measured: Vec<_> = assess(&contract, None, window)
            .iter()
            .map(|level| measured_level(&contract, level))
            .map(|case| (case.name, case.place))
            .collect();
        let declared: Vec<_> = cases.into_iter().map(|case| (case.name, case.place)).collect();
        assert_eq!(measured, declared);
        assert_ne!(declared[0].1, declared[2].1);
    }
}
