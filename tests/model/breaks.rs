//! Rules that a run can be made to break, so that it is seen that the model can fail.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Break {
    /// None: the protocol as it is.
    #[default]
    Nothing,
    /// What was registered between the look and the copy is not looked at.
    LooksAtNothingBetween,
    /// The original is not looked at again after the copy is there.
    LooksAtNoOriginal,
    /// The exemption is not read again.
    LooksAtNoExemption,
    /// The record is not read again, so what another run has come to is not known.
    LooksAtNoRecord,
    /// A copy is registered whatever came after the original.
    IgnoresWhatIsNext,
    /// A copy that people took back is made again.
    ForgetsANo,
    /// The original is registered, and not its copy.
    KeepsPrivilege,
    /// What came between is deregistered, and not the copy.
    TakesTheOtherAway,
    /// No exemption is ever read.
    KnowsNoExemption,
    /// A copy that a run before has made is looked at for ever.
    NeverFinishes,
    TellsNobody,
    /// What a run that died has left is left.
    LeavesStrays,
    BacksNothingUp,
    /// A copy is deregistered, and that it must go is not written down before.
    WithdrawsUnsaid,
    /// Records are written without a condition.
    OverwritesRecords,
    /// The record is written before the alert is published.
    TellsLast,
    /// The exemption is read before what the record names is looked for.
    ReadsTheExemptionEarly,
    /// A copy that its own record names counts, although another run has withdrawn it.
    TrustsItsOwnRecord,
    /// After a lost answer nobody looks beyond what is listed.
    ForgetsALostAnswer,
    /// Backout writes no exemption.
    ExemptsNothing,
    /// Backout writes its exemption over whatever is there.
    OverwritesExemptions,
    /// Backout writes into no record that it began.
    BeginsUnsaid,
    /// Backout deregisters the copy before the original is back.
    BringsBackLast,
}
