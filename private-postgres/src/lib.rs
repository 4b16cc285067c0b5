//! A PostgreSQL of our own in a data directory: found, initialised, started and stopped with the parent.
