//! Signals in the middle of the work: what SIGTERM, a second one, SIGSTOP and SIGCONT lead to.
