//! Where the directory shows what it knows of the bot, to be looked at without asking it. It outlives the directory's generations.

use heliograph_schema::ids::UserId;
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::watch;

/// How reading what the bot sees goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryState {
    /// Nothing stands in the way.
    Ok,
    /// There is no bot token, so nothing is read.
    NoToken,
    /// Nothing is heard; what was read stays as it is.
    Failing,
    /// It has not been read since the start.
    #[default]
    NotYet,
}

/// The account of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BotUser {
    /// Its id.
    pub user_id: UserId,
    /// Its name.
    pub name: String,
}

/// What is known of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BotSeen {
    /// How it goes.
    pub state: DirectoryState,
    /// Why it fails.
    pub reason: Option<String>,
    /// Who it is.
    pub user: Option<BotUser>,
    /// Everything was read at this moment or later, ms since 1970.
    pub refreshed_at_ms: Option<i64>,
    /// Guilds it is in.
    pub guilds: usize,
}

/// The board; a clone is the same board.
#[derive(Clone)]
pub struct DirectoryBoard {
    seen: Arc<RwLock<BotSeen>>,
    changes: watch::Sender<u64>,
}

impl Default for DirectoryBoard {
    fn default() -> Self {
        Self {
            seen: Arc::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl DirectoryBoard {
    /// What is known now.
    pub fn see(&self) -> BotSeen {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// Counts the changes of what the bot sees: its state, guilds, channels, roles. That it was read again is none.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// This is known now. `is_different`: guilds, channels or roles changed.
    pub(crate) fn show(&self, now: BotSeen, is_different: bool) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let word = |seen: &BotSeen| (seen.state, seen.reason.clone(), seen.user.clone());
        let is_different = is_different || word(&seen) != word(&now) || seen.guilds != now.guilds;
        *seen = now;
        drop(seen);
        if is_different {
            self.changes.send_modify(|count| *count += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_without_news_is_no_change() {
        let board = DirectoryBoard::default();
        let changes = board.changes();
        let seen = |refreshed_at_ms, guilds| BotSeen {
            state: DirectoryState::Ok,
            refreshed_at_ms: Some(refreshed_at_ms),
            guilds,
            ..BotSeen::default()
        };
        for (now, is_different, count) in [
            (seen(1, 2), false, 1),
            (seen(2, 2), false, 1),
            (seen(3, 3), false, 2),
            (seen(4, 3), true, 3),
        ] {
            board.show(now.clone(), is_different);
            assert_eq!((board.see(), *changes.borrow()), (now, count));
        }
    }
}
