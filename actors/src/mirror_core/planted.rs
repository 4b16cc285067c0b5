//! Bugs that a tired person could write, planted in the rules by name, to see whether the simulation finds them. Outside tests
//! and the simulation's own build none is there, and asking costs nothing.

/// One of them.
#[cfg_attr(not(any(test, feature = "simulation")), allow(unreachable_pub))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Every attempt of a create has a nonce of its own.
    NoncePerAttempt,
    /// A nonce is trusted for ever.
    TrustForEver,
    /// What the channel does not hold a moment after a lost create will never be there.
    NoSettling,
    /// Earlier lives had nothing under way.
    NoInheritedDoubt,
    /// A row that was read before what was recorded meanwhile is believed.
    StaleRows,
    /// Messages appear as soon as they can.
    CreatesOutOfTurn,
    /// What is wanted while the table is read is forgotten.
    WantedWhileReading,
    /// Other messages appear while one is in doubt.
    DoubtNotExclusive,
    /// The first page of the channel is all of it.
    FirstPageOnly,
    /// A part that is posted again after it was taken away has the nonce it had.
    RemovalsNotCounted,
    /// Removals count on after a complete delivery.
    RemovalsKept,
    /// An earlier life can have posted only what is wanted now.
    NoEarlierPayloads,
    /// What this life sent before a change is not recognised.
    NoSentPayloads,
    /// The next request goes out before the last one is on record.
    RecordNotAwaited,
    /// A refusal ends a delivery although an attempt before it may have succeeded.
    DeadInDoubt,
    /// What stands although it was deleted meanwhile is left.
    CancelledInDoubt,
    /// An older edit that arrives late stays.
    NoEditRepeated,
    /// The older of two revisions is what is wanted.
    OlderRevisionWins,
    /// What Discord says of its limits is not listened to.
    LimitsIgnored,
    /// A refused target is never tried again.
    ParkedForEver,
    /// The word of a commit posts what its row had posted already.
    PostedFromRowAndWord,
    /// A lost answer to an edit leaves on record what stood before.
    LostEditForgotten,
}

#[cfg(any(test, feature = "simulation"))]
impl Bug {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::NoncePerAttempt,
        Self::TrustForEver,
        Self::NoSettling,
        Self::NoInheritedDoubt,
        Self::StaleRows,
        Self::CreatesOutOfTurn,
        Self::WantedWhileReading,
        Self::DoubtNotExclusive,
        Self::FirstPageOnly,
        Self::RemovalsNotCounted,
        Self::RemovalsKept,
        Self::NoEarlierPayloads,
        Self::NoSentPayloads,
        Self::RecordNotAwaited,
        Self::DeadInDoubt,
        Self::CancelledInDoubt,
        Self::NoEditRepeated,
        Self::OlderRevisionWins,
        Self::LimitsIgnored,
        Self::ParkedForEver,
        Self::PostedFromRowAndWord,
        Self::LostEditForgotten,
    ];
}

#[cfg(any(test, feature = "simulation"))]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants it in every core of this thread from now on; `None` takes it out.
#[cfg(any(test, feature = "simulation"))]
pub(super) fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether it is there.
#[cfg(any(test, feature = "simulation"))]
pub(super) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// None is.
#[cfg(not(any(test, feature = "simulation")))]
pub(super) const fn planted(_: Bug) -> bool {
    false
}
