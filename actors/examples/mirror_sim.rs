//! x
use heliograph_actors::mirror_core::simulation::{Plan, simulate};
fn main() {
    let a: Vec<u64> = std::env::args()
        .skip(1)
        .map(|a| a.parse().unwrap())
        .collect();
    let (from, to, events) = (a[0], a[1], a[2]);
    let trace = from == to;
    std::panic::set_hook(Box::new(|_| {}));
    let t = std::time::Instant::now();
    let (mut n, mut bad) = (0, 0);
    for seed in from..=to {
        let (v, lines) = simulate(&Plan {
            seed,
            events,
            trace,
        });
        n += v.events;
        if trace {
            for l in lines {
                println!("{l}");
            }
            println!("{v:#?}");
        }
        if !v.holds() {
            bad += 1;
            println!(
                "seed {seed}: lost {} doubled {} order {} gaps {} stuck {} rude {} panics {} {:?}",
                v.lost,
                v.doubled,
                v.out_of_order,
                v.gaps,
                v.stuck,
                v.rude,
                v.panics,
                v.breaches
                    .iter()
                    .take(2)
                    .map(|b| b.chars().take(150).collect::<String>())
                    .collect::<Vec<_>>()
            );
        }
    }
    println!(
        "{bad} bad, {n} events, {:.0}/s",
        n as f64 / t.elapsed().as_secs_f64()
    );
}
