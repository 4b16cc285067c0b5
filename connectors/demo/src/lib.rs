//! A connector that plays a realistic day over the real HTTP contract.
