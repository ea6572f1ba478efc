//! Another revision of the project, unpacked and built below the folder for builds.

use std::cmp::Ordering;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::workspace::Workspace;

/// A revision with its files.
pub(super) struct Revision {
    /// Its whole name.
    pub(super) hash: String,
    /// Where its files are.
    pub(super) folder: PathBuf,
}

impl Revision {
    /// Puts the files of `name` where they are used from, unless they are there.
    pub(super) fn unpack(workspace: &Workspace, name: &str) -> Result<Self> {
        let commit = format!("{name}^{{commit}}");
        // `--` cannot be given to it: what begins with a hyphen is no revision anyway.
        let hash = git(workspace, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
            .with_context(|| format!("{name} is no revision of this project"))?
            .trim()
            .to_owned();
        let folder = below(workspace).join(&hash);
        if !folder.join("Cargo.toml").is_file() {
            fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
            let archive = folder.with_extension("tar");
            let mut pack = Command::new("git");
            pack.current_dir(&workspace.root).args(["archive", "--format=tar", "--output"]).arg(&archive).arg(&hash);
            process::output(&mut pack)?;
            process::output(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&folder))?;
            fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))?;
        }
        Ok(Self { hash, folder })
    }

    /// Builds its server.
    pub(super) fn build(&self, workspace: &Workspace) -> Result<()> {
        let mut build = process::cargo(&self.folder);
        build.args(["build", "--quiet", "--locked", "--workspace", "--bins", "--target-dir"]).arg(builds(workspace));
        process::logged(&mut build, &workspace.log("cross-version-build"))?;
        // The next revision is built in the same folder, because most of it is the same.
        let built = builds(workspace).join("debug").join(server_name());
        fs::copy(&built, self.server(workspace)).with_context(|| format!("{} was not built", built.display()))?;
        Ok(())
    }

    /// Its server's program.
    pub(super) fn server(&self, workspace: &Workspace) -> PathBuf {
        below(workspace).join(format!("{}-{}", self.hash, server_name()))
    }
}

/// Where other revisions are built.
pub(super) fn builds(workspace: &Workspace) -> PathBuf {
    below(workspace).join("builds")
}

fn below(workspace: &Workspace) -> PathBuf {
    workspace.target().join("cross-version")
}

fn server_name() -> String {
    format!("cardea-server{}", std::env::consts::EXE_SUFFIX)
}

/// The tags of releases, oldest first.
pub(super) fn releases(workspace: &Workspace) -> Result<Vec<String>> {
    let tags = git(workspace, &["tag", "--list", "v*"])?;
    let mut tags: Vec<String> = tags.lines().filter(|tag| version(tag).is_some()).map(str::to_owned).collect();
    tags.sort_by(|a, b| in_order(a, b));
    Ok(tags)
}

fn in_order(a: &str, b: &str) -> Ordering {
    version(a).cmp(&version(b))
}

/// The three numbers of `v1.2.3`. What has more behind them was no release.
fn version(tag: &str) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = tag.strip_prefix('v')?.split('.').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn git(workspace: &Workspace, arguments: &[&str]) -> Result<String> {
    process::output(Command::new("git").current_dir(&workspace.root).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_from_other_tags_and_come_in_order() {
        assert_eq!(version("v1.20.3"), Some([1, 20, 3]));
        for other in ["1.2.3", "v1.2", "v1.2.3-rc.1", "vectors", "v1.2.3.4"] {
            assert_eq!(version(other), None, "{other}");
        }
        let mut tags = ["v0.10.0", "v0.9.1", "v1.0.0", "v0.9.0"];
        tags.sort_by(|a, b| in_order(a, b));
        assert_eq!(tags, ["v0.9.0", "v0.9.1", "v0.10.0", "v1.0.0"]);
    }
}
