//! Products held against the contracts of the mesh.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use polder_core::document::{Diagnostic, Severity, Source, nearest};

use super::{InputPort, OutputPort, Product, parse};
use crate::contract::Contract;
use crate::dates::day;
use crate::place::Place;
use crate::set::ContractSet;
use crate::status::Status;
use crate::version::SemanticVersion;

/// Reads the products of a mesh (`contracts/<domain>/*.odps.yaml`), each document with the domain in whose folder it
/// lies. What is right is given beside the findings about what is not: an output port without a contract, or with one
/// that is not there, belongs to another domain or has another major version; ports whose contract is over `now`, unless
/// the product is retired itself; two products of one id. A contract of an input port that is not in the mesh is a warning: it may be somebody else's.
pub fn check(
    sources: impl IntoIterator<Item = (String, Source)>,
    contracts: &ContractSet,
    now: DateTime<Utc>,
) -> (Vec<Product>, Vec<Diagnostic>) {
    let mut products: Vec<Product> = Vec::new();
    let mut findings = Vec::new();
    let mut ids: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (domain, source) in sources {
        let (product, found) = parse(&source);
        findings.extend(found);
        let Some(product) = product else { continue };
        if let Some(other) = ids.insert(product.id.clone(), product.source_path.clone()) {
            let message = format!("the id `{}` is that of {} too", product.id, other.display());
            let help = Some("give each product an id of its own");
            findings.push(product.at("id").error("duplicate-product", message, help));
        }
        let checked = Bindings {
            product: &product,
            domain: &domain,
            contracts,
            now,
        };
        findings.extend(checked.findings());
        products.push(product);
    }
    (products, findings)
}

/// The output ports that name no contract, which is wrong whatever contracts there are: for a product outside any mesh.
pub fn unbound_ports(product: &Product) -> Vec<Diagnostic> {
    let unbound = product.output_ports.iter().filter(|port| port.contract_id.is_none());
    unbound.map(without_contract).collect()
}

fn without_contract(port: &OutputPort) -> Diagnostic {
    let message = format!("the output port `{}` has no contract", port.name);
    let help = "name it under `contractId`: what is offered is promised";
    port.place.error("no-contract", message, Some(help))
}

/// One product and what it is held against.
struct Bindings<'a> {
    product: &'a Product,
    domain: &'a str,
    contracts: &'a ContractSet,
    now: DateTime<Utc>,
}

