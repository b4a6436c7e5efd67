use crate::tests::contract;
use polder_contract::product::{self, Product};
use polder_core::document::Source;

use crate::{IndexEntry, ProductEntry, Site, html, index, markdown, product_html, product_markdown};

const CONTRACT: &str = r##"
apiVersion: v3.1.0
kind: DataContract
id: orders
name: Orders <b>of</b> & "all"
version: 1.2.0
status: active
domain: sales
description: {purpose: "<script>alert(1)</script>", usage: Reports., limitations: Not real time.}
team: {name: Shop, members: [{username: ada, name: Ada, role: owner}]}
support: [{channel: "#shop", url: "javascript:alert(1)"}, {channel: mail, url: "mailto:shop@example.com"}]
price: {priceAmount: 9.95, priceCurrency: EUR, priceUnit: month}
servers: [{server: production, type: duckdb, database: "shop.db", schema: main}]
slaProperties: [{property: retention, value: 3, unit: y}]
schema:
  - name: orders
    physicalName: sales.silver.orders
    properties:
      - {name: id, logicalType: integer, required: true, primaryKey: true}
      - name: lines
        logicalType: array
        items:
          logicalType: object
          properties:
            - {name: sku, logicalType: string, logicalTypeOptions: {minLength: 3, maxLength: 3}, description: "a | b"}
            - {name: note, logicalType: string, logicalTypeOptions: {minLength: 1}}
      - name: total
        logicalType: number
        physicalType: decimal(12,2)
        logicalTypeOptions: {minimum: 0}
        quality: [{metric: nullValues, unit: percent, mustBeLessThan: 5, description: Nearly all are known.}]
      - name: customer
        logicalType: integer
        relationships: [{to: customers.id}]
    quality: [{type: text, description: Nobody orders twice.}]
  - name: customers
    physicalName: sales.silver.customers
    properties: [{name: id, logicalType: integer, required: true, primaryKey: true}]
"##;

const PRODUCT: &str = "
apiVersion: v1.0.0
kind: DataProduct
id: shop
name: Shop
version: 2.1.0
status: deprecated
domain: sales
description: {purpose: What the shop sold., limitations: Not for invoices.}
outputPorts:
  - name: sold
    type: tables
    version: 1.2.0
    contractId: orders
    description: Lines that were paid.
    inputContracts: [{id: crm.customers, version: 3.0.0}]
    sbom: [{type: external, url: 'https://example.com/sbom.json'}]
inputPorts:
  - {name: orders, version: 1.2.0, contractId: orders}
  - {name: customers, version: 3.0.0, contractId: crm.customers}
managementPorts:
  - {name: health, content: observability, url: 'https://example.com/health'}
  - {name: news, content: observability, type: topic, channel: shop.news}
support: [{channel: chat, url: 'https://example.com/chat', scope: interactive}]
team: {name: Shop, members: [{username: ada, name: Ada, role: owner}]}
customProperties: [{property: region, value: Mars}]
authoritativeDefinitions: [{type: handbook, url: 'https://example.com/handbook'}]
";

fn product(text: &str) -> Product {
    let (product, found) = product::parse(&Source::new("contracts/sales/shop.odps.yaml", text.to_owned()));
    product.unwrap_or_else(|| panic!("{found:?}"))
}

#[test]
fn nothing_that_a_contract_says_becomes_markup() {
    let page = html(&contract(CONTRACT), None);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    // An address that a browser would run is text.
    assert!(!page.contains("href=\"javascript"));
    assert!(page.contains("href=\"mailto:shop@example.com\""));
    assert!(page.contains("<title>Orders &lt;b&gt;of&lt;/b&gt; &amp; &quot;all&quot; 1.2.0</title>"));
}

#[test]
fn what_becomes_of_a_key_s_second_row_is_said_as_its_layer_does_it() {
    let of_streams = "the first row stays, later ones go to quarantine";
    let pipeline = markdown(&contract(CONTRACT));
    assert!(!pipeline.contains(of_streams), "{pipeline}");
    assert!(pipeline.contains("the commit is refused"), "{pipeline}");
    let stream = markdown(&contract(&CONTRACT.replace("sales.silver.", "sales.bronze.")));
    assert!(stream.contains(of_streams), "{stream}");
}

#[test]
fn a_column_of_the_key_is_required_whether_it_says_so_or_not() {
    let said = contract(CONTRACT);
    let unsaid = contract(&CONTRACT.replace("required: true, primaryKey: true", "primaryKey: true"));
    assert!(markdown(&said).contains("**key** **required**"), "{}", markdown(&said));
    assert_eq!(markdown(&unsaid), markdown(&said));
    assert_eq!(html(&unsaid, None), html(&said, None));
}

