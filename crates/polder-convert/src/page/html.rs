//! Pages in HTML: one file each, readable without style, by screen readers and on paper.

use std::fmt::Write;

use polder_core::units::counted;

use super::style::STYLE;
use super::{Block, IndexEntry, Page, ProductEntry, Row, Section, Site, Text, Word};

/// The page of a contract or product.
pub(super) fn page(page: &Page, site: Option<&Site<'_>>) -> String {
    let mut body = String::new();
    let back = site.map_or(String::new(), |site| {
        format!("<a href=\"{}\">All {}</a>", escaped(site.index), site.subject())
    });
    let kind = page.kind.map_or(String::new(), |kind| format!(" <span>{kind}</span>"));
    let _ = write!(
        body,
        "<header class=\"top\"><p class=\"crumbs\">{back}</p><h1>{}</h1><p class=\"state\">{}{kind}</p>",
        escaped(&page.title),
        state(&page.status, page.version.as_deref(), &[])
    );
    if let Some(lead) = &page.lead {
        paragraphs(lead, "lead", &mut body);
    }
    facts(&page.facts, &mut body);
    body.push_str("</header>\n");
    body.push_str("<div class=\"columns\"><nav aria-label=\"On this page\"><h2>On this page</h2><ul>");
    for section in &page.sections {
        let _ = write!(
            body,
            "<li><a href=\"#{}\">{}</a></li>",
            escaped(&section.id),
            escaped(&section.title)
        );
    }
    body.push_str("</ul></nav>\n<main id=\"content\" tabindex=\"-1\">\n");
    page.sections.iter().for_each(|part| section(part, &mut body));
    body.push_str("</main></div>");
    let title = match &page.version {
        Some(version) => format!("{} {version}", page.title),
        None => page.title.clone(),
    };
    document(&title, &body, site)
}

/// The page that lists everything: products, then contracts by domain.
pub(super) fn index(site: &Site<'_>) -> String {
    let title = format!("Data {}", site.subject());
    let mut count = counted(site.contracts.len(), "contract");
    if !site.products.is_empty() {
        count = format!("{}, {count}", counted(site.products.len(), "data product"));
    }
    let mut body = format!(
        "<header class=\"top\"><h1>{title}</h1><p class=\"lead\">{count}</p></header>\n<main id=\"content\" tabindex=\"-1\">\n",
    );
    let mut products: Vec<Card<'_>> = site.products.iter().map(of_product).collect();
    products.sort_by(|a, b| (a.domain, &a.title).cmp(&(b.domain, &b.title)));
    cards("Data products", &products, &mut body);
    let mut entries: Vec<&IndexEntry<'_>> = site.contracts.iter().collect();
    entries.sort_by(|a, b| (&a.contract.domain, &a.contract.name).cmp(&(&b.contract.domain, &b.contract.name)));
    for group in entries.chunk_by(|a, b| a.contract.domain == b.contract.domain) {
        let domain = group.first().and_then(|entry| entry.contract.domain.as_deref());
        let heading = match domain {
            None => "Without a domain".to_owned(),
            // Beside products it has to be said what is listed.
            Some(domain) if !products.is_empty() => format!("Contracts of {domain}"),
            Some(domain) => domain.to_owned(),
        };
        let group: Vec<Card<'_>> = group.iter().map(|entry| of_contract(entry)).collect();
        cards(&heading, &group, &mut body);
    }
    body.push_str("</main>");
    document(&title, &body, Some(site))
}

/// What the index shows of a contract or product.
struct Card<'c> {
    file: &'c str,
    title: String,
    status: &'c str,
    version: Option<&'c str>,
    domain: Option<&'c str>,
    owner: Option<&'c str>,
    lead: Option<&'c str>,
    /// Datasets or ports.
    parts: Vec<&'c str>,
}

fn of_contract<'c>(entry: &IndexEntry<'c>) -> Card<'c> {
    let contract = entry.contract;
    let objects = contract.objects.iter();
    Card {
        file: entry.file,
        title: super::content::title(contract),
        status: &contract.status,
        version: Some(&contract.version),
        // It is in the heading.
        domain: None,
        owner: contract.owner.as_deref(),
        lead: contract.description.as_deref(),
        parts: objects
            .map(|object| object.physical_name.as_deref().unwrap_or(&object.name))
            .collect(),
    }
}

fn of_product<'p>(entry: &ProductEntry<'p>) -> Card<'p> {
    let product = entry.product;
    Card {
        file: entry.file,
        title: product.name.clone(),
        status: product.status.as_str(),
        version: product.version.as_deref(),
        domain: product.domain.as_deref(),
        owner: product.owner(),
        lead: product.purpose.as_deref(),
        parts: product.output_ports.iter().map(|port| port.name.as_str()).collect(),
    }
}

