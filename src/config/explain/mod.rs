//! Every field of a configuration, explained: from the types that read it.
//!
//! ```text
//! doc comments and defaults of the settings → schema → fields → words for a terminal, docs/configuration.md
//!                                                    → docs/configuration.schema.json, for editors
//! ```

mod fields;
mod markdown;
mod schema;
mod tidy;
mod toml_text;

pub use fields::{Choice, Field, Group, fields};
pub use markdown::markdown;
pub use schema::schema;

#[cfg(test)]
mod tests;
