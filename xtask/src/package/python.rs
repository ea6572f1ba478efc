//! The wheel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::report::Outcome;
use crate::workspace::Workspace;
use crate::{library, process};

/// Where the package is.
pub(crate) const SOURCE: &str = "ffi/bindings/python";
/// Tries an installed package, without a server.
const SMOKE: &str = "
import asyncio, importlib.metadata, importlib.resources, cardea

async def main():
    for _ in range(2):
        async with cardea.open_wallet('wallet') as wallet:
            assert await wallet.tokens() == []

asyncio.run(main())
try:
    cardea.Invitation.from_text('none')
except cardea.InvitationRejected as error:
    assert error.code == 111
# What only a library with all features has.
cardea.RelyingParty('https://id.example', 's', 'k'), cardea.os_keyring('dev.example')
assert hasattr(cardea._ffi.Invitation, 'from_qr_image') and hasattr(cardea._ffi.Invitation, 'from_code')
assert importlib.resources.files('cardea').joinpath('py.typed').is_file()
assert importlib.metadata.version('cardea') == cardea.__version__
print('works')
";
/// A program that uses the package rightly, as types go.
const RIGHT: &str = "
import cardea

async def remaining(link: str, kept: str) -> int | None:
    async with cardea.open_wallet('wallet', secrets=cardea.os_keyring('dev.example')) as wallet:
        token = (await wallet.enroll(link, bytearray(b'274951'))).token
        status = await token.open(cardea.ASK, seconds=8)
        if cardea.verify_receipt(kept, deed=cardea.Deed.OPENED).at > status.server_time:
            return None
        async for event in wallet.events():
            if event.kind is cardea.EventKind.CLOSED:
                break
        return status.remaining_seconds

async def door(party: cardea.RelyingParty, user: str) -> bool:
    return await party.is_open(user) and await party.status(user) is cardea.TokenStatus.OPEN
";
/// The same, wrongly in each of its last four lines.
const WRONG: &str = "
import cardea
async def wrong(token: cardea.Token) -> None:
    await token.open('274951')
    (await token.status()).nothing
    cardea.verify_receipt(b'{}')
    answer: bool = cardea.RelyingParty('https://id.example', 's', 'k').is_open('user')
";

/// Builds the wheel as it ships, installs it into a fresh environment, and tries it.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    let wheel = build(workspace, "wheels", None)?;
    try_out(workspace, &wheel)?;
    Outcome::passed(format!("{}, {} bytes", name(&wheel), fs::metadata(&wheel)?.len()))
}

/// The same with the library as it was built for tests: all but the compiler, which takes minutes for what ships.
pub(crate) fn rehearse(workspace: &Workspace) -> Result<()> {
    let wheel = build(workspace, "rehearsed", Some(&stand_in(workspace)?))?;
    try_out(workspace, &wheel)
}

fn name(wheel: &Path) -> String {
    wheel.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Makes the wheel in a folder of this name; `cargo` is in a folder that comes first where programs are looked for.
fn build(workspace: &Workspace, folder: &str, cargo: Option<&Path>) -> Result<PathBuf> {
    let tools = environment(workspace)?;
    let wheels = workspace.target().join("python").join(folder);
    // One of an older build must not be taken for this one.
    let _ = fs::remove_dir_all(&wheels);
    let mut build = Command::new(tools.join("maturin"));
    build.current_dir(workspace.root.join(SOURCE)).args(["build", "--locked", "--out"]).arg(&wheels);
    // As everywhere where the library is built as it ships.
    build.arg("--config").arg(workspace.root.join(library::FLAGS));
    let generator = generator(workspace)?;
    build.env("PATH", search_path(cargo.into_iter().chain([generator.as_path()]))?);
    if let Some(folder) = cargo {
        build.env("CARGO", folder.join("cargo"));
    }
    process::logged(&mut build, &workspace.log("package-python"))?;
    let found: Vec<_> = fs::read_dir(&wheels).context("maturin left nothing")?.filter_map(Result::ok).collect();
    let [wheel] = &found[..] else { bail!("maturin left {} files and not one wheel", found.len()) };
    Ok(wheel.path())
}

/// Installs the wheel into a fresh environment, runs something there, and has types checked against what was installed.
fn try_out(workspace: &Workspace, wheel: &Path) -> Result<()> {
    let fresh = workspace.target().join("python/fresh");
    let _ = fs::remove_dir_all(&fresh);
    venv(&fresh, &workspace.log("package-python-venv"))?;
    let python = fresh.join("bin/python");
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]).arg(wheel);
    process::logged(&mut install, &workspace.log("package-python-install"))?;
    let mut smoke = Command::new(&python);
    smoke.current_dir(&fresh).args(["-I", "-c", SMOKE]);
    let said = process::logged(&mut smoke, &workspace.log("package-python-smoke"))?;
    if said.trim() != "works" {
        bail!("the installed package said: {said}");
    }
    let right = types(workspace, &fresh, RIGHT)?;
    if !right.is_empty() {
        bail!("mypy does not understand what was installed:\n{right}");
    }
    let wrong = types(workspace, &fresh, WRONG)?;
    let lines = ["wrong.py:4:", "wrong.py:5:", "wrong.py:6:", "wrong.py:7:"];
    if !lines.iter().all(|line| wrong.contains(line)) {
        bail!("mypy does not see the types of what was installed:\n{wrong}");
    }
    Ok(())
}

