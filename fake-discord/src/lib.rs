//! A faithful fake Discord over real HTTP, for tests, benches and the demo.
