//! The proofs, each with a few faults: promises hold while processes are killed, sessions cut and the configuration changed
//! under load. At full size they run by `make prove`.

use heliograph_bench::prove;

const SEED: u64 = 7;

fn holds(name: &str) {
    let proof = prove::by_name(name).unwrap();
    let report = proof
        .run_tiny(env!("CARGO_BIN_EXE_heliograph"), SEED)
        .unwrap_or_else(|failure| panic!("{name}: {failure}"));
    assert!(
        report.holds(),
        "{name} with seed {SEED}: {:#?}",
        report.figures()
    );
    assert!(
        report.acked > 0 && report.runs > 0,
        "{name}: {:#?}",
        report.figures()
    );
}

#[test]
fn nothing_acknowledged_is_lost_when_the_router_is_killed() {
    holds("crash");
}

#[test]
fn nothing_acknowledged_is_lost_when_the_database_is_killed() {
    holds("postgres-kill");
}

#[test]
fn no_viewer_misses_or_sees_twice() {
    holds("resume");
}

#[test]
fn nothing_is_lost_while_the_configuration_changes() {
    holds("reconfigure");
}

#[test]
fn lost_answers_and_kills_lose_and_double_no_message() {
    holds("mirror-lossy");
}

#[test]
fn an_outage_is_waited_out() {
    holds("outage");
}
