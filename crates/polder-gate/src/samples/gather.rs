//! The samples of all contracts: those that they carry, and those in documents beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use polder_contract::DatasetContract;
use polder_core::DatasetName;
use polder_core::document::{Diagnostic, Severity, Source, nearest};

use super::Samples;
use super::rows::problem;

/// How documents of samples end, and those of contracts.
const SAMPLES: &str = ".samples.yaml";
const CONTRACT: &str = ".odcs.yaml";

/// The samples of every dataset, and what is wrong with the documents that hold them. `is_contract` tells of a path whether
/// it is that of a contract, though one that is wrong: what lies beside such a one cannot be judged.
pub fn gather<'c>(
    contracts: impl IntoIterator<Item = &'c DatasetContract>,
    documents: &[Source],
    is_contract: impl Fn(&Path) -> bool,
) -> (BTreeMap<DatasetName, Samples>, Vec<Diagnostic>) {
    let mut all: BTreeMap<DatasetName, Samples> = BTreeMap::new();
    let mut diagnostics = Vec::new();
    let contracts: Vec<_> = contracts.into_iter().collect();
    let mut times: BTreeMap<&DatasetName, usize> = BTreeMap::new();
    for contract in &contracts {
        *times.entry(contract.dataset()).or_default() += 1;
    }
    // Of two contracts for one dataset, which is told elsewhere, nobody knows which one counts.
    let is_one = |contract: &DatasetContract| times.get(contract.dataset()) == Some(&1);
    let mut add = |contract: &DatasetContract, samples: Samples| {
        if !is_one(contract) {
            return;
        }
        let own = all.remove(contract.dataset()).unwrap_or_default();
        all.insert(contract.dataset().clone(), own.join(samples));
    };
    let mut by_path: BTreeMap<&Path, Vec<&DatasetContract>> = BTreeMap::new();
    for contract in contracts {
        by_path
            .entry(&contract.contract.source_path)
            .or_default()
            .push(contract);
        let (samples, problems) = Samples::of_contract(contract);
        diagnostics.extend(problems);
        if let Some(samples) = samples {
            add(contract, samples);
        }
    }
    for source in documents {
        let (samples, problems) = Samples::of_document(source);
        diagnostics.extend(problems);
        let beside = contract_of(&source.path);
        let Some(of) = beside.as_deref().and_then(|path| by_path.get(path)) else {
            if !beside.is_some_and(|path| is_contract(&path)) {
                diagnostics.push(alone(source));
            }
            continue;
        };
        for (object, place, samples) in samples {
            match of.iter().find(|contract| contract.object().name == object) {
                Some(contract) => add(contract, samples),
                None => {
                    let names: Vec<_> = of.iter().map(|contract| contract.object().name.as_str()).collect();
                    let help = match nearest(&object, names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its objects are: {}", names.join(", ")),
                    };
                    let message = format!("the contract has no object `{object}`");
                    diagnostics.push(problem(&place, "samples", message, Some(help)));
                }
            }
        }
    }
    (all, diagnostics)
}

/// The contract that a document of samples lies beside: the same path but for the ending.
pub fn contract_of(samples: &Path) -> Option<PathBuf> {
    let stem = samples.to_str()?.strip_suffix(SAMPLES)?;
    Some(PathBuf::from(format!("{stem}{CONTRACT}")))
}

fn alone(source: &Source) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "samples".into(),
        message: "there is no contract beside these samples".to_owned(),
        help: Some("name the document like the contract: x.samples.yaml beside x.odcs.yaml".to_owned()),
        file: source.path.clone(),
        span: None,
    }
}
