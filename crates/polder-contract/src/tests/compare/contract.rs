//! The contract as a whole.

use super::there_and_back;

#[test]
fn every_change_of_the_whole_contract_has_its_class_there_and_back() {
    there_and_back(&[
        (
            "status: active",
            "status: in review",
            &["status-changed service level lowered | - status"],
            &["status-changed service level raised | - status"],
        ),
        (
            "status: active",
            "status: deprecated",
            &["status-changed service level lowered | - status"],
            &["status-changed service level raised | - status"],
        ),
        (
            "status: active",
            "status: retired",
            &["status-changed breaks readers and writers | - status"],
            &["status-changed breaks readers and writers | - status"],
        ),
        (
            "id: sales.silver.lines",
            "id: other",
            &["contract-id-changed breaks readers and writers | - -"],
            &["contract-id-changed breaks readers and writers | - -"],
        ),
        (
            "physicalName: sales.silver.lines",
            "physicalName: sales.silver.invoice_lines",
            &["object-renamed breaks readers and writers | - -"],
            &["object-renamed breaks readers and writers | - -"],
        ),
        (
            "host: db.example",
            "host: db2.example",
            &["server-changed breaks readers and writers | - -"],
            &["server-changed breaks readers and writers | - -"],
        ),
        (
            "access: read\n",
            "access: read\n  - role: writer\n",
            &["role-added compatible | - -"],
            &["role-removed breaks readers | - -"],
        ),
        (
            "priceAmount: 10",
            "priceAmount: 12",
            &["price-changed service level lowered | - price"],
            &["price-changed service level raised | - price"],
        ),
        (
            "classification: public",
            "classification: confidential",
            &["classification-changed compatible | currency -"],
            &["classification-changed compatible | currency -"],
        ),
        (
            "ann@shop.example",
            "bob@shop.example",
            &["team-changed documentation | - -", "team-changed documentation | - -"],
            &["team-changed documentation | - -", "team-changed documentation | - -"],
        ),
        (
            "purpose: Lines.",
            "purpose: Invoice lines.",
            &["description-changed documentation | - -"],
            &["description-changed documentation | - -"],
        ),
        (
            "tags: [silver]",
            "tags: [silver, sales]\ncustomProperties: [{property: polder.compatibility, value: none}]",
            &[
                "compatibility-mode-changed quality loosened | - -",
                "tags-changed documentation | - -",
            ],
            &[
                "compatibility-mode-changed quality tightened | - -",
                "tags-changed documentation | - -",
            ],
        ),
    ]);
}
