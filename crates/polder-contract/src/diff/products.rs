//! What changed between two data products.

use std::path::Path;

use polder_core::document::Node;

use super::pairing::{Identity, by_name, pair as pair_items, word};
use super::walk::{At, Pair, Walk};
use super::{Change, Class, SemanticVersion};

/// What changed from the one product's file and document to the other's. Ports that are gone or offer something else break
/// those who use them; what a product is made from is its own affair.
pub(crate) fn product_changes(old: (&Path, &Node), new: (&Path, &Node)) -> Vec<Change> {
    Walk::over_documents(old, new, Walk::product)
}

fn name_and_version(port: &Node) -> Option<String> {
    Some(format!(
        "{} {}",
        word(port, "name")?,
        word(port, "version").unwrap_or_default()
    ))
}

impl Walk {
    fn product(&mut self, pair: Pair<'_>) {
        let named = pair.old.and_then(by_name);
        let at = At {
            object: named.or_else(|| word(pair.old?, "id")),
            ..At::default()
        };
        self.each(pair, &at, &[], |walk, key, inner| match key {
            "outputPorts" => walk.ports(inner, &at, "output port", Class::BreaksReaders),
            "inputPorts" => walk.ports(inner, &at, "input port", Class::Compatible),
            "managementPorts" => walk.ports(inner, &at, "management port", Class::BreaksReaders),
            "status" => walk.status(inner),
            "id" => {
                let what = format!("the product's id {}", inner.said());
                walk.add("product-id-changed", Class::BreaksReaders, inner, &at, what);
            }
            _ => walk.documentation(key, inner, &at),
        });
    }

    fn ports(&mut self, pair: Pair<'_>, at: &At, kind: &str, gone: Class) {
        let (old, new) = pair.items();
        let identities: [Identity; 2] = [name_and_version, by_name];
        for paired in pair_items(old, new, &identities, false) {
            let inner = pair.of(paired.old.map(|(_, node)| node), paired.new.map(|(_, node)| node));
            let port = inner.old.or(inner.new);
            let name = port.and_then(by_name).unwrap_or_default();
            // Whoever reads a share, a table or an interface is told which of them it is.
            let sort = port.and_then(|port| word(port, "type"));
            let sort = sort.map_or_else(String::new, |sort| format!(" ({sort})"));
            match (inner.old, inner.new) {
                (Some(_), None) => {
                    self.add(
                        "port-removed",
                        gone,
                        inner,
                        at,
                        format!("the {kind} `{name}`{sort} was removed"),
                    );
                }
                (None, Some(_)) => {
                    let what = format!("the {kind} `{name}`{sort} was added");
                    self.add("port-added", Class::Compatible, inner, at, what);
                }
                _ => self.each(inner, at, &[], |walk, key, value| {
                    let what = format!("`{key}` of the {kind} `{name}`{sort} {}", value.said());
                    match key {
                        "contractId" | "type" | "url" | "channel" | "content" => {
                            walk.add("port-changed", gone, value, at, what);
                        }
                        "version" => {
                            let major = |text: Option<&str>| {
                                text.and_then(|text| text.parse::<SemanticVersion>().ok())
                                    .map(|version| version.major)
                            };
                            let (old, new) = value.texts();
                            let class = if major(old) == major(new) {
                                Class::Compatible
                            } else {
                                gone
                            };
                            walk.add("port-version-changed", class, value, at, what);
                        }
                        "inputContracts" => walk.add("port-changed", Class::Compatible, value, at, what),
                        _ => walk.documentation(key, value, at),
                    }
                }),
            }
        }
    }
}
