//! `polder demo`: from nothing to answers in one process.

use std::{path::Path, process::Command};

use polder_testkit::Polder;

use crate::invoices::Days;

/// Weeks of the generated shop: a few, since `cargo xtask test` runs the whole demo as well.
const WEEKS: &str = "20";

/// The commands that the report ends with.
fn commands(report: &str) -> Vec<&str> {
    let (_, after) = report
        .split_once("Three commands to try next:")
        .unwrap_or_else(|| panic!("{report}"));
    after.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn run_as_a_user_would(folder: &Path, command: &str) {
    let done = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .output()
        .unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(
        done.status.success() && said.lines().count() > 1,
        "{command}\n{said}\n{complained}"
    );
}

#[test]
fn the_demo_ends_with_its_report_and_its_commands_work_also_a_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let polder = Polder::in_folder(folder.path());
    let mut reports = Vec::new();
    for _ in 0..2 {
        let report = polder.expect(&["demo", "--dir", "shop", "--weeks", WEEKS]);
        for part in ["Refused, and why", "Top products", "next weeks", "may like"] {
            assert!(report.contains(part), "{part} is missing in\n{report}");
        }
        let commands = commands(&report);
        assert_eq!(commands.len(), 3, "{report}");
        for command in commands {
            run_as_a_user_would(folder.path(), command);
        }
        reports.push(report);
    }
    // The same seed, the same shop.
    let figures = |report: &str| {
        let report = report.split("Done in").next().unwrap_or_default();
        report
            .lines()
            .filter(|line| !line.contains("version"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(figures(&reports[0]), figures(&reports[1]));
}

#[test]
fn the_demo_takes_the_real_invoices_and_not_a_folder_of_another_making() {
    let Some(days) = Days::of("offline demo retail", 0..100) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let polder = Polder::in_folder(folder.path());
    let report = polder.expect(&["demo", "--dir", "real", "--retail", days.path().to_str().unwrap()]);
    let totals = days.totals();
    for figure in [
        totals.all.lines.to_string(),
        totals.distinct_products.amount.to_string(),
    ] {
        assert!(report.contains(&figure), "{figure} is missing in\n{report}");
    }

    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/thesis.txt"), "years of work").unwrap();
    let ended = polder.run(&["demo", "--dir", "mine"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(folder.path().join("mine/thesis.txt").exists());
}
