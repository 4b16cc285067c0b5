//! The seam between the administration and the actors at work: what it asks of them and sees of them beyond the configuration.

use super::changes::NotApplied;
use futures_util::future::BoxFuture;
use heliograph_actors::{directory_board::BotSeen, mirror_board::MirrorSeen};
use heliograph_schema::{frame::Cursor, ids::ChannelId};

/// Whoever knows the running actors.
pub trait Running: Send + Sync {
    /// Something was changed in the table that the mirror of this target does not know of: it looks, soon.
    fn look_at(&self, target: ChannelId);

    /// Resolves when everything that was routed before is committed or refused. After a change of the configuration was applied:
    /// when nothing is left that was planned by the one before.
    fn settled(&self) -> BoxFuture<'static, Result<(), NotApplied>>;

    /// How the mirror of this target stands; `None` when there is none. Asks nobody.
    fn mirror(&self, target: ChannelId) -> Option<MirrorSeen>;

    /// To how many sessions this revision was sent live; `None` when that is not known, or not any more.
    fn sessions_told(&self, channel_id: ChannelId, place: Cursor) -> Option<u64>;

    /// What is known of the bot. Asks nobody.
    fn bot(&self) -> BotSeen {
        BotSeen::default()
    }

    /// Requests of the bot that Discord counts as invalid, of the last minutes; `None` without a bot.
    fn invalid_requests(&self) -> Option<usize> {
        None
    }

    /// Resolves when everything that the bot sees was read since now, or when it is known that it cannot be.
    fn refresh_bot(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
