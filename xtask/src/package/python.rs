//! The wheel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Where the package is.
pub(crate) const SOURCE: &str = "ffi/bindings/python";
/// Tries an installed package, without a server.
const SMOKE: &str = "
import asyncio, importlib.metadata, importlib.resources, cardea

async def main():
    async with cardea.open_wallet() as wallet:
        assert await wallet.tokens() == []

asyncio.run(main())
try:
    cardea.Invitation.from_text('none')
except cardea.InvitationRejected as error:
    assert error.code == 111
assert importlib.resources.files('cardea').joinpath('py.typed').is_file()
assert importlib.metadata.version('cardea') == cardea.__version__
print('works')
";

/// Builds the wheel, installs it into a fresh environment, and tries it.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    let tools = environment(workspace)?;
    let wheels = workspace.target().join("python/wheels");
    // One of an older build must not be taken for this one.
    let _ = fs::remove_dir_all(&wheels);
    let mut build = Command::new(tools.join("maturin"));
    build.current_dir(workspace.root.join(SOURCE)).args(["build", "--locked", "--out"]).arg(&wheels);
    build.env("PATH", search_path(&generator(workspace)?)?);
    process::logged(&mut build, &workspace.log("package-python"))?;
    let mut found = fs::read_dir(&wheels).context("maturin left nothing")?.filter_map(Result::ok);
    let wheel = found.next().context("maturin left no wheel")?.path();

    let fresh = workspace.target().join("python/fresh");
    let _ = fs::remove_dir_all(&fresh);
    venv(&fresh, &workspace.log("package-python-venv"))?;
    let mut install = Command::new(fresh.join("bin/pip"));
    install.args(["install", "--quiet", "--no-index", "--no-deps"]).arg(&wheel);
    process::logged(&mut install, &workspace.log("package-python-install"))?;
    let mut smoke = Command::new(fresh.join("bin/python"));
    smoke.current_dir(&fresh).args(["-I", "-c", SMOKE]);
    let said = process::logged(&mut smoke, &workspace.log("package-python-smoke"))?;
    if said.trim() != "works" {
        bail!("the installed package said: {said}");
    }
    let name = wheel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Outcome::passed(format!("{name}, {} bytes", fs::metadata(&wheel)?.len()))
}

/// The folder with the generator of bindings, which maturin knows by this name only.
fn generator(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = process::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "-p", "cardea-bindgen"]);
    process::logged(&mut build, &workspace.log("package-python-bindgen"))?;
    let folder = workspace.target().join("python/generator");
    fs::create_dir_all(&folder)?;
    let name = format!("uniffi-bindgen{}", std::env::consts::EXE_SUFFIX);
    fs::copy(workspace.program("cardea-bindgen"), folder.join(name)).context("cannot copy the generator")?;
    Ok(folder)
}

/// The folder of the programs that the package's own development takes, which are installed if they are not there.
pub(crate) fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("python/venv");
    let wanted = workspace.root.join(SOURCE).join("requirements-dev.txt");
    let wanted_text = fs::read_to_string(&wanted).context("the list of what the package's development takes")?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted_text) {
        return Ok(folder.join("bin"));
    }
    let log = workspace.log("python-venv");
    venv(&folder, &log)?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted);
    process::logged(&mut install, &log)?;
    fs::write(installed, wanted_text)?;
    Ok(folder.join("bin"))
}

fn venv(folder: &Path, log: &Path) -> Result<()> {
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--clear"]).arg(folder);
    process::logged(&mut command, log).map(drop)
}

fn search_path(first: &Path) -> Result<std::ffi::OsString> {
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(std::iter::once(first.to_owned()).chain(std::env::split_paths(&others)))?)
}
