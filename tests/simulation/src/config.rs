//! What is simulated: which dangers meet in a schedule, and which rules are broken on purpose.

mod confirmations;
mod table;

pub use table::CONFIGURATIONS;

/// One kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A holder asks for something.
    Ask,
    /// A device with something pending recovers, without being asked.
    Recover,
    /// A device sends the identical bytes again.
    Resend,
    /// A device gives up; its memory of the attempt is gone.
    GiveUp,
    /// A device restarts.
    Crash,
    /// A connection dies under a warm operation, and the device notices.
    Break,
    /// A frame that was sent lately reaches a server node.
    Deliver,
    /// Any frame ever sent reaches a server node.
    Replay,
    /// A node goes on with what it has in hand.
    Finish,
    /// A node dies and starts again.
    Kill,
    /// A reply reaches the device that waits for it.
    Reply,
    /// Any reply ever sent reaches a device.
    Misdirect,
    /// A forged plain frame reaches a device.
    Forge,
    /// A frame with a flipped bit reaches a node.
    FlipRequest,
    /// A reply with a flipped bit reaches a device.
    FlipReply,
    /// Time passes.
    Tick,
    /// A relying party checks the token.
    Check,
    /// An administrator closes, blocks, unblocks or clears duress.
    Administer,
    /// The server publishes a new static key.
    NewKey,
    /// The server erases its oldest static key.
    EraseKey,
    /// The operator takes a backup.
    Backup,
    /// The operator restores it, with the marker.
    Restore,
    /// Somebody copies a device's stored record.
    Copy,
    /// The holder of the copy acts.
    Thief,
    /// A new device enrolls, or goes on enrolling.
    Enroll,
    /// A relying party asks the holder to confirm a text.
    AskConfirmation,
    /// A relying party takes a confirmation back.
    CancelConfirmation,
    /// A relying party looks what has become of a confirmation.
    PollConfirmation,
    /// A device fetches the texts that wait.
    FetchConfirmations,
    /// An administrator revokes a device, unless it is the last one.
    RevokeDevice,
}

/// What a holder may want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Open with the right PIN.
    Open,
    /// Open with a wrong PIN.
    OpenWrong,
    /// Open with the duress PIN.
    OpenDuress,
    /// Close.
    Close,
    /// Hear the status.
    Status,
    /// Say hello.
    Ping,
    /// Change the PIN.
    SetPins,
    /// Change the device's static key.
    Rotate,
    /// Give the token up.
    Unenroll,
    /// Approve a text that was shown.
    Approve,
    /// Approve it with the duress PIN.
    ApproveDuress,
    /// Deny it.
    Deny,
}

/// Who copies records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thief {
    /// Nobody: whatever happens, no clone may be found.
    None,
    /// Somebody who runs the ordinary program on the copy.
    Truthful,
    /// Somebody who also lies about what is pending and declares what was sniffed.
    Lying,
}

/// A configuration.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Its name.
    pub name: &'static str,
    /// Fewest and most steps of a schedule.
    pub steps: (u32, u32),
    /// How often each kind of step is drawn, beside the everyday ones.
    pub weights: &'static [(Kind, u32)],
    /// What holders want, and how often.
    pub wants: &'static [(Want, u32)],
    /// Who copies records.
    pub thief: Thief,
    /// Whether nodes read and commit in separate steps.
    pub split: bool,
    /// Devices of the token.
    pub devices: usize,
    /// Whether an opening is good for one check only.
    pub single_use: bool,
    /// Whether the service is told of duress by a silent alarm only.
    pub silent: bool,
    /// Wrong PINs that block a device.
    pub tries: u8,
    /// How much the clock of the first device is ahead, in seconds.
    pub skew: i64,
    /// Most seconds of a step of time.
    pub tick: u32,
}

