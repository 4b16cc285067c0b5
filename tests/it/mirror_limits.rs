//! Limits as a mirror meets them over real HTTP: told or not, changed under way. Counted is how often it is refused, since that
//! is what learning costs; nothing is lost meanwhile.

use fake_discord::{Control, Limits, Settings, Window};
use heliograph_bench::stage::Stage;
use serde_json::json;

use crate::{
    harness::{Desk, server, start, wait_for},
    said::{create, signal_id},
};

/// Short windows, so that many of them pass.
const WINDOW_MS: u64 = 800;
const LIMIT: u32 = 6;

fn limits(create: Window) -> Limits {
    Limits {
        message_create: create,
        ..Limits::default()
    }
}

fn with_limits(create: Window) -> (Stage, Control) {
    let mut settings = server();
    settings.fake_discord = Some(Settings {
        limits: limits(create),
        ..Settings::open()
    });
    let stage = start(settings);
    let control = stage.fake_discord().unwrap().control();
    (stage, control)
}

/// A target with a backlog of so many messages.
fn backlog(desk: &Desk, messages: usize) -> u64 {
    let (source, target) = (desk.source(), desk.target());
    let wish =
        json!({"source_channel_id": source.to_string(), "target_channel_id": target.to_string()});
    desk.admin
        .ask("POST", "/api/mappings", Some(&wish))
        .unwrap();
    let said: Vec<_> = (0..messages)
        .map(|number| create(source, signal_id(), &format!("signal {number}")))
        .collect();
    desk.says([messages as u64, 0, 0, 0, 0], &said);
    target
}

/// Waits until so many messages stand, and says how often requests were refused.
fn refused_until(control: &Control, target: u64, posted: usize) -> usize {
    wait_for("the messages to be posted", || {
        (control.live_messages(target.into()).len() >= posted).then_some(())
    });
    let requests = control.requests(0);
    let refused = requests
        .iter()
        .filter(|line| line.channel_id == Some(target.into()) && line.status == 429);
    refused.count()
}

fn stands_once(control: &Control, target: u64, messages: usize) {
    let standing: Vec<_> = control
        .live_messages(target.into())
        .into_iter()
        .map(|message| message.content)
        .collect();
    assert_eq!(standing.len(), messages, "{standing:?}");
    for (number, text) in standing.iter().enumerate() {
        assert!(text.contains(&format!("signal {number}")), "{standing:?}");
    }
}

#[test]
fn what_answers_tell_is_kept_to_whether_or_not_they_name_a_scope() {
    for window in [
        Window::sliding(LIMIT, WINDOW_MS),
        Window::fixed(LIMIT, WINDOW_MS),
    ] {
        let (stage, control) = with_limits(window);
        let desk = Desk::on(&stage);
        for scope_on_success in [false, true] {
            control.set_limits(Limits {
                scope_on_success,
                ..limits(window)
            });
            let target = backlog(&desk, 24);
            let refused = refused_until(&control, target, 24);
            assert!(refused <= 1, "{refused} refused, {window:?}");
            stands_once(&control, target, 24);
        }
    }
}

#[test]
fn limits_halved_under_way_cost_one_refusal_and_doubled_ones_none() {
    let (stage, control) = with_limits(Window::sliding(LIMIT, WINDOW_MS));
    let desk = Desk::on(&stage);
    let target = backlog(&desk, 48);
    let before = refused_until(&control, target, 15);
    control.set_limits(limits(Window::sliding(LIMIT / 2, WINDOW_MS)));
    let halved = refused_until(&control, target, 27) - before;
    assert!(halved <= 2, "{halved} refused after the limit was halved");
    control.set_limits(limits(Window::sliding(LIMIT, WINDOW_MS)));
    let doubled = refused_until(&control, target, 48) - halved - before;
    assert!(doubled <= 1, "{doubled} refused after it was doubled");
    stands_once(&control, target, 48);
}

#[test]
fn without_headers_the_limit_is_learned_from_refusals_and_headers_are_followed_when_they_come() {
    let (stage, control) = with_limits(Window::sliding(LIMIT, WINDOW_MS));
    let desk = Desk::on(&stage);
    control.set_limits(Limits {
        headers: false,
        ..limits(Window::sliding(LIMIT, WINDOW_MS))
    });
    let target = backlog(&desk, 90);
    let silent = refused_until(&control, target, 72);
    // One for each window would be eleven; a first guess may be of one request at a time, which is not believed for long.
    assert!((1..=5).contains(&silent), "{silent} refused");
    control.set_limits(limits(Window::sliding(LIMIT, WINDOW_MS)));
    let told = refused_until(&control, target, 90) - silent;
    assert!(told <= 1, "{told} refused since answers tell");
    stands_once(&control, target, 90);
}
