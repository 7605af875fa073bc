//! `cargo xtask scale`: what a connection, an event and a delivery cost as the work grows.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::tools::{Missing, build, measurements, output};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The tables, as `bench/README.md` lists them; all by default.
    tables: Vec<String>,
    /// A folder for the tables as `scale.md`; `bench` in the build folder by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints the tables as Markdown, and writes them down.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Err(Missing("memory is measured on Linux only".into()).into());
    }
    let folder = measurements(options.out.as_deref())?;
    let program = build("release", "operations", "scale")?;
    let names = match options.tables.as_slice() {
        [] => output(&mut Command::new(&program))?.lines().map(str::to_owned).collect(),
        some => some.to_vec(),
    };
    let mut tables = Vec::new();
    for name in names {
        let table = output(Command::new(&program).arg(name))?;
        print!("\n{table}");
        tables.push(table);
    }
    let path = folder.join("scale.md");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(&path, tables.join("\n")).with_context(|| format!("writing {}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(())
}
