//! The programs that the chores call, and where things are.

use std::{
    env::{self, consts::EXE_SUFFIX},
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

/// The oldest Node that the tests run on.
const NODE: u32 = 20;

/// The oldest Python that the tests run on.
const PYTHON: (u32, u32) = (3, 11);

/// What browsers based on Chromium are called.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Something that this machine lacks, with a word on how to get it.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Makes sure of Node and npm.
pub(crate) fn node() -> Result<()> {
    if find("node").is_none() || find("npm").is_none() {
        install(&["nodejs", "npm"])?;
    }
    if find("node").is_none() || find("npm").is_none() {
        let text = format!("Node {NODE} or newer and its npm are missing: see nodejs.org");
        return Err(Missing(text).into());
    }
    let version = output(Command::new("node").arg("--version"))?;
    let version = version.trim().trim_start_matches('v');
    let major = version.split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < NODE) {
        let text = format!("Node {version} is too old: {NODE} or newer is needed, see nodejs.org");
        return Err(Missing(text).into());
    }
    Ok(())
}

/// Makes sure of a Python with the packages that a list asks for, in a virtual environment in the
/// build folder.
pub(crate) fn python(requirements: &Path) -> Result<PathBuf> {
    // Debian has these apart from the rest.
    let is_whole =
        || output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok();
    if !is_whole() {
        install(&["python3", "python3-venv"])?;
    }
    let (major, minor) = PYTHON;
    let is_new = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    if !is_whole() || output(Command::new("python3").args(["-c", &is_new])).is_err() {
        let text =
            format!("Python {major}.{minor} or newer and its venv are missing: see python.org");
        return Err(Missing(text).into());
    }
    let folder = target()?.join("python");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted =
        fs::read(requirements).with_context(|| format!("reading {}", requirements.display()))?;
    let installed = folder.join("requirements.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("writing {}", installed.display()))?;
    Ok(python)
}

/// Makes sure of Chromium: the one that `CHROMIUM` names, or else one of the usual ones.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").map(PathBuf::from) {
        ensure!(path.is_file(), "CHROMIUM is {}, which is no file", path.display());
        return Ok(path);
    }
    let installed = || BROWSERS.iter().find_map(|name| find(name));
    if let Some(path) = installed() {
        return Ok(path);
    }
    install(&["chromium"])?;
    let text = "Chromium is missing: install it, or set CHROMIUM to the path of a browser like it";
    installed().ok_or_else(|| Missing(text.into()).into())
}

/// Makes sure of valgrind.
pub(crate) fn valgrind() -> Result<PathBuf> {
    if find("valgrind").is_none() {
        install(&["valgrind"])?;
    }
    find("valgrind").ok_or_else(|| Missing("valgrind is missing: install it".into()).into())
}

/// Makes sure of Redis.
pub(crate) fn redis() -> Result<PathBuf> {
    if find("redis-server").is_none() {
        install(&["redis-server"])?;
    }
    let text = "redis-server is missing: install Redis 7 or newer";
    find("redis-server").ok_or_else(|| Missing(text.into()).into())
}

/// Makes sure of NATS.
pub(crate) fn nats() -> Result<PathBuf> {
    if find("nats-server").is_none() {
        install(&["nats-server"])?;
    }
    let text = "nats-server is missing: install it";
    find("nats-server").ok_or_else(|| Missing(text.into()).into())
}

/// Makes sure of the load balancers for which there are configurations.
pub(crate) fn balancers() -> Result<()> {
    for name in ["haproxy", "nginx"] {
        if find(name).is_none() {
            install(&[name])?;
        }
        find(name).ok_or_else(|| Missing(format!("{name} is missing: install it")))?;
    }
    Ok(())
}

/// Makes sure of what a crate needs that brings its own TLS.
pub(crate) fn openssl() -> Result<()> {
    let is_there = || output(Command::new("pkg-config").args(["--exists", "openssl"])).is_ok();
    // Elsewhere TLS is a part of the system.
    if !cfg!(target_os = "linux") || is_there() {
        return Ok(());
    }
    install(&["libssl-dev", "pkg-config"])?;
    let text = "the headers of OpenSSL are missing: install libssl-dev and pkg-config";
    if is_there() { Ok(()) } else { Err(Missing(text.into()).into()) }
}

/// With `CI` set, as root and where there is apt, installs packages. Elsewhere does nothing.
fn install(packages: &[&str]) -> Result<()> {
    if !is_ci() || find("apt-get").is_none() || output(Command::new("id").arg("-u"))?.trim() != "0"
    {
        return Ok(());
    }
    run(Command::new("apt-get").arg("update"))?;
    run(Command::new("apt-get")
        .args(["install", "--yes"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Whether this is an automatic run, where nothing may be skipped.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// `npm ci` in `folder`, unless what is installed there is as new as the lock file.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    let modified = |path: &str| fs::metadata(folder.join(path)).and_then(|file| file.modified());
    let wanted = modified("package-lock.json")
        .with_context(|| format!("reading package-lock.json in {}", folder.display()))?;
    if modified("node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    run(&mut npm(folder, ["ci"]))
}

/// npm in `folder`.
pub(crate) fn npm<const N: usize>(folder: &Path, args: [&str; N]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(folder).args(args);
    command
}

/// The cargo that runs this, at the root of the workspace.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    command
}

/// Runs a command in the open.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command.status().with_context(|| format!("starting {shown}"))?;
    ensure!(status.success(), "{shown}: {status}");
    Ok(())
}

/// Runs a command for what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what {shown} prints"))
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or_default();
    let words: Vec<_> =
        [program].into_iter().chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    words.join(" ")
}

/// The path of a program by its name.
fn find(name: &str) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    let path = env::var_os("PATH")?;
    // Debian has servers in a folder that is on the path of root alone.
    env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .flat_map(|folder| endings.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
        .find(|path| path.is_file())
}

/// Where the binaries of the workspace are: beside this one, as it is built with the same profile.
pub(crate) fn binaries() -> Result<PathBuf> {
    let this = env::current_exe().context("finding the folder of the binaries")?;
    Ok(this.parent().context("finding the folder of the binaries")?.to_owned())
}

/// The build folder.
pub(crate) fn target() -> Result<PathBuf> {
    let binaries = binaries()?;
    Ok(binaries.parent().context("finding the build folder")?.to_owned())
}

/// A binary of the workspace that has been built with the same profile as this one.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    existing(&binaries()?, name)
}

/// Where measurements go: the folder that was named, or `bench` in the build folder.
pub(crate) fn measurements(named: Option<&Path>) -> Result<PathBuf> {
    match named {
        // Commands run elsewhere.
        Some(folder) => Ok(env::current_dir()?.join(folder)),
        None => Ok(target()?.join("bench")),
    }
}

/// Builds a binary of the workspace with a profile other than `dev`.
pub(crate) fn build(profile: &str, package: &str, name: &str) -> Result<PathBuf> {
    run(&mut cargo(["build", "--profile", profile, "--package", package, "--bin", name]))?;
    existing(&target()?.join(profile), name)
}

fn existing(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(format!("{name}{EXE_SUFFIX}"));
    ensure!(path.is_file(), "{} has not been built", path.display());
    Ok(path)
}

/// Where the examples are.
pub(crate) fn examples() -> PathBuf {
    root().join("examples")
}

/// Where the tests of the examples and the packages of their pages are.
pub(crate) fn examples_tests() -> PathBuf {
    examples().join("tests")
}

/// The files of the official browser client.
pub(crate) fn client_files() -> PathBuf {
    examples_tests().join("node_modules").join("socket.io-client").join("dist")
}

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
