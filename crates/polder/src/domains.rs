//! The domains that this binary is built with. A new domain's crate adds its line here.

use polder_domain::Domain;

/// All of them.
pub(crate) fn all() -> Vec<Domain> {
    vec![finance::domain(), recommendation::domain()]
}
