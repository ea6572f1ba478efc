//! `terminal`.

use std::collections::BTreeMap;

use super::args::{Common, TerminalArguments};
use super::{CliError, output};
use crate::control::DeviceProfile;
use crate::face::How;
use crate::log::Log;
use crate::terminal::{self, Size};

/// Shows everything until somebody has seen enough; or prints one picture of it.
pub(super) fn run(
    common: Common,
    how: TerminalArguments,
    profiles: BTreeMap<String, DeviceProfile>,
    log: Log,
) -> Result<u8, CliError> {
    let device = common.device.clone();
    let emulator = How::said(common, how.face.gate(), profiles, log)?;
    if !how.once {
        return Ok(terminal::run(emulator, &device)?.exit());
    }
    let size = Size { width: how.width, height: how.height };
    output::line(terminal::once(emulator, &device, size)?.trim_end())?;
    Ok(crate::exit::DONE)
}
