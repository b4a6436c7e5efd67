use crate::tests::contract;
use crate::{IndexEntry, html, index, markdown};

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
      - name: total
        logicalType: number
        physicalType: decimal(12,2)
        logicalTypeOptions: {minimum: 0}
        quality: [{metric: nullValues, unit: percent, mustBeLessThan: 5, description: Nearly all are known.}]
"##;

#[test]
fn nothing_that_a_contract_says_becomes_markup() {
    let page = html(&contract(CONTRACT), Some("index.html"));
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    // An address that a browser would run is text.
    assert!(!page.contains("href=\"javascript"));
    assert!(page.contains("href=\"mailto:shop@example.com\""));
    assert!(page.contains("<title>Orders &lt;b&gt;of&lt;/b&gt; &amp; &quot;all&quot; 1.2.0</title>"));
}

#[test]
fn a_page_says_the_whole_contract() {
    let contract = contract(CONTRACT);
    for page in [html(&contract, None), markdown(&contract)] {
        for word in [
            "Ada",
            "9.95 EUR per month",
            "retention",
            "3 y",
            "shop.db",
            "Not real time.",
            "each item",
            "exactly 3 characters",
            "at least 0",
            "Nearly all are known",
        ] {
            assert!(page.contains(word), "{word}\n{page}");
        }
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
    for page in [html(&contract, None), index("Contracts", &entries)] {
        for word in ["src=", "<link", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
    assert!(index("Contracts", &entries).contains("<a href=\"orders.html\">"));
}
