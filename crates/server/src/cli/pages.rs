//! `pages`: every page in every variation, as files.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::gallery;

/// Write every page in every variation, to look at them.
#[derive(Debug, Args)]
pub struct Pages {
    /// The folder to write into; it is made when it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Pages {
    pub fn run(self) -> Result<(), Failure> {
        let folder = self.out.display();
        let number =
            gallery::write(&self.out).map_err(|error| Failure(format!("cannot write into {folder}: {error}")))?;
        println!("{number} pages; open {folder}/index.html");
        Ok(())
    }
}