/// Rules that can be broken on purpose: each must be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Line 4 forgets the accepted bytes (reply and hash expire).
    ForgetAccepted,
    /// Line 5 forgets the declared attempt.
    ForgetDead,
    /// Line 8 takes the abandoned child for a good one.
    TrustAlternate,
    /// Line 9 does not know a RECOVER that was made again for a newer server key.
    NoRemade,
    /// Line 10 is missing: an honest fork looks like a clone.
    NoFork,
    /// Line 10 does not compare what is declared.
    AnyFork,
    /// Line 11 lets a second operation run on a used key.
    SecondOperation,
    /// Line 12 always says "never arrived".
    ForgetOutcome,
    /// Line 13 without the freshness of F6.
    NoFreshness,
    /// Line 13 without "close wins" of F7.
    NoCloseWins,
    /// Line 13 counts guesses by the statement alone.
    CountByStatement,
    /// Line 13 verifies before it counts.
    VerifyBeforeCount,
    /// Line 14 without compare-and-swap.
    NoCompareAndSwap,
    /// Line 14 in two transactions: the operation first, the ratchet later.
    TwoTransactions,
    /// Replies leave before the commit.
    ReplyBeforeCommit,
    /// Line 15 keeps the count of a good signature that lost the race.
    NoRefund,
    /// Warm operations are not fenced by the ratchet key.
    NoFence,
    /// Line 3 is missing: a restored row answers at once.
    NoMarkerGate,
    /// "Known" is looked at before the marker.
    KnownBeforeMarker,
    /// The marker is spent by the resync itself.
    MarkerSpentEarly,
    /// The marker is never spent.
    MarkerNeverSpent,
    /// Line 7 forgets that a device was suspended.
    ForgetSuspension,
    /// A confirm is answered and not committed.
    ConfirmNotCommitted,
    /// A restore closes nothing and forgets no time.
    RestoreKeepsOpen,
    /// RESYNC suspends without a live confirm.
    SuspendOnFirst,
    /// Two programs start from one stored record.
    NoLock,
    /// A RECOVER's seed is not stored.
    NoSeed,
    /// A request leaves before the record is stored.
    SendBeforeStore,
    /// A lost warm operation is simply sent again.
    BlindRetry,
    /// An answer is shown that the record does not hold, and the attempt is made anew.
    NewAttemptOnLoss,
    /// The device follows any genuine key record, older ones too.
    AnyKeyRecord,
    /// A duress PIN is taken for a normal one.
    DuressIsNormal,
    /// A single-use opening is not consumed.
    NoConsume,
    /// What was answered can be answered again.
    AnswerTwice,
    /// What has expired can be answered.
    AnswerLate,
    /// What was taken back can be answered.
    AnswerCancelled,
    /// An answer is not looked at again in its transaction.
    AnswerUnchecked,
    /// An approval under duress is one.
    ApproveUnderDuress,
    /// It does not matter which text was signed.
    AnyText,
    /// What waited when a backup was taken waits again once it is restored.
    RestoreKeepsWaiting,
    /// What waits is left to the other devices when one gives itself up.
    UnenrollKeepsWaiting,
    /// Line 7 forgets that a device was revoked.
    ForgetRevocation,
}

impl Mutation {
    /// Every one of them, with the configuration that shows it.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::ForgetAccepted, "expiry"),
        (Self::ForgetDead, "honest"),
        (Self::TrustAlternate, "clone"),
        (Self::NoRemade, "keys"),
        (Self::NoFork, "honest"),
        (Self::AnyFork, "clone"),
        (Self::SecondOperation, "cloneQ"),
        (Self::ForgetOutcome, "warm"),
        (Self::NoFreshness, "delay"),
        (Self::NoCloseWins, "multi"),
        (Self::CountByStatement, "nodesW"),
        (Self::VerifyBeforeCount, "nodesW"),
        (Self::NoCompareAndSwap, "nodes"),
        (Self::TwoTransactions, "nodes"),
        (Self::ReplyBeforeCommit, "nodes"),
        (Self::NoRefund, "nodes+"),
        (Self::NoFence, "warm"),
        (Self::NoMarkerGate, "restore"),
        (Self::KnownBeforeMarker, "restore3"),
        (Self::MarkerSpentEarly, "restore3"),
        (Self::MarkerNeverSpent, "restoreC"),
        (Self::ForgetSuspension, "restoreC"),
        (Self::ConfirmNotCommitted, "restore3"),
        (Self::RestoreKeepsOpen, "restore"),
        (Self::SuspendOnFirst, "unknown"),
        (Self::NoLock, "honest"),
        (Self::NoSeed, "honest"),
        (Self::SendBeforeStore, "honest"),
        (Self::BlindRetry, "warm"),
        (Self::NewAttemptOnLoss, "honest"),
        (Self::AnyKeyRecord, "keys"),
        (Self::DuressIsNormal, "duress"),
        (Self::NoConsume, "single"),
        (Self::AnswerTwice, "confirm"),
        (Self::AnswerLate, "confirm"),
        (Self::AnswerCancelled, "confirm"),
        (Self::AnswerUnchecked, "confirmN"),
        (Self::ApproveUnderDuress, "confirmD"),
        (Self::AnyText, "confirm"),
        (Self::RestoreKeepsWaiting, "confirmR"),
        (Self::UnenrollKeepsWaiting, "confirmD"),
        (Self::ForgetRevocation, "confirmD"),
    ];
}
