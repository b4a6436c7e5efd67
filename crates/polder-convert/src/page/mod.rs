//! Contracts for people: one page a contract in Markdown or HTML, and an index of all.

mod content;
mod html;
mod markdown;
mod object;
mod style;
#[cfg(test)]
mod tests;
mod values;

use polder_contract::Contract;

/// A contract in the index.
#[derive(Debug, Clone, Copy)]
pub struct IndexEntry<'c> {
    /// The contract.
    pub contract: &'c Contract,
    /// Where its page is, relative to the index.
    pub file: &'c str,
}

/// The whole contract in Markdown (GitHub's tables).
pub fn markdown(contract: &Contract) -> String {
    markdown::write(&content::of(contract))
}

/// The whole contract as one self-contained HTML page: no script, no external asset, light and dark by the reader's
/// setting. With `index`, the page links back to it.
pub fn html(contract: &Contract, index: Option<&str>) -> String {
    html::contract(&content::of(contract), index)
}

/// A page that lists contracts, by domain and name.
pub fn index(title: &str, entries: &[IndexEntry<'_>]) -> String {
    html::index(title, entries)
}

/// A page's content, the same for every way of writing it.
struct Page {
    title: String,
    version: String,
    status: String,
    /// What stands below the title.
    lead: Option<String>,
    facts: Vec<(String, Text)>,
    sections: Vec<Section>,
}

struct Section {
    /// Its anchor.
    id: String,
    title: String,
    /// Name in code beside the title, where it has one.
    code: Option<String>,
    blocks: Vec<Block>,
}

enum Block {
    Paragraph(String),
    Facts(Vec<(String, Text)>),
    Table {
        caption: String,
        headers: Vec<&'static str>,
        rows: Vec<Row>,
    },
}

struct Row {
    /// How deep the first cell is nested.
    depth: usize,
    cells: Vec<Text>,
}

/// A piece of text.
enum Text {
    Plain(String),
    /// Names, types, expressions.
    Code(String),
    /// Several, each with what it is.
    Words(Vec<Word>),
    /// An address, with what it is called.
    Link {
        text: String,
        url: String,
    },
}

enum Word {
    Text(String),
    /// What is worth knowing beside the meaning.
    Note(String),
    /// A short label that stands out, such as `key` or `required`.
    Badge(String),
}

impl Text {
    fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text) | Self::Code(text) | Self::Link { text, .. } => text.is_empty(),
            Self::Words(words) => words.is_empty(),
        }
    }
}

/// The columns of a table that say anything: the first, and those with text in some row.
fn filled(headers: &[&str], rows: &[Row]) -> Vec<usize> {
    let says = |column: usize| {
        let cell = |row: &Row| row.cells.get(column).is_some_and(|cell| !cell.is_empty());
        column == 0 || rows.iter().any(cell)
    };
    (0..headers.len()).filter(|column| says(*column)).collect()
}
