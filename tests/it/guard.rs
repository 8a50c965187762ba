//! Stories of the guard, in the operator's words.