/// What mypy says about a program that uses the package in the environment.
fn types(workspace: &Workspace, fresh: &Path, program: &str) -> Result<String> {
    let file = fresh.join("wrong.py");
    fs::write(&file, program)?;
    let mut mypy = Command::new(environment(workspace)?.join("mypy"));
    mypy.current_dir(fresh).args(["--strict", "--no-error-summary", "--config-file", "", "--cache-dir"]);
    mypy.arg(workspace.target().join("python/mypy-installed")).arg("--python-executable").arg(fresh.join("bin/python"));
    Ok(process::logged_any(mypy.arg("wrong.py"), &workspace.log("package-python-types"))?.1)
}

/// A folder with a `cargo` that has built the library already: it says where the one for tests is, as cargo says it.
fn stand_in(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target().join("python/stand-in");
    fs::create_dir_all(&folder)?;
    let mut built = process::cargo(&workspace.root);
    built.args(["build", "--quiet", "--locked", "--workspace", "--all-targets", "--message-format", "json"]);
    let said = process::output(&mut built)?;
    let is_library = |line: &&str| line.contains("\"name\":\"cardea_ffi\"") && line.contains("\"test\":false");
    let said: Vec<&str> = said.lines().filter(is_library).collect();
    if said.is_empty() {
        bail!("cargo did not say where the library is");
    }
    let messages = folder.join("messages.json");
    fs::write(&messages, said.join("\n") + "\n")?;
    let real = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in rustc) exec cat '{}';; *) exec '{}' \"$@\";; esac\n",
        messages.display(),
        real.to_string_lossy()
    );
    let program = folder.join("cargo");
    fs::write(&program, script)?;
    make_executable(&program)?;
    Ok(folder)
}

#[cfg(unix)]
fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(program, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    bail!("the rehearsal of the package needs a shell")
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
    let wanted = workspace.root.join(SOURCE).join("requirements-dev.txt");
    environment_in(&workspace.target().join("python/venv"), &wanted, &workspace.log("python-venv"))
}

/// The same in `folder`, with what the file `wanted` lists.
pub(crate) fn environment_in(folder: &Path, wanted: &Path, log: &Path) -> Result<PathBuf> {
    let wanted_text = fs::read_to_string(wanted).context("the list of what the package's development takes")?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted_text) {
        return Ok(folder.join("bin"));
    }
    venv(folder, log)?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(wanted);
    process::logged(&mut install, log)?;
    fs::write(installed, wanted_text)?;
    Ok(folder.join("bin"))
}

fn venv(folder: &Path, log: &Path) -> Result<()> {
    let mut command = Command::new("python3");
    command.args(["-m", "venv", "--clear"]).arg(folder);
    process::logged(&mut command, log).map(drop)
}

fn search_path<'a>(first: impl Iterator<Item = &'a Path>) -> Result<std::ffi::OsString> {
    let others = std::env::var_os("PATH").unwrap_or_default();
    Ok(std::env::join_paths(first.map(Path::to_owned).chain(std::env::split_paths(&others)))?)
}