impl Bindings<'_> {
    fn findings(&self) -> Vec<Diagnostic> {
        let product = self.product;
        let mut findings = Vec::new();
        if let Some(named) = product.domain.as_deref().filter(|named| *named != self.domain) {
            let message = format!(
                "the product lies in the folder of `{}` and names the domain `{named}`",
                self.domain
            );
            let help = format!("move it to contracts/{named}, or write domain: {}", self.domain);
            findings.push(product.at("domain").error("foreign-product", message, Some(&help)));
        }
        match product.version.as_deref().map(str::parse::<SemanticVersion>) {
            None => findings.push(warn(
                &product.at("id"),
                "product-version",
                format!("the product `{}` has no version", product.name),
                "write version: 1.0.0",
            )),
            Some(Err(error)) => {
                findings.push(
                    product
                        .at("version")
                        .error("product-version", error.to_string(), error.help()),
                );
            }
            Some(Ok(_)) => {}
        }
        for port in &product.output_ports {
            findings.extend(self.output(port));
        }
        for port in &product.input_ports {
            findings.extend(self.input(&port.name, &port.contract_id, &port.version, &port.place));
        }
        findings
    }

    fn output(&self, port: &OutputPort) -> Vec<Diagnostic> {
        let Some(id) = &port.contract_id else {
            return vec![without_contract(port)];
        };
        let Some(contract) = self.contract(id) else {
            if self.contracts.is_unreadable(id) {
                return Vec::new();
            }
            let message = format!(
                "the output port `{}` names the contract `{id}`, which is not there",
                port.name
            );
            let help = self
                .near(id)
                .unwrap_or_else(|| "write the contract, or correct the id".to_owned());
            return vec![port.place.error("no-contract", message, Some(&help))];
        };
        let mut findings = Vec::new();
        let foreign = contract
            .objects
            .iter()
            .filter_map(|object| object.dataset.as_ref())
            .find(|dataset| dataset.domain() != self.domain);
        if let Some(dataset) = foreign {
            let message = format!(
                "the output port `{}` offers {dataset}, which is another domain's",
                port.name
            );
            let help = "a product offers what its own domain builds; what it uses is an input port";
            findings.push(port.place.error("foreign-port", message, Some(help)));
        }
        let offers = &self.product.status;
        let life = Life::of(&contract, self.now);
        let is_over = life.is_over() && *offers != Status::Retired;
        if !is_over {
            // Nobody should move to a version of what is over.
            findings.extend(version(&port.name, &port.version, &contract, &port.place));
        }
        let message = format!(
            "the output port `{}` is bound to {}, which {life}",
            port.name, contract.name
        );
        match &life {
            // A retired product offers nothing any more.
            Life::Retired | Life::Over(_) if *offers != Status::Retired => {
                let help = "bind it to what replaces the contract, or take the port away";
                findings.push(port.place.error("retired-contract", message, Some(help)));
            }
            Life::Unborn(_) if matches!(offers, Status::Active | Status::Deprecated) => {
                let help = "a product in force promises what its contracts promise: make the contract active";
                findings.push(warn(&port.place, "draft-contract", message, help));
            }
            // What ends itself may be made of what ends.
            Life::Ending(_) if !matches!(offers, Status::Deprecated | Status::Retired) => {
                let help = "bind it to what replaces the contract, or deprecate the product too";
                findings.push(warn(&port.place, "deprecated-contract", message, help));
            }
            _ => {}
        }
        for (input, wanted) in &port.inputs {
            // What an input port names alike is told there, and what is not in this mesh.
            let named = |port: &InputPort| port.contract_id == *input && port.version == *wanted;
            let told = is_over || self.product.input_ports.iter().any(named);
            if let Some(contract) = self.contract(input).filter(|_| !told) {
                let what = format!("the port `{}`, by its `inputContracts`,", port.name);
                // It says what the port is made of; what the product may read is the input port's to say.
                findings.extend(
                    version_by(&what, wanted, &contract, &port.place).map(|found| Diagnostic {
                        severity: Severity::Warning,
                        help: Some(format!("write version: {}", contract.version)),
                        ..found
                    }),
                );
            }
            if !self.product.input_ports.iter().any(|port| port.contract_id == *input) {
                let message = format!(
                    "the output port `{}` is made from `{input}`, which no input port names",
                    port.name
                );
                findings.push(warn(&port.place, "undeclared-input", message, "add it to `inputPorts`"));
            }
        }
        findings
    }

    fn input(&self, name: &str, id: &str, wanted: &str, place: &Place) -> Vec<Diagnostic> {
        let Some(contract) = self.contract(id) else {
            if self.contracts.is_unreadable(id) {
                return Vec::new();
            }
            let message = format!("the input port `{name}` names the contract `{id}`, which is not in this mesh");
            let help = self
                .near(id)
                .unwrap_or_else(|| "nobody here can say whether it keeps its promises".to_owned());
            return vec![warn(place, "foreign-contract", message, &help)];
        };
        let life = Life::of(&contract, self.now);
        let is_over = life.is_over() && self.product.status != Status::Retired;
        let of_version = (!is_over).then(|| version(name, wanted, &contract, place));
        let mut findings: Vec<Diagnostic> = of_version.flatten().into_iter().collect();
        if self.product.status == Status::Retired {
            // It uses nothing any more.
            return findings;
        }
        let instead = match contract.lifecycle().replacement.as_deref() {
            Some("none") | None => "look for another source".to_owned(),
            Some(replacement) => format!("move to {replacement}"),
        };
        let message = format!("the input port `{name}` is bound to {}, which {life}", contract.name);
        match life {
            Life::Retired | Life::Over(_) => findings.push(place.error("retired-contract", message, Some(&instead))),
            Life::Ending(_) => findings.push(warn(place, "deprecated-contract", message, &instead)),
            Life::Unborn(_) | Life::InForce => {}
        }
        findings
    }

    fn contract(&self, id: &str) -> Option<Arc<Contract>> {
        self.contracts
            .contracts()
            .iter()
            .find(|contract| contract.id == id)
            .cloned()
    }

    fn near(&self, id: &str) -> Option<String> {
        let ids = self.contracts.contracts().iter().map(|contract| contract.id.as_str());
        nearest(id, ids).map(|near| format!("did you mean `{near}`?"))
    }
}