fn cards(heading: &str, list: &[Card<'_>], out: &mut String) {
    if list.is_empty() {
        return;
    }
    let _ = write!(out, "<section><h2>{}</h2>\n<ul class=\"cards\">\n", escaped(heading));
    for card in list {
        let _ = write!(
            out,
            "<li><h3><a href=\"{}\">{}</a></h3><p class=\"state\">{}</p>",
            escaped(card.file),
            escaped(&card.title),
            state(
                card.status,
                card.version,
                &[("Domain", card.domain), ("Owner", card.owner)]
            )
        );
        if let Some(text) = card.lead {
            let _ = write!(out, "<p>{}</p>", escaped(text));
        }
        out.push_str("<ul class=\"objects\">");
        for part in &card.parts {
            let _ = write!(out, "<li><code>{}</code></li>", escaped(part));
        }
        out.push_str("</ul></li>\n");
    }
    out.push_str("</ul></section>\n");
}

/// Status, version and more in one line.
fn state(status: &str, version: Option<&str>, more: &[(&str, Option<&str>)]) -> String {
    let mut out = format!(
        "<span class=\"badge {}\">{}</span> <span>{}</span>",
        status_class(status),
        escaped(status),
        version.map_or_else(
            || "Without version".to_owned(),
            |version| format!("Version {}", escaped(version))
        )
    );
    for (label, value) in more {
        if let Some(value) = value {
            let _ = write!(out, " <span>{label} {}</span>", escaped(value));
        }
    }
    out
}

fn document(title: &str, body: &str, site: Option<&Site<'_>>) -> String {
    let mark = site.map_or_else(String::new, Site::mark);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n{mark}<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to content</a>\n{body}\n</body>\n</html>\n",
        escaped(title)
    )
}

fn section(section: &Section, out: &mut String) {
    let id = escaped(&section.id);
    let _ = write!(
        out,
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{}",
        escaped(&section.title)
    );
    if let Some(code) = &section.code {
        let _ = write!(out, " <code>{}</code>", escaped(code));
    }
    out.push_str("</h2>\n");
    for block in &section.blocks {
        match block {
            Block::Paragraph(text) => paragraphs(text, "", out),
            Block::Facts(list) => facts(list, out),
            Block::Table { caption, headers, rows } => {
                // The heading says it already.
                let class = if *caption == section.title {
                    " class=\"hidden\""
                } else {
                    ""
                };
                table(caption, class, headers, rows, out);
            }
        }
    }
    out.push_str("</section>\n");
}

fn table(caption: &str, class: &str, headers: &[&str], rows: &[Row], out: &mut String) {
    let caption = escaped(caption);
    // A wide table scrolls by itself, by keyboard too.
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\"><table><caption{class}>{caption}</caption>\
         <thead><tr>"
    );
    let shown = super::filled(headers, rows);
    for column in &shown {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(headers[*column]));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (index, cell) in row.cells.iter().enumerate().filter(|(index, _)| shown.contains(index)) {
            if index == 0 {
                let _ = write!(
                    out,
                    "<th scope=\"row\" class=\"d{}\">{}</th>",
                    row.depth.min(6),
                    inline(cell)
                );
            } else {
                // On a narrow screen every cell stands below its own heading.
                let empty = if cell.is_empty() { " class=\"empty\"" } else { "" };
                let label = escaped(headers[index]);
                let _ = write!(out, "<td{empty} data-label=\"{label}\">{}</td>", inline(cell));
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn facts(list: &[(String, Text)], out: &mut String) {
    let mut list = list.iter().filter(|(_, value)| !value.is_empty()).peekable();
    if list.peek().is_none() {
        return;
    }
    out.push_str("<dl>");
    for (label, value) in list {
        let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(label), inline(value));
    }
    out.push_str("</dl>\n");
}

fn inline(value: &Text) -> String {
    match value {
        Text::Plain(text) => escaped(text),
        Text::Code(text) if text.is_empty() => String::new(),
        Text::Code(text) => format!("<code>{}</code>", escaped(text)),
        Text::Query(text) if text.trim().is_empty() => String::new(),
        Text::Query(text) => format!("<code class=\"query\">{}</code>", escaped(text.trim())),
        Text::Link { text, url } if is_web(url) => {
            format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escaped(url), escaped(text))
        }
        Text::Link { text, url } if text == url => escaped(text),
        Text::Link { text, url } => format!("{} ({})", escaped(text), escaped(url)),
        Text::Page { text, file } => format!("<a href=\"{}\">{}</a>", escaped(file), escaped(text)),
        Text::Several(parts, between) => {
            let parts = parts.iter().filter(|part| !part.is_empty());
            parts.map(inline).collect::<Vec<_>>().join(between)
        }
        Text::Words(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|word| match word {
                    Word::Text(text) => escaped(text),
                    Word::Note(text) => format!("<span class=\"note\">{}</span>", escaped(text)),
                    Word::Refers(to) => format!("<span class=\"note\">Refers to {}.</span>", inline(to)),
                    Word::Badge(text) => format!("<span class=\"badge\">{}</span>", escaped(text)),
                })
                .collect();
            words.join(" ")
        }
    }
}

fn paragraphs(text: &str, class: &str, out: &mut String) {
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        if class.is_empty() {
            let _ = writeln!(out, "<p>{}</p>", escaped(part));
        } else {
            let _ = writeln!(out, "<p class=\"{class}\">{}</p>", escaped(part));
        }
    }
}

/// Whether a browser may follow the address: a contract could hold `javascript:` as well.
pub(super) fn is_web(url: &str) -> bool {
    let lower = url.trim_start().to_ascii_lowercase();
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
}

fn status_class(status: &str) -> &'static str {
    match status.to_ascii_lowercase().as_str() {
        "active" => "good",
        "deprecated" => "fading",
        "retired" => "gone",
        _ => "early",
    }
}

/// Text as content or as the value of an attribute in quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
