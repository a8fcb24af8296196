//! The shipped binary in a world with one of everything: what it prints makes sense.