/// Where the contract of a port is in its life.
enum Life {
    Unborn(Status),
    InForce,
    /// Deprecated, and until when, where that is said.
    Ending(Option<DateTime<Utc>>),
    /// Nothing is written under it since this end, whatever its status says.
    Over(DateTime<Utc>),
    Retired,
}

impl Life {
    /// The last of its objects decides: while one is written, the port gives something.
    fn of(contract: &Contract, now: DateTime<Utc>) -> Self {
        let whole = contract.lifecycle();
        let ends = (0..contract.objects.len()).map(|object| contract.lifecycle_of(object).end_of_life);
        let end = if contract.objects.is_empty() {
            whole.end_of_life
        } else {
            ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max())
        };
        match (whole.status, end) {
            (Status::Retired, _) => Self::Retired,
            (_, Some(end)) if end <= now => Self::Over(end),
            (Status::Deprecated, end) => Self::Ending(end),
            (status @ (Status::Draft | Status::Proposed), _) => Self::Unborn(status),
            (Status::Active | Status::Other(_), _) => Self::InForce,
        }
    }
}

impl Life {
    /// Whether nothing comes by it any more.
    fn is_over(&self) -> bool {
        matches!(self, Self::Retired | Self::Over(_))
    }
}

impl fmt::Display for Life {
    /// What is said of the contract, behind `which`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unborn(status) => write!(f, "is {status}"),
            Self::InForce => f.write_str("is in force"),
            Self::Ending(None) => f.write_str("is deprecated"),
            Self::Ending(Some(end)) => write!(f, "is deprecated and ends at {}", day(*end)),
            Self::Over(end) => write!(f, "ended at {}", day(*end)),
            Self::Retired => f.write_str("is retired"),
        }
    }
}

/// A port is for one major version of its contract, from the version that it names on.
fn version(port: &str, wanted: &str, contract: &Contract, place: &Place) -> Option<Diagnostic> {
    version_by(&format!("the port `{port}`"), wanted, contract, place)
}

/// The same of what is named so in the message.
fn version_by(what: &str, wanted: &str, contract: &Contract, place: &Place) -> Option<Diagnostic> {
    let named = match wanted.parse::<SemanticVersion>() {
        Ok(named) => named,
        Err(error) => {
            let message = format!("{}: {error}", what.trim_end_matches(','));
            return Some(place.error("port-version", message, error.help()));
        }
    };
    let has = contract.version.parse::<SemanticVersion>().ok()?;
    if named.major == has.major && named <= has {
        return None;
    }
    let message = format!("{what} is for version {named} of {}, which has {has}", contract.name);
    let help = if named > has {
        // The contract has not come so far.
        format!("write version: {has}")
    } else {
        format!("a new major version is a new port: move to version {has} and see what it changes")
    };
    Some(place.error("port-version", message, Some(&help)))
}

fn warn(place: &Place, code: &'static str, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        code: Cow::Borrowed(code),
        ..place.error(code, message, Some(help))
    }
}
