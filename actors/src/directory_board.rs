//! Where the directory shows what it knows of the bot, to be looked at without asking it. It outlives the directory's generations.

use heliograph_schema::ids::UserId;
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};

/// How reading what the bot sees goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BotUser {
    /// Its id.
    pub user_id: UserId,
    /// Its name.
    pub name: String,
}

/// What is known of the bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
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
#[derive(Clone, Default)]
pub struct DirectoryBoard(Arc<RwLock<BotSeen>>);

impl DirectoryBoard {
    /// What is known now.
    pub fn see(&self) -> BotSeen {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// This is known now. Whether it differs by more than when it was read.
    pub(crate) fn show(&self, now: &BotSeen) -> bool {
        let mut seen = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = BotSeen {
            refreshed_at_ms: now.refreshed_at_ms,
            ..std::mem::replace(&mut *seen, now.clone())
        };
        before != *now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_without_news_is_no_change() {
        let board = DirectoryBoard::default();
        let seen = |refreshed_at_ms, guilds| BotSeen {
            state: DirectoryState::Ok,
            refreshed_at_ms: Some(refreshed_at_ms),
            guilds,
            ..BotSeen::default()
        };
        for (now, is_different) in [(seen(1, 2), true), (seen(2, 2), false), (seen(3, 3), true)] {
            assert_eq!(board.show(&now), is_different);
            assert_eq!(board.see(), now);
        }
    }
}
