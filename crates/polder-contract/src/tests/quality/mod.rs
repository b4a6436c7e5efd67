//! Quality rules, references, and what happens to what breaks a rule.

mod on_failure;
mod read;
mod references;
mod refused;

use super::{contract, findings, object, with_properties};
use crate::{
    DatasetContract, Figure, Metric, OnFailure, Operator, RowCheck, RowTest, Rule, RuleKind, RuleSeverity, SetTest,
};

/// A contract of version 3.0, 3.1 or 3.2 with one column `a` and these rules of it, and of the object.
fn document(version: &str, of_column: &str, of_object: &str) -> String {
    format!(
        "apiVersion: {version}\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n    \
         physicalName: sales.bronze.t\n    properties:\n      - {{name: a, logicalType: string, quality: [{of_column}]}}\n      \
         - {{name: b, physicalName: bb, logicalType: timestamp}}\n    quality: [{of_object}]\n"
    )
}

fn set(rules: &str) -> SetTest {
    let contract = contract(&document("v3.1.0", rules, ""));
    match contract.objects[0].rules().unwrap().remove(0).kind {
        RuleKind::Set(test) => test,
        other => panic!("{other:?}"),
    }
}

fn of_object(rules: &str) -> Vec<Rule> {
    contract(&document("v3.2.0", "", rules)).objects[0].rules().unwrap()
}
