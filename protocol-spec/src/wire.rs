//! Bytes on the wire: frames, cells, links, codes and key records (specification, chapters 2 to 4 and 8).
//!
//! Every type here has one valid encoding: whatever decodes encodes to the same bytes again. Nothing allocates and
//! nothing panics on any input.

mod cell;
mod code;
mod codec;
mod frame;
mod key_record;
mod large;
mod link;
mod payload;

pub use cell::{Op, REPLY_LEN, REQUEST_LEN, Reply, Request, Signer};
pub use code::{CodeError, TypedCode};
pub use codec::DecodeError;
pub(crate) use codec::{Reader, Writer};
pub(crate) use frame::REPLY_TYPE;
pub use frame::{
    COLD_REPLY_LEN, COLD_REQUEST_LEN, ColdRequest, ENROLL1_LEN, ENROLL2_LEN, ENROLL3_LEN, ENROLL4_LEN, EnrollRequest,
    FirstFrame, Frame, Kind, LARGE_FRAME_LEN, LENGTH_PREFIX, PLAIN_LEN, PlainFrame, RESYNC1_LEN, RESYNC2_LEN,
    ResyncRequest, WARM_REPLY_LEN, WARM_REQUEST_LEN, prologue,
};
pub use key_record::{KEY_RECORD_LEN, KeyRecord};
pub use large::{
    Attempt, DeviceEntry, Devices, Eval, History, HistoryEntry, Info, KeyRecords, LARGE_LEN, LargeReply, LargeRequest,
    PinEntry, Push, PushedConfirmation, ReceiptEntry, RevokeDevice, Rotate, SetPins, Text, is_showable,
};
pub use link::{Host, LINK_TEXT_MAX, Link, LinkError};
pub use payload::{EnrollmentKeys, EnrollmentOffer, ResyncAsked, ResyncSaid};
