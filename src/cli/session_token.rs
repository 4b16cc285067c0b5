//! `heliograph session-token …`.

use super::{
    Failure, Shown,
    client::Client,
    show::{self, SESSION_TOKENS},
};
use chrono::{Duration, Utc};
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum SessionToken {
    /// Make a token for a viewer and print it, once
    Create {
        /// Whose it is
        name: String,
        /// What the viewer may see: channels up to this tier
        #[arg(long)]
        tier: i16,
        /// Ends after so many days; without it never
        #[arg(long, value_name = "DAYS")]
        days: Option<u16>,
    },
    /// All tokens, without the tokens themselves
    List,
    /// End a token, and the sessions that began with it
    Revoke { session_token_id: i64 },
}

pub(super) async fn run(client: &Client, command: SessionToken) -> Result<Shown, Failure> {
    match command {
        SessionToken::Create { name, tier, days } => {
            let expires_at_ms =
                days.map(|days| (Utc::now() + Duration::days(days.into())).timestamp_millis());
            let body = json!({ "name": name, "tier": tier, "expires_at_ms": expires_at_ms });
            let json = client
                .ask(Method::POST, "/api/session-tokens", Some(body))
                .await?;
            let token = json["token"].as_str().unwrap_or_default().to_owned();
            Ok(Shown {
                json,
                text: format!("{token}\n\nThis is shown once. Give it to the viewer."),
            })
        }
        SessionToken::List => Ok(show::rows(
            SESSION_TOKENS,
            client.list("/api/session-tokens").await?,
        )),
        SessionToken::Revoke { session_token_id } => {
            client
                .ask(
                    Method::DELETE,
                    &format!("/api/session-tokens/{session_token_id}"),
                    None,
                )
                .await?;
            Ok(show::done(format!(
                "session token {session_token_id} is revoked"
            )))
        }
    }
}
