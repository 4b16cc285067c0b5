//! What a fault does to the way of one request: whether its work is done, what is answered, how the connection ends.

use crate::{
    fake::{Call, Fake, Trace},
    faults_core::{Fault, FaultBody, HangEnd},
    reply::{ApiError, End, Outcome, Reply},
    route_core::Route,
};

impl Fake {
    /// Does the work of a request as far as its fault lets it, and breaks the answer.
    pub(crate) fn with_fault(
        &mut self,
        now_ms: u64,
        call: &Call,
        route: &Route,
        fault: Option<&Fault>,
        trace: &mut Trace,
    ) -> Outcome {
        let mut work = |fake: &mut Self| fake.work(now_ms, call, route, trace);
        // What a closed connection would have said if nothing was done.
        let nothing = || Reply::empty(0);
        match fault {
            None | Some(Fault::Delay { .. }) => work(self).into(),
            Some(Fault::Status {
                status,
                body,
                commit,
            }) => {
                if *commit {
                    work(self);
                }
                match body {
                    FaultBody::Html => Reply::html(*status, &status_title(*status)).into(),
                    FaultBody::Empty => Reply::empty(*status).into(),
                }
            }
            Some(Fault::Error {
                status,
                code,
                message,
            }) => Reply::from(ApiError::new(*status, *code, message)).into(),
            Some(Fault::Unauthorized) => Reply::from(ApiError::unauthorized()).into(),
            Some(Fault::RateLimited {
                kind,
                retry_after_ms,
                code,
            }) => {
                let ask = self.ask(now_ms, route, self.bot(call).map(|bot| bot.id));
                let limits = &self.settings.limits;
                let refusal =
                    self.limiter
                        .forced(now_ms, limits, &ask, *kind, *retry_after_ms, *code);
                self.refuse(now_ms, &refusal).into()
            }
            Some(Fault::CommitThenDrop) => Outcome::ending(work(self), End::Close),
            Some(Fault::DropBefore) => Outcome::ending(nothing(), End::Close),
            Some(Fault::Reset { commit }) => {
                let reply = if *commit { work(self) } else { nothing() };
                Outcome::ending(reply, End::Reset)
            }
            Some(Fault::Hang {
                hang_ms,
                commit,
                then,
            }) => {
                let end = match then {
                    HangEnd::Answer => End::Answer,
                    HangEnd::Close => End::Close,
                };
                // An answer that is worked out after the silence is performed after it: see `delay_ms`.
                let late = !commit && end == End::Answer;
                let reply = if *commit || late {
                    work(self)
                } else {
                    nothing()
                };
                Outcome {
                    reply,
                    hang_ms: if late { 0 } else { *hang_ms },
                    end,
                }
            }
            Some(Fault::TruncatedJson) => {
                let mut reply = work(self);
                reply.body.truncate(reply.body.len() / 2);
                reply.into()
            }
            Some(Fault::CutBody) => Outcome::ending(work(self), End::Cut),
        }
    }
}

impl Fault {
    /// How long a request waits before its work is done, milliseconds.
    pub(crate) const fn delay_ms(&self) -> u64 {
        match self {
            Self::Delay { delay_ms } => *delay_ms,
            Self::Hang {
                hang_ms,
                commit: false,
                then: HangEnd::Answer,
            } => *hang_ms,
            _ => 0,
        }
    }
}

/// The title front ends put on such a page.
fn status_title(status: u16) -> String {
    let reason = match status {
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        _ => "Error",
    };
    format!("{status} {reason}")
}