#[test]
fn a_page_says_the_whole_contract() {
    let contract = contract(CONTRACT);
    for page in [html(&contract, None), markdown(&contract)] {
        for word in [
            "Ada",
            "9.95 EUR per month",
            "retention",
            "3 years",
            "shop.db",
            "Not real time.",
            "each item",
            "exactly 3 characters",
            "at least 1 character",
            "at least 0",
            "Nearly all are known",
        ] {
            assert!(page.contains(word), "{word}\n{page}");
        }
        assert!(!page.contains("1 characters"), "{page}");
    }
    assert!(markdown(&contract).contains("a \\| b"));
}

#[test]
fn pages_need_nothing_from_elsewhere() {
    let contract = contract(CONTRACT);
    let entries = [IndexEntry {
        contract: &contract,
        file: "orders.html",
    }];
    let product = product(PRODUCT);
    let products = [ProductEntry {
        product: &product,
        file: "shop.html",
    }];
    let site = Site {
        mesh: "shop",
        index: "index.html",
        contracts: &entries,
        products: &products,
    };
    let pages = [
        html(&contract, Some(&site)),
        product_html(&product, Some(&site)),
        index(&site),
    ];
    for page in pages {
        for word in ["src=", "<link", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}

#[test]
fn pages_of_contracts_and_products_lead_to_each_other() {
    let contract = contract(CONTRACT);
    let product = product(PRODUCT);
    let contracts = [IndexEntry {
        contract: &contract,
        file: "orders.html",
    }];
    let products = [ProductEntry {
        product: &product,
        file: "shop.html",
    }];
    let site = Site {
        mesh: "shop",
        index: "index.html",
        contracts: &contracts,
        products: &products,
    };
    let all = index(&site);
    for text in [
        "<h2>Data products</h2>",
        "<a href=\"shop.html\">Shop</a>",
        "<a href=\"orders.html\">",
        "1 data product, 1 contract",
        "<code>sold</code>",
    ] {
        assert!(all.contains(text), "{text}\n{all}");
    }
    let of_product = product_html(&product, Some(&site));
    assert_eq!(
        of_product.matches("<a href=\"orders.html\">Orders").count(),
        2,
        "{of_product}"
    );
    assert!(
        of_product.contains("<code>crm.customers</code> (not in this mesh)"),
        "{of_product}"
    );
    assert!(of_product.contains("<a href=\"index.html\">All contracts and products</a>"));
    let of_contract = html(&contract, Some(&site));
    let link = "<a href=\"shop.html\">Shop</a></th><td data-label=\"What it does\">offers it</td>";
    assert!(of_contract.contains(link), "{of_contract}");
    // Alone, there is nothing that it could lead to.
    for page in [html(&contract, None), product_html(&product, None)] {
        assert!(!page.contains(".html"), "{page}");
    }
}

#[test]
fn a_product_s_page_says_the_whole_product() {
    let product = product(PRODUCT);
    for page in [product_html(&product, None), product_markdown(&product)] {
        for word in [
            "Shop",
            "2.1.0",
            "deprecated",
            "Data product",
            "What the shop sold.",
            "Not for invoices.",
            "sold",
            "tables",
            "Lines that were paid.",
            "https://example.com/sbom.json",
            "orders",
            "crm.customers",
            "3.0.0",
            "health",
            "observability",
            "https://example.com/health",
            "news",
            "shop.news",
            "Ada",
            "https://example.com/chat",
            "region",
            "Mars",
            "https://example.com/handbook",
        ] {
            assert!(page.contains(word), "{word}\n{page}");
        }
    }
}

#[test]
fn nothing_that_a_product_says_becomes_markup() {
    let text = r##"
apiVersion: v1.0.0
kind: DataProduct
id: "<i>id</i>"
name: "<b>Shop</b>"
version: "<u>1</u>"
status: active
domain: "<s>shop</s>"
tags: ["<em>tag</em>"]
description: {purpose: "<script>alert(1)</script>", usage: "[x](javascript:alert(2))"}
outputPorts:
  - {name: "<b>out</b>", version: "1 | 2", contractId: "a`|b\"><script>", type: "<b>t", description: "<img src=x onerror=alert(3)>", sbom: [{url: "javascript:alert(4)"}]}
inputPorts:
  - {name: "`in`", version: 1.0.0, contractId: "<b>c", customProperties: [{property: "<b>p", value: "<b>v"}]}
managementPorts:
  - {name: m, content: observability, url: "javascript:alert(5)"}
  - {name: n, content: "<b>", type: topic, channel: "<script>"}
support: [{channel: "<b>chat", url: "JavaScript:alert(6)"}]
authoritativeDefinitions: [{type: "<b>", url: "vbscript:alert(7)"}]
team: {name: "<b>team", members: [{username: "<b>ada", role: "<b>"}]}
"##;
    let product = product(text);
    let products = [ProductEntry {
        product: &product,
        file: "shop.html",
    }];
    let site = Site {
        mesh: "shop",
        index: "index.html",
        contracts: &[],
        products: &products,
    };
    let pages = [product_html(&product, Some(&site)), index(&site)];
    for page in &pages {
        for tag in ["<script", "<b>", "<i>", "<u>", "<s>", "<em>", "<img"] {
            assert!(!page.contains(tag), "{tag}\n{page}");
        }
        assert!(!page.to_lowercase().contains("href=\"javascript"), "{page}");
        assert!(!page.contains("href=\"vbscript"), "{page}");
        assert!(page.contains("&lt;b&gt;Shop&lt;/b&gt;"), "{page}");
    }
    let page = product_markdown(&product);
    assert!(page.starts_with("# \\<b\\>Shop\\</b\\>\n"), "{page}");
    // A cell's text makes no cell of its own.
    let port = "| `<b>out</b>` | \\<b\\>t | 1 \\| 2 | ``a`\\|b\"><script>`` | \\<img src=x onerror=alert(3)\\>; bill of \
                materials (javascript:alert(4)) |\n";
    assert!(page.contains(port), "{page}");
    assert!(page.contains("\\[x\\](javascript:alert(2))"), "{page}");
    for line in page.lines() {
        assert!(
            !line.contains("](<javascript") && !line.contains("](<vbscript"),
            "{line}"
        );
    }
}

#[test]
fn every_rule_is_in_the_table_once() {
    let contract = contract(CONTRACT);
    let page = markdown(&contract);
    assert_eq!(page.matches("Nobody orders twice").count(), 1, "{page}");
    for rule in ["| `primaryKey` | `id` |", "| `customer.foreignKey` | `customer` |"] {
        assert!(page.contains(rule), "{rule}\n{page}");
    }
}

#[test]
fn what_becomes_of_a_value_that_is_not_as_its_column_asks_is_said_once() {
    let said = "Where a value is not as its column asks: the row goes to quarantine";
    for page in [markdown(&contract(CONTRACT)), html(&contract(CONTRACT), None)] {
        // Both objects have columns that ask for something.
        assert_eq!(page.matches(&format!("{said}.")).count(), 2, "{page}");
    }
    let warned = CONTRACT.replace(
        "logicalTypeOptions: {minimum: 0}",
        "logicalTypeOptions: {minimum: 0}\n        customProperties: [{property: polder.onFailure, value: warn}]",
    );
    let page = markdown(&contract(&warned));
    assert!(page.contains(&format!("{said}; for total: a warning.")), "{page}");
    assert!(!page.contains("does not fit"), "{page}");
}

#[test]
fn where_a_value_that_does_not_fit_its_type_refuses_the_batch_is_said_even_of_columns_without_rules() {
    const REJECT: &str = "customProperties: [{property: polder.onFailure, value: reject}]";
    let page = |object: &str| {
        markdown(&contract(&format!(
            "
apiVersion: v3.1.0
kind: DataContract
id: t
version: 1.0.0
status: active
schema:
  - name: t
    physicalName: shop.bronze.t
{object}
    properties:
      - {{name: id, logicalType: integer}}
      - {{name: n, logicalType: integer, {REJECT}}}
      - {{name: o, logicalType: object, properties: [{{name: q, logicalType: integer}}, {{name: r, logicalType: integer, {REJECT}}}]}}
      - {{name: l, logicalType: array, items: {{logicalType: integer, {REJECT}}}}}
      - {{name: s, logicalType: string, customProperties: [{{property: polder.onFailure, value: warn}}]}}
"
        )))
    };
    let said = "Where a value in n, o, l does not fit its type: the batch is refused.";
    let some = page("");
    assert_eq!(some.matches(said).count(), 1, "{some}");
    // The object's word counts where no column has another.
    let most = page(&format!("    {REJECT}"));
    let said = "Where a value in id, n, o, l does not fit its type: the batch is refused.";
    assert_eq!(most.matches(said).count(), 1, "{most}");
    let all = CONTRACT.replacen("    properties:", &format!("    {REJECT}\n    properties:"), 1);
    let all = markdown(&contract(&all));
    let said = "Where a value does not fit its type: the batch is refused.";
    assert_eq!(all.matches(said).count(), 1, "{all}");
}

#[test]
fn nothing_that_a_contract_says_becomes_a_sign_of_markdown() {
    let text = "
apiVersion: v3.1.0
kind: DataContract
id: a|b`c
version: 1.0.0
status: active
description: {purpose: \"Lines:\\n- one\\n1. two\\n---\\n    code &lt; $x$ | `bar`\"}
schema:
  - name: t
    properties:
      - {name: a, logicalType: string, description: \"one\\n| two | `three` <b>\", logicalTypeOptions: {pattern: \"a|`b\"}}
";
    let page = markdown(&contract(text));
    let lead = "Lines:\n\\- one\n1\\. two\n\\---\ncode \\&lt; \\$x\\$ \\| \\`bar\\`\n";
    assert!(page.contains(lead), "{page}");
    assert!(page.contains("- **Contract id**: ``a|b`c``"), "{page}");
    assert!(page.contains("one \\| two \\| \\`three\\` \\<b\\>"), "{page}");
}

#[test]
fn a_contract_whose_id_is_for_machines_is_called_after_what_it_is_about() {
    let named = CONTRACT.replace(
        "id: orders\nname: Orders <b>of</b> & \"all\"",
        "id: 53581432-6c55-4ba2-a65f-72344a91593a",
    );
    let page = markdown(&contract(&named));
    assert!(page.starts_with("# orders, customers\n"), "{page}");
}

#[test]
fn columns_of_a_table_that_say_nothing_are_left_out() {
    let page = markdown(&contract(CONTRACT));
    let members = page.split("## Team").nth(1).unwrap();
    assert!(members.contains("| Name | User | Role |\n"), "{members}");
}

#[test]
fn a_rule_is_told_with_what_sorts_and_schedules_it() {
    let text = CONTRACT.replace(
        "{type: text, description: Nobody orders twice.}",
        "{metric: rowCount, mustBeGreaterThan: 0, dimension: cp, severity: warning, businessImpact: operational, schedule: \
         0 3 * * *, scheduler: cron}",
    );
    let classed =
        "dimension: completeness; severity: warning; business impact: operational; schedule: 0 3 * * * (cron)";
    let page = html(&contract(&text), None);
    assert!(page.contains(classed), "{page}");
    let page = markdown(&contract(&text));
    assert!(page.contains(&classed.replace('*', "\\*")), "{page}");
    // Where no rule says any of it, no column asks for it.
    assert!(!markdown(&contract(CONTRACT)).contains("Classed"));
}

#[test]
fn the_query_of_a_rule_stands_below_it_as_code() {
    let query =
        "quality: [{type: sql, mustBe: 0, query: \"SELECT count(*)\\nFROM {object}\\n  WHERE id < 0 || '<b>'\\n\"}]";
    let text = CONTRACT.replace("quality: [{type: text, description: Nobody orders twice.}]", query);
    let page = html(&contract(&text), None);
    assert!(
        page.contains(
            "<code class=\"query\">SELECT count(*)\nFROM {object}\n  WHERE id &lt; 0 || &#39;&lt;b&gt;&#39;</code></td>"
        ),
        "{page}"
    );
    let written = markdown(&contract(&text));
    assert!(
        written.contains("<br>`SELECT count(*)`<br>`FROM {object}`<br>&emsp;`WHERE id < 0 \\|\\| '<b>'` |"),
        "{written}"
    );
    for page in [page, written] {
        assert_eq!(page.matches("SELECT count").count(), 1, "{page}");
    }
}

#[test]
fn references_lead_to_what_they_refer_to_where_the_site_has_it() {
    let relationships = "relationships: [{to: customers.id}, {to: crm.bronze.people.id}, {to: crm.bronze.gone.id}]";
    let text = CONTRACT.replace("relationships: [{to: customers.id}]", relationships).replace(
        "quality: [{type: text, description: Nobody orders twice.}]",
        "relationships: [{from: [orders.id, orders.total], to: [schema/customers/properties/id, other.yaml#customers.id]}]",
    );
    let orders = contract(&text);
    let people = contract(
        &CONTRACT
            .replace("id: orders\n", "id: people\n")
            .replace("sales.silver.orders", "crm.bronze.others")
            .replace("sales.silver.customers", "crm.bronze.people"),
    );
    let contracts = [(&orders, "orders.html"), (&people, "people.html")];
    let contracts = contracts.map(|(contract, file)| IndexEntry { contract, file });
    let site = Site {
        mesh: "shop",
        index: "index.html",
        contracts: &contracts,
        products: &[],
    };
    let page = html(&orders, Some(&site));
    for link in [
        "Refers to <a href=\"#object-2\">customers.id</a>.",
        "Refers to <a href=\"people.html#object-2\">crm.bronze.people.id</a>.",
        "Refers to <code>crm.bronze.gone.id</code>.",
        "<a href=\"#object-2\">schema/customers/properties/id</a>, <code>other.yaml#customers.id</code>",
    ] {
        assert!(page.contains(link), "{link}\n{page}");
    }
    assert!(page.contains("id=\"object-2\""));
    let alone = markdown(&orders);
    assert!(alone.contains("Refers to `crm.bronze.people.id`."), "{alone}");
    assert!(!html(&orders, None).contains("href=\"#object-2\">crm"));
}
