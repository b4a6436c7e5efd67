//! What a contract's page says.

use polder_contract::Contract;
use polder_core::document::Node;

use super::object::object;
use super::values::{beside, custom, definitions, items, schedule, sentence, shown, text};
use super::{Block, Page, Row, Section, Site, Text, product};

/// The page of a contract. On a site it names the products around it.
pub(super) fn of(contract: &Contract, site: Option<&Site<'_>>) -> Page {
    let document = &contract.document;
    let mut facts = Vec::new();
    let mut fact = |label: &str, text: Option<String>| {
        facts.extend(text.map(|text| (label.to_owned(), Text::Plain(text))));
    };
    fact("Domain", contract.domain.clone());
    fact("Owner", contract.owner.clone());
    fact("Data product", contract.data_product.clone());
    fact("Tenant", text(document, "tenant"));
    fact("Context", document.get("context").map(shown));
    fact("Tags", (!contract.tags.is_empty()).then(|| contract.tags.join(", ")));
    fact("Created", text(document, "contractCreatedTs"));
    facts.push(("Contract id".to_owned(), Text::Code(contract.id.clone())));
    facts.push((
        "Standard".to_owned(),
        Text::Plain(format!("ODCS {}", contract.api_version)),
    ));
    let mut sections = Vec::new();
    sections.extend(about(document));
    for (index, node) in items(document, "schema").iter().enumerate() {
        sections.push(object(contract, index, node, site));
    }
    sections.extend(service_levels(document));
    sections.extend(site.and_then(|site| product::around(contract, site)));
    sections.extend(team(document));
    for (key, id, title) in TABLES {
        sections.extend(listed(document, key, id, title));
    }
    sections.extend(price(document));
    sections.extend(links(document));
    sections.extend(listed(document, "customProperties", "custom", "Custom properties"));
    Page {
        title: title(contract),
        kind: None,
        version: Some(contract.version.clone()),
        status: contract.status.clone(),
        lead: contract.description.clone(),
        facts,
        sections,
    }
}

/// Lists that are shown with every key that any of their items has.
const TABLES: [(&str, &str, &str); 3] = [
    ("support", "support", "Support"),
    ("roles", "roles", "Roles"),
    ("servers", "servers", "Servers"),
];

pub(super) fn about(document: &Node) -> Option<Section> {
    let description = document.get("description")?;
    let mut blocks: Vec<Block> = [("usage", "Usage"), ("limitations", "Limitations")]
        .into_iter()
        .filter_map(|(key, label)| Some((label.to_owned(), Text::Plain(text(description, key)?))))
        .map(|fact| Block::Facts(vec![fact]))
        .collect();
    blocks.extend(definitions(description).map(|text| Block::Paragraph(sentence(&text))));
    let own = description.get("customProperties").map(custom);
    blocks.extend(own.map(|text| Block::Paragraph(sentence(&text))));
    (!blocks.is_empty()).then(|| Section {
        id: "about".to_owned(),
        title: "Terms of use".to_owned(),
        code: None,
        blocks,
    })
}

fn service_levels(document: &Node) -> Option<Section> {
    let rows: Vec<Row> = items(document, "slaProperties")
        .iter()
        .map(|level| {
            let mut value = text(level, "value").unwrap_or_default();
            if let Some(more) = text(level, "valueExt") {
                value = format!("{value} – {more}");
            }
            if let Some(unit) = text(level, "unit") {
                value = format!("{value} {}", in_words(&unit, value == "1"));
            }
            let element = text(level, "element").or_else(|| text(document, "slaDefaultElement"));
            let labelled = [
                ("measured on", element),
                ("because of", text(level, "driver")),
                ("schedule", schedule(level)),
            ];
            let labelled = labelled
                .into_iter()
                .filter_map(|(label, text)| Some(format!("{label} {}", text?)));
            let detail: Vec<String> = text(level, "description").into_iter().chain(labelled).collect();
            Row {
                depth: 0,
                cells: vec![
                    Text::Plain(text(level, "property").unwrap_or_default()),
                    Text::Plain(value),
                    Text::Plain(detail.join("; ")),
                ],
            }
        })
        .collect();
    (!rows.is_empty()).then(|| Section {
        id: "service-levels".to_owned(),
        title: "Service levels".to_owned(),
        code: None,
        blocks: vec![Block::Table {
            caption: "Service levels".to_owned(),
            headers: vec!["Property", "Promised", "Detail"],
            rows,
        }],
    })
}

/// A unit of a service level in words; `m` could be months as well.
fn in_words(unit: &str, is_one: bool) -> String {
    let word = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "second" | "seconds" => "second",
        "m" | "min" | "mins" | "minute" | "minutes" => "minute",
        "h" | "hr" | "hrs" | "hour" | "hours" => "hour",
        "d" | "day" | "days" => "day",
        "w" | "wk" | "week" | "weeks" => "week",
        "mo" | "mon" | "month" | "months" => "month",
        "y" | "yr" | "yrs" | "year" | "years" | "a" => "year",
        "percent" => return "%".to_owned(),
        _ => return unit.to_owned(),
    };
    if is_one { word.to_owned() } else { format!("{word}s") }
}

