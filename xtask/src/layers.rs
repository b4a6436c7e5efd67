//! Crates depend downwards only: the floors of ARCHITECTURE.md, checked against `cargo metadata`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::Value;

use crate::checkout;

/// Each crate's floor. An arrow points from a higher floor to a lower one.
const FLOORS: [(&str, u8); 17] = [
    ("polder-core", 0),
    ("polder-contract", 1),
    ("polder-learn", 1),
    ("polder-catalog", 2),
    ("polder-convert", 2),
    ("polder-domain", 2),
    ("polder-gate", 2),
    ("polder-lake", 2),
    ("polder-policy", 2),
    ("polder-registry", 2),
    ("polder-delivery", 3),
    ("polder-query", 3),
    ("polder-engine", 4),
    ("polder-ingest", 4),
    ("polder-slo", 4),
    ("polder-source", 4),
    ("polder", 6),
];

/// The only crate of the platform that a domain team's crate may know.
const DOMAIN: &str = "polder-domain";
/// Only for tests.
const TESTKIT: &str = "polder-testkit";
/// May depend on everything: nothing depends on them.
const OUTSIDE: [&str; 3] = ["polder-tests", "xtask", TESTKIT];

/// Heavy crates and who may name them: everybody who does pays for them in every build.
const NAMED_BY: [(&str, &[&str]); 3] = [
    (
        "datafusion",
        &[
            "polder-delivery",
            "polder-engine",
            "polder-gate",
            "polder-lake",
            "polder-query",
        ],
    ),
    ("deltalake", &["polder-lake"]),
    ("sqlx", &["polder-catalog"]),
];

/// `cargo xtask layers`.
pub(crate) fn run() -> Result<ExitCode> {
    let bad = bad_arrows(checkout::metadata()?);
    if bad.is_empty() {
        println!("layers: every arrow points down");
        return Ok(ExitCode::SUCCESS);
    }
    for arrow in &bad {
        eprintln!("{arrow}");
    }
    eprintln!("layers: {} bad", bad.len());
    Ok(ExitCode::FAILURE)
}

/// Every dependency that the house does not allow, as a sentence, given `cargo metadata` without other makers' packages.
pub(crate) fn bad_arrows(metadata: &Value) -> Vec<String> {
    let mut bad = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        if OUTSIDE.contains(&name) {
            continue;
        }
        let is_domain = package["manifest_path"]
            .as_str()
            .is_some_and(|path| path.contains("/domains/"));
        let own = floor(name);
        if own.is_none() && !is_domain {
            bad.push(format!(
                "{name} has no floor: give it one in xtask/src/layers.rs and in ARCHITECTURE.md"
            ));
            continue;
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            let for_tests = dependency["kind"].as_str() == Some("dev");
            let reason = if dependency["path"].is_string() {
                bad_within(own.filter(|_| !is_domain), to, for_tests)
            } else {
                bad_outside(name, to, for_tests)
            };
            if let Some(reason) = reason {
                bad.push(format!("{name} must not depend on {to}: {reason}"));
            }
        }
    }
    bad
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

/// Why a crate on floor `own` (none: a domain's) must not depend on the workspace's crate `to`.
fn bad_within(own: Option<u8>, to: &str, for_tests: bool) -> Option<String> {
    if to == TESTKIT {
        return (!for_tests).then(|| "it is for tests, a dev-dependency".to_owned());
    }
    let Some(own) = own else {
        return (to != DOMAIN).then(|| format!("a domain knows {DOMAIN} alone"));
    };
    match floor(to) {
        Some(other) if other < own => None,
        Some(other) => Some(format!("floor {own} to floor {other}, and arrows point down")),
        // The binary lists the domains; a domain is no crate of the platform.
        None if own == 6 => None,
        None => Some("it is not on a floor below".to_owned()),
    }
}

fn bad_outside(name: &str, to: &str, for_tests: bool) -> Option<String> {
    let (_, allowed) = NAMED_BY.iter().find(|(heavy, _)| *heavy == to)?;
    (!for_tests && !allowed.contains(&name)).then(|| format!("only {} may name it", allowed.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::bad_arrows;

    fn package(name: &str, folder: &str, dependencies: Value) -> Value {
        json!({"packages": [{
            "name": name, "manifest_path": format!("/house/{folder}/Cargo.toml"), "dependencies": dependencies,
        }]})
    }

    fn inside(name: &str, kind: Option<&str>) -> Value {
        json!({"name": name, "kind": kind, "path": "/house/x"})
    }

    fn outside(name: &str) -> Value {
        json!({"name": name, "kind": null})
    }

    #[test]
    fn downward_arrows_pass() {
        let arrows = json!([
            inside("polder-core", None),
            inside("polder-testkit", Some("dev")),
            outside("serde")
        ]);
        assert_eq!(
            bad_arrows(&package("polder-lake", "crates/polder-lake", arrows)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn upward_and_sideways_arrows_are_named() {
        let arrows = json!([inside("polder-engine", None), inside("polder-gate", None)]);
        let bad = bad_arrows(&package("polder-lake", "crates/polder-lake", arrows));
        assert_eq!(bad.len(), 2, "{bad:?}");
        assert!(
            bad[0].starts_with("polder-lake must not depend on polder-engine"),
            "{bad:?}"
        );
        assert!(
            bad[1].starts_with("polder-lake must not depend on polder-gate"),
            "{bad:?}"
        );
    }

    #[test]
    fn an_upward_arrow_for_tests_only_is_named_too() {
        let arrows = json!([inside("polder-ingest", Some("dev"))]);
        assert_eq!(
            bad_arrows(&package("polder-core", "crates/polder-core", arrows)).len(),
            1
        );
    }

    #[test]
    fn the_testkit_is_for_tests() {
        let arrows = json!([inside("polder-testkit", None)]);
        assert_eq!(bad_arrows(&package("polder", "crates/polder", arrows)).len(), 1);
    }

    #[test]
    fn a_domain_knows_only_what_it_is_written_against() {
        let good = json!([inside("polder-domain", None), outside("polars")]);
        assert_eq!(bad_arrows(&package("finance", "domains/finance", good)).len(), 0);
        let bad = json!([inside("polder-lake", None), outside("datafusion")]);
        assert_eq!(bad_arrows(&package("finance", "domains/finance", bad)).len(), 2);
    }

    #[test]
    fn the_binary_may_list_domains_and_nobody_else_may() {
        let arrows = json!([inside("finance", None)]);
        assert_eq!(bad_arrows(&package("polder", "crates/polder", arrows.clone())).len(), 0);
        assert_eq!(
            bad_arrows(&package("polder-engine", "crates/polder-engine", arrows)).len(),
            1
        );
    }

    #[test]
    fn a_crate_without_a_floor_is_named() {
        assert_eq!(
            bad_arrows(&package("polder-new", "crates/polder-new", json!([]))).len(),
            1
        );
    }
}
