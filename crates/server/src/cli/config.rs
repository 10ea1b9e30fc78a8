//! `config check|print`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Failure;
use crate::config::{Config, annotated_sample};

/// The configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a config file and the environment; says every fault with its key.
    Check {
        /// The file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the annotated sample: every key with its meaning and default.
    Print,
}

impl ConfigCommand {
    pub fn run(self) -> Result<(), Failure> {
        match self {
            ConfigCommand::Check { config } => {
                Config::load(config.as_deref())?;
                println!("The configuration is good.");
            }
            ConfigCommand::Print => print!("{}", annotated_sample()),
        }
        Ok(())
    }
}