/// What the page is called: of contracts without a name, whose id is for machines, what they are about.
pub(super) fn title(contract: &Contract) -> String {
    let is_key = contract.id.len() == 36 && contract.id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if contract.name != contract.id || !is_key {
        return contract.name.clone();
    }
    const MOST: usize = 3;
    let names: Vec<&str> = contract.objects.iter().map(|object| object.name.as_str()).collect();
    match (&contract.data_product, names.as_slice()) {
        (Some(product), _) => product.clone(),
        (None, []) => contract.name.clone(),
        (None, names) if names.len() <= MOST => names.join(", "),
        (None, names) => format!("{} and {} more", names[..MOST].join(", "), names.len() - MOST),
    }
}

pub(super) fn team(document: &Node) -> Option<Section> {
    let team = document.get("team")?;
    let mut blocks = Vec::new();
    let mut facts = Vec::new();
    facts.extend(text(team, "name").map(|name| ("Team".to_owned(), Text::Plain(name))));
    facts.extend(text(team, "description").map(|text| ("About".to_owned(), Text::Plain(text))));
    let more = [
        ("Tags", team.get("tags").map(shown)),
        ("Custom properties", team.get("customProperties").map(custom)),
    ];
    facts.extend(
        more.into_iter()
            .filter_map(|(label, value)| Some((label.to_owned(), Text::Plain(value?)))),
    );
    if !facts.is_empty() {
        blocks.push(Block::Facts(facts));
    }
    blocks.extend(definitions(team).map(|text| Block::Paragraph(sentence(&text))));
    let members = team.as_list().unwrap_or_else(|| items(team, "members"));
    let rows: Vec<Row> = members.iter().map(member).collect();
    if !rows.is_empty() {
        blocks.push(Block::Table {
            caption: "Members of the team".to_owned(),
            headers: vec!["Name", "User", "Role", "When", "Detail"],
            rows,
        });
    }
    (!blocks.is_empty()).then(|| Section {
        id: "team".to_owned(),
        title: "Team".to_owned(),
        code: None,
        blocks,
    })
}

fn member(member: &Node) -> Row {
    let since = match (text(member, "dateIn"), text(member, "dateOut")) {
        (since, Some(until)) => format!("{} to {until}", since.unwrap_or_default()),
        (Some(since), None) => format!("since {since}"),
        (None, None) => String::new(),
    };
    let user = Text::Code(text(member, "username").unwrap_or_default());
    let (name, user) = match text(member, "name") {
        Some(name) => (Text::Plain(name), user),
        None => (user, Text::Plain(String::new())),
    };
    let told = ["username", "name", "role", "dateIn", "dateOut", "replacedByUsername"];
    let replaced = text(member, "replacedByUsername").map(|user| format!("replaced by {user}"));
    let detail = [
        Text::Plain(beside(member, &told)),
        Text::Plain(replaced.unwrap_or_default()),
    ];
    Row {
        depth: 0,
        cells: vec![
            name,
            user,
            Text::Plain(text(member, "role").unwrap_or_default()),
            Text::Plain(since),
            Text::Several(detail.into(), "; "),
        ],
    }
}

/// Every item of a list with all that it says.
pub(super) fn listed(document: &Node, key: &str, id: &str, title: &str) -> Option<Section> {
    let rows: Vec<Row> = items(document, key)
        .iter()
        .map(|item| {
            let first = ["channel", "server", "role", "property"]
                .iter()
                .find_map(|key| text(item, key));
            let mut address = None;
            let mut rest = Vec::new();
            for entry in item.as_map().unwrap_or_default() {
                match entry.key.as_str() {
                    "channel" | "server" | "role" | "property" | "id" => {}
                    "url" => address = entry.value.as_str().map(str::to_owned),
                    "value" => rest.push(shown(&entry.value)),
                    "description" => rest.insert(0, shown(&entry.value)),
                    "customProperties" => rest.push(custom(&entry.value)),
                    key => rest.push(format!("{key}: {}", shown(&entry.value))),
                }
            }
            let name = first.unwrap_or_default();
            let name = match address {
                Some(url) => Text::Link { text: name, url },
                None => Text::Plain(name),
            };
            Row {
                depth: 0,
                cells: vec![name, Text::Plain(rest.join("; "))],
            }
        })
        .collect();
    (!rows.is_empty()).then(|| Section {
        id: id.to_owned(),
        title: title.to_owned(),
        code: None,
        blocks: vec![Block::Table {
            caption: title.to_owned(),
            headers: vec!["Name", "Detail"],
            rows,
        }],
    })
}

fn price(document: &Node) -> Option<Section> {
    let price = document.get("price")?;
    let unit = text(price, "priceUnit").map(|unit| format!("per {unit}"));
    let words = [text(price, "priceAmount"), text(price, "priceCurrency"), unit];
    let words: Vec<_> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| Section {
        id: "price".to_owned(),
        title: "Price".to_owned(),
        code: None,
        blocks: vec![Block::Paragraph(words.join(" "))],
    })
}

pub(super) fn links(document: &Node) -> Option<Section> {
    let facts: Vec<(String, Text)> = items(document, "authoritativeDefinitions")
        .iter()
        .filter_map(|definition| {
            let url = text(definition, "url")?;
            let label = text(definition, "type").unwrap_or_default();
            let about = text(definition, "description").unwrap_or_default();
            let link = Text::Link { text: url.clone(), url };
            Some((label, Text::Several(vec![link, Text::Plain(about)], ": ")))
        })
        .collect();
    (!facts.is_empty()).then(|| Section {
        id: "links".to_owned(),
        title: "Further reading".to_owned(),
        code: None,
        blocks: vec![Block::Facts(facts)],
    })
}
