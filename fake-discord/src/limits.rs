//! The table of limits and its observed defaults. Judges nothing: `limits_core` does.

use serde::{Deserialize, Serialize};

use crate::window_core::Window;

/// Every limit of the fake. The default holds the numbers others have observed; they are no promise of Discord's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Off: nothing is counted, nothing refused, no rate-limit header sent.
    pub enabled: bool,
    /// Whether answers carry `X-RateLimit-*` headers at all. Limits hold either way.
    pub headers: bool,
    /// Whether answers other than 429 carry `X-RateLimit-Scope` (documented: they do not).
    pub scope_on_success: bool,
    /// Changes the opaque bucket hashes.
    pub bucket_salt: u64,
    /// All requests of one bot.
    pub global: Window,
    /// All writes in one channel, whoever makes them (code 20028). The number is this fake's own.
    pub channel_write: Window,
    /// `POST` message.
    pub message_create: Window,
    /// `PATCH` message.
    pub message_edit: Window,
    /// `PATCH` of a message older than `old_edit_age_ms_min` (code 30046), hidden behind `message_edit`.
    pub old_edit: Window,
    /// From this age on an edit also counts as an old one, milliseconds.
    pub old_edit_age_ms_min: u64,
    /// `DELETE` of a message younger than 10 s.
    pub message_delete_young: Window,
    /// `DELETE` of a message between 10 s and 14 days.
    pub message_delete_middle: Window,
    /// `DELETE` of a message older than 14 days.
    pub message_delete_old: Window,
    /// `GET` of messages.
    pub message_read: Window,
    /// `PUT` and `DELETE` of a member's role, per guild.
    pub member_role: Window,
    /// Webhook requests, per webhook.
    pub webhook: Window,
    /// Webhook executes per channel, hidden behind `webhook`.
    pub webhook_channel: Window,
    /// Thread creation.
    pub thread_create: Window,
    /// Every other route, per resource.
    pub other: Window,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            headers: true,
            scope_on_success: false,
            bucket_salt: 0,
            global: Window::fixed(50, 1_000),
            channel_write: Window::sliding(60, 10_000),
            message_create: Window::sliding(5, 5_000),
            message_edit: Window::sliding(5, 5_000),
            old_edit: Window::sliding(3, 6_000),
            old_edit_age_ms_min: 3_600_000,
            message_delete_young: Window::sliding(5, 1_000),
            message_delete_middle: Window::sliding(3, 333),
            message_delete_old: Window::sliding(30, 4_000),
            message_read: Window::sliding(5, 5_000),
            member_role: Window::fixed(10, 10_000),
            webhook: Window::sliding(5, 2_000),
            webhook_channel: Window::sliding(30, 60_000),
            thread_create: Window::sliding(5, 5_000),
            other: Window::sliding(20, 5_000),
        }
    }
}

impl Limits {
    /// No limits at all, for throughput measurements.
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }

    /// Every number of requests times `percent` / 100, at least 1. Periods stay.
    pub fn scaled_percent(mut self, percent: u32) -> Self {
        for window in [
            &mut self.global,
            &mut self.channel_write,
            &mut self.message_create,
            &mut self.message_edit,
            &mut self.old_edit,
            &mut self.message_delete_young,
            &mut self.message_delete_middle,
            &mut self.message_delete_old,
            &mut self.message_read,
            &mut self.member_role,
            &mut self.webhook,
            &mut self.webhook_channel,
            &mut self.thread_create,
            &mut self.other,
        ] {
            let scaled = u64::from(window.limit) * u64::from(percent) / 100;
            window.limit = u32::try_from(scaled).unwrap_or(u32::MAX).max(1);
        }
        self
    }
}
