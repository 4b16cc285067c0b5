//! Says on the noticeboard what a request has changed, by its path, once it is committed: for pages that show it. One that changes
//! nothing after all costs them a reading; one that is missed would leave them with what is not so any more.

use super::Admin;
use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web,
};
use heliograph_actors::noticeboard::{
    Noticeboard,
    Topic::{
        self, Audit, Bot, Channels, Connectors, DeadLetters, Mappings, Quarantine, SessionTokens,
        Targets,
    },
};

/// What hangs together: a role makes a mapping work, a mapping makes a target.
const CONFIGURATION: &[Topic] = &[Connectors, Channels, Bot, Targets, Mappings, Audit];

/// What a request with this method and path may change.
fn topics(method: &Method, path: &str) -> &'static [Topic] {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return &[];
    }
    let mut parts = path.trim_start_matches('/').split('/');
    let (Some("api"), Some(subject)) = (parts.next(), parts.next()) else {
        return &[];
    };
    let last = parts.next_back().unwrap_or_default();
    match (subject, last) {
        ("mappings", "dry-run") | ("configuration", "compare") => &[],
        ("connectors", "discovery") => &[Connectors],
        ("connectors" | "channels" | "mappings" | "targets" | "audit" | "configuration", _) => {
            CONFIGURATION
        }
        ("bot", _) => &[Bot, Channels, Targets],
        ("dead-letters" | "deliveries", _) => &[DeadLetters, Targets, Audit],
        ("quarantine", _) => &[Quarantine, Audit],
        ("session-tokens", _) => &[SessionTokens, Audit],
        _ => &[],
    }
}

/// Raises its topics when it is dropped: when the work is done, and also when the client goes away meanwhile.
struct Changed {
    notices: Noticeboard,
    topics: &'static [Topic],
}

impl Drop for Changed {
    fn drop(&mut self) {
        for topic in self.topics {
            self.notices.raise(*topic);
        }
    }
}

tokio::task_local! {
    /// What the request in hand may change.
    static HERE: &'static [Topic];
}

/// The middleware of the listener's routes.
pub async fn notice<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let topics = topics(request.method(), request.path());
    let admin = request.app_data::<web::Data<Admin>>();
    let Some(notices) = admin.map(|admin| admin.notices.clone()) else {
        return next.call(request).await;
    };
    let mut changed = Changed { notices, topics };
    let answer = HERE.scope(topics, next.call(request)).await;
    let is_refused = match &answer {
        Ok(response) => response.status().is_client_error(),
        Err(error) => error.as_response_error().status_code().is_client_error(),
    };
    if is_refused {
        changed.topics = &[];
    }
    answer
}

/// Work that goes on when its request is given up: what that may change is said when the work is done.
pub(super) fn carried<F: Future>(notices: Noticeboard, work: F) -> impl Future<Output = F::Output> {
    let topics = HERE.try_with(|topics| *topics).unwrap_or_default();
    async move {
        let _changed = Changed { notices, topics };
        work.await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use heliograph_actors::noticeboard::changed;

    #[test]
    fn what_a_request_may_change() {
        for (method, path, want) in [
            (Method::GET, "/api/mappings", &[] as &[Topic]),
            (Method::POST, "/api/mappings", CONFIGURATION),
            (Method::POST, "/api/mappings/dry-run", &[]),
            (Method::DELETE, "/api/mappings/7", CONFIGURATION),
            (Method::POST, "/api/connectors/c/discovery", &[Connectors]),
            (Method::PUT, "/api/connectors/c/channels/1", CONFIGURATION),
            (Method::POST, "/api/bot/refresh", &[Bot, Channels, Targets]),
            (
                Method::POST,
                "/api/dead-letters/redrive",
                &[DeadLetters, Targets, Audit],
            ),
            (Method::POST, "/api/audit/3/undo", CONFIGURATION),
            (Method::POST, "/api/configuration/compare", &[]),
            (Method::POST, "/api/configuration/apply", CONFIGURATION),
            (Method::POST, "/api/session", &[]),
            (
                Method::DELETE,
                "/api/session-tokens/1",
                &[SessionTokens, Audit],
            ),
            (Method::POST, "/api/actors/mirror/1/unpark", &[]),
            (Method::POST, "/", &[]),
        ] {
            assert_eq!(topics(&method, path), want, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn work_that_outlives_its_request_is_noticed_at_its_end() {
        let notices = Noticeboard::default();
        let before = notices.read();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let begin = || carried(notices.clone(), async move { gone.await.is_ok() });
        let work = tokio::spawn(HERE.sync_scope(&[Quarantine], begin));
        assert_eq!(changed(&before, &notices.read()), []);
        go.send(()).unwrap();
        assert!(work.await.unwrap());
        assert_eq!(changed(&before, &notices.read()), [Quarantine]);
    }
}
