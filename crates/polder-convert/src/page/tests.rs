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
      - name: customer
        logicalType: integer
        relationships: [{to: customers.id}]
    quality: [{type: text, description: Nobody orders twice.}]
  - name: customers
    physicalName: sales.silver.customers
    properties: [{name: id, logicalType: integer, required: true, primaryKey: true}]
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
fn what_becomes_of_a_key_s_second_row_is_said_as_its_layer_does_it() {
    let of_streams = "the first row stays, later ones go to quarantine";
    let pipeline = markdown(&contract(CONTRACT));
    assert!(!pipeline.contains(of_streams), "{pipeline}");
    assert!(pipeline.contains("the commit is refused"), "{pipeline}");
    let stream = markdown(&contract(&CONTRACT.replace("sales.silver.", "sales.bronze.")));
    assert!(stream.contains(of_streams), "{stream}");
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
