//! The load generator and the proofs: whole paths against real processes.
