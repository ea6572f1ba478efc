//! Steps of another file: `include: enroll.yaml`, or with names that it has, `include: {file: enroll.yaml, vars: {who: bob}}`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::step::Known;
use crate::document::{self, DocumentError, Node};
use crate::scenario::{Vars, Verb, vars};

/// The version of the form of such a file.
const VERSION: u64 = 1;
/// The fields of such a file.
pub(in crate::scenario) const PART: &[&str] = &["cardea-steps", "about", "vars", "steps"];
/// The fields of an inclusion.
pub(in crate::scenario) const INCLUDE: &[&str] = &["file", "vars"];
/// How deep files may include each other.
const DEEPEST: usize = 8;

/// Where files are looked for that are included, and which are being read.
#[derive(Debug, Clone, Default)]
pub(in crate::scenario) struct Files {
    /// The folder of the scenario; none if it is in no file.
    folder: Option<PathBuf>,
    /// The files in which it is by now, the outermost first.
    open: Vec<PathBuf>,
}

impl Files {
    /// Those beside the file of a scenario, and below.
    pub(in crate::scenario) fn beside(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: Some(folder.to_owned()), open: Vec::new() }
    }

    /// Finds a file, and says where files are that are included by it.
    fn find(&self, name: &str) -> Result<(PathBuf, Self), String> {
        let folder = self.folder.as_ref().ok_or("only a scenario in a file can include another one")?;
        let path = Path::new(name);
        if path.as_os_str().is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(format!("`{name}` is not beside the scenario or below: name it from there, without .."));
        }
        let real = |path: &Path| {
            let found = fs::canonicalize(path);
            found.map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        let (inside, found) = (real(folder)?, real(&folder.join(path))?);
        if !found.starts_with(&inside) {
            return Err(format!("`{name}` leads out of the folder of the scenario: put it in there"));
        }
        if self.open.contains(&found) {
            return Err(format!("`{name}` includes itself, at once or by others"));
        }
        if self.open.len() == DEEPEST {
            return Err(format!("files include each other more than {DEEPEST} deep"));
        }
        let open = self.open.iter().cloned().chain([found.clone()]).collect();
        Ok((found, Self { folder: self.folder.clone(), open }))
    }
}

impl Known<'_> {
    pub(super) fn include(&self, node: &Node) -> Result<Verb, DocumentError> {
        let (file, given) = match node.text() {
            Ok(_) => (node, Vars::new()),
            Err(_) => {
                let fields = node.fields(INCLUDE)?;
                (fields.need("file")?, fields.read("vars", vars::given)?.unwrap_or_default())
            }
        };
        let name = file.text()?;
        let (path, files) = self.files.find(name).map_err(|problem| file.error(problem))?;
        let longest = fs::metadata(&path).map_or(0, |data| data.len());
        if longest > document::LONGEST as u64 {
            return Err(file.error(format!("the file is longer than {} bytes", document::LONGEST)));
        }
        let text = fs::read_to_string(&path).map_err(|error| file.error(format!("cannot read {name}: {error}")))?;
        let within = |error: DocumentError| file.error(format!("in {name}, {error}"));
        let steps = self.part(&text, &given, &files).map_err(within)?;
        Ok(Verb::Include { file: name.to_owned(), steps })
    }

    /// The steps of such a file.
    fn part(&self, text: &str, given: &Vars, files: &Files) -> Result<Vec<crate::scenario::Step>, DocumentError> {
        let mut document = document::read(text)?;
        vars::fill(&mut document, given)?;
        let fields = document.fields(PART)?;
        let version = fields.need("cardea-steps")?;
        if version.number()? != VERSION {
            return Err(version.error(format!("this program reads version {VERSION} of steps")));
        }
        self.within(files).steps(fields.need("steps")?)
    }
}
