//! Contracts and data products for people: one page each in Markdown or HTML, and an index of all.

mod content;
mod html;
mod markdown;
mod object;
mod product;
mod refers;
mod rules;
mod style;
#[cfg(test)]
mod tests;
mod values;

use polder_contract::Contract;
use polder_contract::product::Product;

/// A contract in the index.
#[derive(Debug, Clone, Copy)]
pub struct IndexEntry<'c> {
    /// The contract.
    pub contract: &'c Contract,
    /// Where its page is, relative to the index.
    pub file: &'c str,
}

/// A data product in the index.
#[derive(Debug, Clone, Copy)]
pub struct ProductEntry<'p> {
    /// The product.
    pub product: &'p Product,
    /// Where its page is, relative to the index.
    pub file: &'p str,
}

/// Pages that lie in one folder and lead to each other.
#[derive(Debug, Clone, Copy)]
pub struct Site<'s> {
    /// The mesh that it is of.
    pub mesh: &'s str,
    /// The page that lists all.
    pub index: &'s str,
    /// The contracts, each with its page.
    pub contracts: &'s [IndexEntry<'s>],
    /// The data products, each with its page.
    pub products: &'s [ProductEntry<'s>],
}

impl Site<'_> {
    /// What the head of every page of the mesh's site holds, and that of no other page: whoever writes the site anew knows by it the
    /// pages that were written before.
    pub fn mark(&self) -> String {
        let mesh = html::escaped(self.mesh);
        format!("<meta name=\"generator\" content=\"polder contract docs of {mesh}\">\n")
    }

    /// What the site is about.
    fn subject(&self) -> &'static str {
        match self.products.is_empty() {
            true => "contracts",
            false => "contracts and products",
        }
    }
}

/// The whole contract in Markdown (GitHub's tables).
pub fn markdown(contract: &Contract) -> String {
    markdown::write(&content::of(contract, None))
}

/// The whole contract as one self-contained HTML page: no script, no external asset, light and dark by the reader's
/// setting. On a site, the page leads to the index and to the products around the contract.
pub fn html(contract: &Contract, site: Option<&Site<'_>>) -> String {
    html::page(&content::of(contract, site), site)
}

/// The whole data product in Markdown (GitHub's tables).
pub fn product_markdown(product: &Product) -> String {
    markdown::write(&product::of(product, None))
}

/// The whole data product as one self-contained HTML page, as [`html`] makes it of contracts. On a site, the page leads to
/// the index and to the contracts of its ports.
pub fn product_html(product: &Product, site: Option<&Site<'_>>) -> String {
    html::page(&product::of(product, site), site)
}

/// A page that lists data products by name, and contracts by domain and name.
pub fn index(site: &Site<'_>) -> String {
    html::index(site)
}

/// A page's content, the same for every way of writing it.
struct Page {
    title: String,
    /// What it is about, where that is no contract.
    kind: Option<&'static str>,
    version: Option<String>,
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
    /// A query, which has lines of its own.
    Query(String),
    /// Several, each with what it is.
    Words(Vec<Word>),
    /// Several, with what stands between them.
    Several(Vec<Self>, &'static str),
    /// Another page of the site.
    Page {
        text: String,
        file: String,
    },
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
    /// The same of what it refers to.
    Refers(Text),
    /// A short label that stands out, such as `key` or `required`.
    Badge(String),
}

impl Text {
    fn is_empty(&self) -> bool {
        match self {
            Self::Plain(text)
            | Self::Code(text)
            | Self::Query(text)
            | Self::Link { text, .. }
            | Self::Page { text, .. } => text.is_empty(),
            Self::Words(words) => words.is_empty(),
            Self::Several(parts, _) => parts.iter().all(Self::is_empty),
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
