//! The products that a model knows, by number and by stock code.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::{DataFrame, StringChunked, df};
use polder_domain::learn::recommend::Scored;
use polder_domain::{Error, ErrorKind, Result, ResultExt};
use serde::{Deserialize, Serialize};

/// Products in the order of their stock codes; a product's number is its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shelf {
    stock_codes: Vec<String>,
    descriptions: Vec<Option<String>>,
}

impl Shelf {
    /// The products that are bought, named as `products` (`stock_code`, `description`) names them.
    pub(crate) fn new<'a>(bought: impl Iterator<Item = &'a str>, products: &DataFrame) -> Result<Self> {
        let names = texts(products, "products", "stock_code")?;
        let descriptions = texts(products, "products", "description")?;
        let named: BTreeMap<&str, &str> = names
            .iter()
            .zip(descriptions.iter())
            .filter_map(|(code, name)| Some((code?, name?)))
            .collect();
        let stock_codes: BTreeSet<&str> = bought.collect();
        Ok(Self {
            descriptions: stock_codes
                .iter()
                .map(|code| named.get(code).map(|name| (*name).to_owned()))
                .collect(),
            stock_codes: stock_codes.into_iter().map(str::to_owned).collect(),
        })
    }

    /// How many products there are.
    pub(crate) fn len(&self) -> usize {
        self.stock_codes.len()
    }

    /// The number of every stock code.
    pub(crate) fn numbers(&self) -> HashMap<&str, usize> {
        self.stock_codes
            .iter()
            .enumerate()
            .map(|(number, code)| (code.as_str(), number))
            .collect()
    }

    /// The number of one stock code.
    pub(crate) fn number(&self, stock_code: &str) -> Option<usize> {
        self.stock_codes
            .binary_search_by(|code| code.as_str().cmp(stock_code))
            .ok()
    }

    /// A list of suggestions as a frame: rank, stock_code, description, score.
    pub(crate) fn frame(&self, suggested: &[Scored]) -> Result<DataFrame> {
        df!(
            "rank" => (1..=suggested.len() as u32).collect::<Vec<_>>(),
            "stock_code" => suggested.iter().map(|s| self.stock_codes[s.item].as_str()).collect::<Vec<_>>(),
            "description" => suggested.iter().map(|s| self.descriptions[s.item].as_deref()).collect::<Vec<_>>(),
            "score" => suggested.iter().map(|s| (s.score * 1e6).round() / 1e6).collect::<Vec<_>>(),
        )
        .context(ErrorKind::Internal, || "the suggestions cannot be shown".to_owned())
    }
}

/// A column of text of an input.
pub(crate) fn texts<'a>(frame: &'a DataFrame, input: &str, column: &str) -> Result<&'a StringChunked> {
    frame
        .column(column)
        .and_then(|values| values.str())
        .context(ErrorKind::Document, || {
            format!("the input `{input}` needs a text column `{column}`")
        })
}

/// Reads an artefact of this domain.
pub(crate) fn read<'a, T: Deserialize<'a>>(artifact: &'a [u8]) -> Result<T> {
    serde_json::from_slice(artifact).context(ErrorKind::Data, || "the artefact is none of this model's".to_owned())
}

/// Writes an artefact of this domain.
pub(crate) fn write<T: Serialize>(artifact: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(artifact).context(ErrorKind::Internal, || "the model cannot be written".to_owned())
}

/// The mean of what there is; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}

/// An error for data that is too little to learn from.
pub(crate) fn too_little(what: &str) -> Error {
    Error::new(ErrorKind::Data, format!("there are no {what} to learn from yet"))
}
