//! The scenarios of the load generator, each for a moment: they can be set up and driven, and nothing is lost, doubled or out
//! of order meanwhile. What they measure is looked at elsewhere.

use heliograph_bench::scenarios::{self, Context};

/// Those that look at losses and need no other size of machine.
const NAMES: [&str; 6] = ["e1", "e2", "e3", "e7", "e11", "e16"];

#[test]
fn scenarios_lose_nothing() {
    let context = Context::tiny(env!("CARGO_BIN_EXE_heliograph"));
    for name in NAMES {
        let scenario = scenarios::by_name(name).unwrap();
        let figures = scenario
            .measure(&context)
            .unwrap_or_else(|failure| panic!("{name}: {failure}"));
        for wrong in [
            "lost",
            "doubled",
            "out_of_order",
            "gaps",
            "pushed_under_the_old",
        ] {
            // Not every scenario has listeners.
            if let Some(count) = figures.get(wrong) {
                assert_eq!(count.as_f64(), Some(0.0), "{name}: {wrong} in {figures:?}");
            }
        }
        let figure = |key: &str| figures.get(key).and_then(serde_json::Value::as_f64);
        assert!(
            figure("acked").is_none_or(|acked| acked > 0.0 && Some(acked) == figure("sent")),
            "{name}: {figures:?}"
        );
    }
}
