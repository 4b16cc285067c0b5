//! The words of the field and the tables that hold them.
