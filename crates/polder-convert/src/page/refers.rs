//! Where references of a contract lead on a site.

use polder_contract::{Contract, SchemaObject};
use polder_core::DatasetName;
use polder_core::document::Node;

use super::values::shown;
use super::{Site, Text};

/// What a relationship refers to, each part as a link where the site has a page that says what it is.
pub(super) fn targets(to: Option<&Node>, contract: &Contract, site: Option<&Site<'_>>) -> Text {
    let parts: Vec<Text> = match to {
        None => Vec::new(),
        Some(to) => match to.as_list() {
            Some(ends) => ends.iter().map(|end| target(end, contract, site)).collect(),
            None => vec![target(to, contract, site)],
        },
    };
    Text::Several(parts, ", ")
}

fn target(to: &Node, contract: &Contract, site: Option<&Site<'_>>) -> Text {
    let text = shown(to);
    match site.and_then(|site| address(&text, contract, site)) {
        Some(file) => Text::Page { text, file },
        None => Text::Code(text),
    }
}

/// Where the object is described of which a reference names a column: `object.column` and `schema/<id>/…` of the same contract,
/// or a dataset's full name with the column behind it. Nothing where no page of the site does.
fn address(to: &str, contract: &Contract, site: &Site<'_>) -> Option<String> {
    if let Some(path) = to.trim_start_matches('/').strip_prefix("schema/") {
        let id = path.split('/').next()?;
        return place(contract, |object| object.id.as_deref() == Some(id) || object.name == id);
    }
    // With a file before it, it is of a document that is not known here.
    if to.contains(['#', '/']) {
        return None;
    }
    let object = to.split('.').next()?;
    if let Some(own) = place(contract, |known| known.name == object) {
        return Some(own);
    }
    let (end, _) = to.match_indices('.').nth(2)?;
    let dataset: DatasetName = to[..end].parse().ok()?;
    let is_it = |object: &SchemaObject| object.dataset.as_ref() == Some(&dataset);
    place(contract, is_it).or_else(|| {
        let mut pages = site.contracts.iter();
        pages.find_map(|entry| Some(format!("{}{}", entry.file, place(entry.contract, is_it)?)))
    })
}

/// The place of an object on its contract's page.
fn place(contract: &Contract, is_it: impl Fn(&SchemaObject) -> bool) -> Option<String> {
    let index = contract.objects.iter().position(is_it)?;
    Some(format!("#{}", super::object::anchor(index)))
}
