//! Who decided about refused rows, and how many came when.

use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use super::new_mesh::instant;
use crate::new_mesh::NewMesh;

const ORDERS: &str = "shop.bronze.orders";

/// By whom the refused rows of a new mesh are discarded, with this environment and what is said on the command line.
fn decided(mesh: &NewMesh, environment: &[(&str, &str)], more: &[&str]) -> String {
    let mut polder = mesh.polder.clone();
    // No git but the mesh's own is asked.
    let alone = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
    for (name, value) in alone.iter().chain(environment) {
        polder = polder.with(*name, *value);
    }
    let discard = ["quarantine", "discard", ORDERS, "--all", "--reason", "noise"];
    polder.expect(&[&discard[..], more].concat());
    let by = mesh.csv("SELECT resolved_by FROM shop.quarantine.bronze_orders");
    let by: Vec<&str> = by.lines().collect();
    let ["resolved_by", by] = by[..] else { panic!("{by:?}") };
    by.to_owned()
}

/// A new mesh in a git repository whose user is Ada.
fn in_a_repository() -> NewMesh {
    let mesh = NewMesh::landed();
    for arguments in [&["init", "--quiet"][..], &["config", "user.name", "Ada"]] {
        let status = Command::new("git")
            .arg("-C")
            .arg(mesh.path(""))
            .args(arguments)
            .status();
        assert!(status.unwrap().success(), "git {}", arguments.join(" "));
    }
    mesh
}

#[test]
fn who_decides_is_the_one_who_is_named_else_gits_user_else_the_sessions() {
    let session = [("USER", "session"), ("LOGNAME", "login")];
    assert_eq!(decided(&in_a_repository(), &session, &["--by", " grace "]), "grace");
    assert_eq!(decided(&in_a_repository(), &session, &[]), "Ada");
    assert_eq!(decided(&NewMesh::landed(), &session, &[]), "session");
    let nameless = [("USER", " "), ("LOGNAME", "login")];
    assert_eq!(decided(&NewMesh::landed(), &nameless, &[]), "login");
    let mesh = in_a_repository();
    let discard = [
        "quarantine",
        "discard",
        ORDERS,
        "--all",
        "--reason",
        "noise",
        "--by",
        " ",
    ];
    mesh.refused(&discard, 2, &["--by is empty"]);
}

/// The day that it is, in UTC.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = instant(i64::try_from(since.as_millis()).unwrap());
    now.split_once('T').unwrap().0.to_owned()
}

#[test]
fn refused_rows_are_counted_by_what_is_named() {
    let begun = today();
    let mesh = NewMesh::landed();
    // One more row, which a later version of the contract refuses by another rule.
    let contract = mesh.path("contracts/shop/orders.odcs.yaml");
    let text = fs::read_to_string(&contract).unwrap();
    fs::write(&contract, text.replacen("version: 1.0.0", "version: 1.0.1", 1)).unwrap();
    let order =
        "{\"order_id\": \"B-1\", \"ordered_at\": \"2026-01-06T08:00:00Z\", \"amount\": 1, \"currency\": \"euro\"}\n";
    fs::write(mesh.path("data/orders/2026-02.jsonl"), order).unwrap();
    mesh.polder.expect(&["ingest", "--until-end"]);
    let stats = |by: &[&str]| {
        let counted = ["quarantine", "stats", ORDERS, "--format", "csv"];
        mesh.polder.expect(&[&counted[..], by].concat())
    };
    // Three rows were accepted and two refused, so each of these is a fifth of all.
    assert_eq!(
        stats(&["--by", "contract-version"]),
        "dataset,contract_version,rows,percent\nshop.bronze.orders,1.0.0,1,20.000\nshop.bronze.orders,1.0.1,1,20.000\n"
    );
    let by_rule_and_state = "dataset,rule,state,rows,percent\nshop.bronze.orders,amount.minimum,open,1,20.000\n\
                             shop.bronze.orders,currency.pattern,open,1,20.000\n";
    assert_eq!(stats(&["--by", "rule,state"]), by_rule_and_state);
    assert_eq!(stats(&[]), by_rule_and_state);

    let told = stats(&["--by", "day"]);
    let of_day = |day: &str| format!("dataset,day,rows,percent\nshop.bronze.orders,{day},2,40.000\n");
    // The day may have changed meanwhile.
    assert!(told == of_day(&begun) || begun != today(), "{told}");
}
