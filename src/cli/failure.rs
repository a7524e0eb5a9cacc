//! Exit codes, and the errors that decide between them.

use crate::{artifact::RunFailure, config::ConfigError, data::DataError, storage::StorageError};

/// Exit code of success.
pub(super) const SUCCESS: u8 = 0;
/// Exit code of work that failed.
pub(super) const FAILURE: u8 = 1;
/// Exit code of wrong arguments or a wrong configuration: nothing was done.
pub(super) const USAGE: u8 = 2;

/// Arguments that parse but contradict each other, the configuration or the files that are there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// Text that `clap` has made for wrong arguments; it says `error:` itself.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct ParseError(pub(super) clap::Error);

/// Exit code of an error.
pub(super) fn exit_code(error: &anyhow::Error) -> u8 {
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<ConfigError>()
            || cause.is::<UsageError>()
            || cause.is::<ParseError>()
            || cause.downcast_ref::<RunFailure>().is_some_and(RunFailure::is_usage)
            || cause.downcast_ref::<DataError>().is_some_and(DataError::is_usage)
            || cause.downcast_ref::<StorageError>().is_some_and(StorageError::is_usage)
    };
    if error.chain().any(is_usage) { USAGE } else { FAILURE }
}
