//! The contract that every quarantine table has without anybody writing it.

use std::sync::Arc;

use polder_core::DatasetName;
use polder_core::document::Source;

use crate::dataset_contract::DatasetContract;
use crate::parse::parse;

/// The contract, with names in braces for what differs from table to table.
const DOCUMENT: &str = include_str!("quarantine.odcs.yaml");

/// Where the document would be if it were a file of the mesh.
const PLACE: &str = "built-in/quarantine.odcs.yaml";

/// The contract of the table that keeps the refused rows of a dataset. Whoever owns the dataset owns these, too; nobody
/// does where nobody owns that.
pub(crate) fn contract(refused: &DatasetContract) -> Option<DatasetContract> {
    let dataset = refused.dataset().quarantine();
    let mut text = DOCUMENT
        .replace("{refused}", &refused.dataset().to_string())
        .replace("{dataset}", &dataset.to_string())
        .replace("{domain}", dataset.domain())
        .replace("{name}", dataset.name());
    if let Some(owner) = &refused.contract.owner {
        // Any text, so the last. Within double quotes YAML reads JSON's escapes.
        let owner = serde_json::Value::from(owner.as_str());
        text.push_str(&format!(
            "team:\n  name: \"{}\"\n  members: [{{username: {owner}, role: owner}}]\n",
            dataset.domain()
        ));
    }
    let contract = parse(&Source::new(PLACE, text)).contract?;
    Some(DatasetContract {
        contract: Arc::new(contract),
        object: 0,
    })
}

/// What a contract is told that describes a quarantine table itself.
pub(crate) fn of_its_own(dataset: &DatasetName) -> (String, String) {
    let message = format!("{dataset} keeps refused rows, under a contract that is built in");
    let help = format!("leave it out; `polder contract export {dataset} --to markdown` shows the built-in contract");
    (message, help)
}
