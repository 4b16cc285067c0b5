//! Chance from a seed, and the climate of a run drawn from it: how often each kind of trouble comes. Some runs know hardly any
//! and go deep, some know one kind alone, most know several.

/// Numbers from a seed (xorshift*).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    /// From zero, below `bound`.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        (self.next() % bound.max(1) as u64) as i64
    }

    /// Never for zero.
    pub(super) fn one_in(&mut self, n: i64) -> bool {
        n > 0 && self.below(n) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as i64) as usize]
    }
}

/// How often what happens: one in so many, never for zero. Spans in milliseconds are the longest.
#[derive(Debug, Clone)]
pub(super) struct Climate {
    pub(super) targets: usize,
    pub(super) backlog_max: usize,
    pub(super) requests_per_s: u32,
    /// A request is under way so long, and its answer again.
    pub(super) way_ms: i64,
    /// Of requests: carried out, and the connection breaks.
    pub(super) lost: i64,
    /// Carried out, perhaps long after everybody stopped waiting.
    pub(super) late: i64,
    /// No connection.
    pub(super) unreachable: i64,
    /// A fault of Discord's own, not carried out.
    pub(super) broken: i64,
    /// Nobody ever says anything.
    pub(super) silent: i64,
    /// A 429 nothing announced.
    pub(super) limited: i64,
    /// A refusal with a code nobody knows.
    pub(super) puzzling: i64,
    /// An answer without the headers of limits.
    pub(super) headerless: i64,
    /// A second limit that no header tells of.
    pub(super) hidden_limit: bool,
    pub(super) fixed_windows: bool,
    pub(super) page: usize,
    /// Of turns of a core: the mirror ends before the effects are carried out.
    pub(super) crash: i64,
    /// Of reads.
    pub(super) read_fails: i64,
    pub(super) read_slow: i64,
    pub(super) read_slow_ms: i64,
    /// Of records.
    pub(super) ledger_slow: i64,
    pub(super) ledger_slow_ms: i64,
    /// Of what commits tell: it does not fit into the mailbox.
    pub(super) mailbox_full: i64,
    pub(super) mailbox_slow_ms: i64,
    /// Texts that say no more than others do.
    pub(super) alike: i64,
    /// Texts of several parts.
    pub(super) long: i64,
    /// Texts that Discord refuses.
    pub(super) forbidden: i64,
    /// Of things that happen: edits and deletions, of 100.
    pub(super) edits: i64,
    pub(super) deletions: i64,
    /// What people and machines do besides: one in so many of things that happen.
    pub(super) incidents: i64,
    pub(super) pause_ms: i64,
}

impl Climate {
    /// No trouble at all, and requests that take 5 to 150 ms.
    pub(super) fn fair() -> Self {
        Self {
            targets: 1,
            backlog_max: 256,
            requests_per_s: 50,
            way_ms: 74,
            lost: 0,
            late: 0,
            unreachable: 0,
            broken: 0,
            silent: 0,
            limited: 0,
            puzzling: 0,
            headerless: 0,
            hidden_limit: false,
            fixed_windows: false,
            page: 100,
            crash: 0,
            read_fails: 0,
            read_slow: 0,
            read_slow_ms: 0,
            ledger_slow: 0,
            ledger_slow_ms: 0,
            mailbox_full: 0,
            mailbox_slow_ms: 2,
            alike: 0,
            long: 0,
            forbidden: 0,
            edits: 0,
            deletions: 0,
            incidents: 0,
            pause_ms: 0,
        }
    }

    pub(super) fn draw(dice: &mut Dice) -> Self {
        let rough = dice.pick(&[1, 1, 2, 6]);
        let mut often = |rare: i64| {
            let share = dice.pick(&[0, 3, 1]);
            share * rare * rough
        };
        let (lost, late, unreachable, broken) = (often(16), often(20), often(25), often(20));
        let (silent, limited, puzzling, headerless) = (often(120), often(30), often(80), often(10));
        let (crash, read_fails, read_slow) = (often(150), often(15), often(4));
        let (ledger_slow, mailbox_full) = (often(20), often(10));
        let incidents = dice.pick(&[0, 12, 40]);
        let is_calm = crash + incidents == 0;
        Self {
            lost,
            late,
            unreachable,
            broken,
            silent,
            limited,
            puzzling,
            headerless,
            crash,
            read_fails,
            read_slow,
            ledger_slow,
            mailbox_full,
            targets: dice.pick(&[1, 1, 1, 2, 5]),
            backlog_max: dice.pick(&[1, 2, 4, 8, 8, 32, 256]),
            way_ms: 150,
            requests_per_s: dice.pick(&[50, 50, 5]),
            hidden_limit: dice.one_in(3),
            fixed_windows: dice.one_in(3),
            page: dice.pick(&[2, 10, 100]),
            read_slow_ms: dice.pick(&[100, 2_000, 20_000]),
            ledger_slow_ms: dice.pick(&[300, 8_000, 40_000]),
            mailbox_slow_ms: dice.pick(&[2, 300, 5_000]),
            // Over a restart, what reads the same is told apart by order alone: a known limit.
            alike: if is_calm { dice.pick(&[2, 6]) } else { 0 },
            long: dice.pick(&[0, 3, 10]),
            forbidden: dice.pick(&[0, 0, 20, 60]),
            edits: dice.pick(&[5, 25, 60]),
            deletions: dice.pick(&[5, 12, 30]),
            incidents,
            pause_ms: dice.pick(&[2_000, 5_000, 10_000]),
        }
    }
}
