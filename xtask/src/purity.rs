//! `cargo xtask purity`: what the core must not know.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::tools::{cargo, output, root};

/// The core may depend on none of these, nor on a crate whose name begins with one and a dash.
const FOREIGN: [&str; 6] = ["actix", "axum", "hyper", "tokio", "tower", "warp"];

/// What reads the clock, and the only file of the core that may.
const READS_CLOCK: &str = "Instant::now";
const CLOCK: &str = "clock.rs";

/// Fails with everything that breaks a rule.
pub(crate) fn check() -> Result<()> {
    let tree = output(&mut cargo([
        "tree",
        "--package=socketio-core",
        "--all-features",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let source = root().join("socketio-core").join("src");
    let mut wrong = foreign_crates(&tree);
    for file in rust_files(&source)? {
        if file != source.join(CLOCK) {
            wrong.extend(clock_reads(&file)?);
        }
    }
    ensure!(wrong.is_empty(), "the core is not pure:\n  {}", wrong.join("\n  "));
    println!("the core is pure");
    Ok(())
}

fn foreign_crates(tree: &str) -> Vec<String> {
    let mut names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| foreign(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| format!("it depends on {name}")).collect()
}

fn foreign(name: &str) -> bool {
    FOREIGN.iter().any(|word| {
        name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// The lines that read the clock. Comments may name it: examples in the docs do.
fn clock_reads(file: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let shown = file.strip_prefix(root()).unwrap_or(file).display();
    Ok(text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(READS_CLOCK) && !line.trim_start().starts_with("//"))
        .map(|(index, _)| format!("{shown}:{} calls {READS_CLOCK}", index + 1))
        .collect())
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_crate_is_one_of_the_names_or_a_part_of_its_family() {
        let tree =
            "socketio-core v0.1.0\nbytes v1.0.0\ntokio-util v0.7.0\nhyper v1.0.0\nhyper v1.0.0 (*)";
        assert_eq!(foreign_crates(tree), ["it depends on hyper", "it depends on tokio-util"]);
        assert!(!foreign("warped"));
    }
}
