//! The one path from digits to a finished directory: for a stack, a single member, an imported net; and searches.
//!
//! ```text
//! digits → preprocessing → folds or hold-out → fits → meta-models, verdict → evaluation → files, report
//! ```
//!
//! [`run_stack`], [`train_member`] and [`Imported::save`] are one path with another
//! [`ArtifactKind`](crate::artifact::layout::ArtifactKind): a single member is a run of one member with a hold-out in
//! place of folds. An interrupted run continues where it stopped; a finished one answers only for the settings and the
//! data that it was made with. [`search`] looks for better settings; [`overfit()`] checks that nets can learn at all.

mod claim;
mod doubts;
mod evaluate;
mod fits;
mod import;
mod inputs;
mod overfit;
mod report;
mod run;
mod search;
mod stacked;
mod verdict;

pub use import::{Imported, config_of_weights};
pub use inputs::Inputs;
pub use overfit::{OVERFIT_SIZES, Overfit, Overfits, overfit};
pub use report::draw_report;
pub use run::{run_stack, train_member};
pub use search::search;
