//! `digitstack bench net`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args;

use super::{
    super::{
        failure::UsageError,
        options::{MAX_BATCH, count, seconds},
        session::Session,
    },
    net::NetResult,
};
use crate::fit::Cancel;

/// Training and prediction speed of a net of a configuration, at its own batch size
#[derive(Args, Debug)]
pub(super) struct MemberBench {
    /// Name of the net: a member of the configuration
    model: String,
    /// TOML file or shipped configuration such as families/keras8 [default: the built-in quickstart]
    config: Option<PathBuf>,
    /// Number of images in a batch, at most 16384 [default: the member's]
    #[arg(long, value_name = "N", value_parser = count::<MAX_BATCH>)]
    batch: Option<NonZeroUsize>,
    /// Seconds to measure training and prediction for, each after a warm-up
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    seconds: f64,
}

impl MemberBench {
    pub(super) fn execute(&self, session: &Session) -> anyhow::Result<()> {
        let config = session.run_config(self.config.as_deref())?;
        let members = &config.experiment.members;
        let nets = members.iter().filter_map(|member| member.net().map(|net| (member, net)));
        let Some((member, net)) = nets.into_iter().find(|(member, _)| member.name() == self.model) else {
            let nets: Vec<&str> =
                members.iter().filter(|member| member.net().is_some()).map(|member| member.name()).collect();
            let available = if nets.is_empty() { "none".to_owned() } else { nets.join(", ") };
            let (model, name) = (&self.model, &config.experiment.name);
            return Err(UsageError(format!("`{model}` is no net of {name}; nets: {available}")).into());
        };
        let resources = session.resources(Cancel::default())?;
        session.output.status(&format!(
            "{}: {}, on {}",
            member.name(),
            member.summary(),
            resources.device.description()
        ));
        let throughput = net.throughput(&resources.device, self.batch.map(NonZeroUsize::get), self.seconds)?;
        NetResult::new(member.name().to_owned(), &resources.device, throughput).print(&session.output)
    }
}
