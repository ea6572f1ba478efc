//! What sessions and devices were at a moment.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::engine::{Difference, SnapshotInfo};
use crate::hidden::Hidden;

/// What to keep a session under.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Save {
    /// Its name: 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'.
    pub(in super::super) name: String,
    /// Whether one of this name is replaced; it is an error otherwise.
    #[serde(default)]
    pub(in super::super) replace: bool,
}

/// What a session was at a moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct SnapshotView {
    snapshot: String,
    /// In Unix seconds of the session.
    taken_at: u64,
    /// Their names.
    devices: Vec<String>,
    /// The names of those that could not be read then: nothing of them is kept, and they are left as they are.
    damaged: Vec<String>,
}

impl From<SnapshotInfo> for SnapshotView {
    fn from(info: SnapshotInfo) -> Self {
        let SnapshotInfo { name, taken_at, devices, damaged } = info;
        Self { snapshot: name, taken_at, devices, damaged }
    }
}

/// The snapshots of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct SnapshotList {
    pub(in super::super) snapshots: Vec<SnapshotView>,
}

/// The snapshot of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the description of the API")]
pub(in super::super) struct SnapshotPath {
    /// The name of the session.
    session: String,
    /// The name of the snapshot.
    snapshot: String,
}

/// With what to compare.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct With {
    /// Another snapshot; what the session is now if it is left out.
    pub(in super::super) with: Option<String>,
}

/// In what a device, or the session, is another one.
#[derive(Debug, Serialize, ToSchema)]
struct DifferenceView {
    /// Its name; none of the session's time.
    device: Option<String>,
    /// device, token, network, clock, holder or watched.
    what: &'static str,
    before: String,
    after: String,
}

/// In what a session is another one.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct DifferenceList {
    differences: Vec<DifferenceView>,
}

impl DifferenceList {
    pub(in super::super) fn of(found: Vec<Difference>) -> Self {
        let view = |Difference { device, what, before, after }| DifferenceView { device, what, before, after };
        Self { differences: found.into_iter().map(view).collect() }
    }
}

/// What to call a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct NewName {
    /// 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'.
    pub(in super::super) name: String,
}

/// How to export a device.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(in super::super) struct Export {
    /// What the file is sealed with, 8 bytes or more.
    #[schema(value_type = Option<String>)]
    pub(in super::super) passphrase: Option<Hidden>,
    /// Whether it is not: whoever can read the file has the device's tokens and its holder's PINs.
    pub(in super::super) insecure_plain: bool,
}

/// An exported device.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct Exported {
    /// What to write to a file, as it is.
    #[schema(value_type = String)]
    pub(in super::super) file: Hidden,
}

/// A device to import.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Import {
    /// What is in the file.
    #[schema(value_type = String)]
    pub(in super::super) file: Hidden,
    /// What it is sealed with.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(in super::super) passphrase: Option<Hidden>,
    /// What to call the device; what it was called if this is left out.
    #[serde(default)]
    pub(in super::super) name: Option<String>,
}
