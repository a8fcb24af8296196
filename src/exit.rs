//! Exit codes: a constant and a sentence each. Public interface.

use std::process::ExitCode;

/// How the program ended. The order is that of SEMANTICS "Commands": where several apply, the
/// one that stands later here wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: nothing to do, or everything done.
    Done,
    /// 2: changes wait.
    ChangesWait,
    /// 3: a guard holds changes.
    Held,
    /// 4: a read was incomplete.
    Incomplete,
    /// 1: anything else went wrong.
    Failed,
    /// 5: policy or configuration is invalid.
    Invalid,
    /// 64: the command line is wrong.
    Usage,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::ChangesWait => 2,
            Self::Held => 3,
            Self::Incomplete => 4,
            Self::Invalid => 5,
            Self::Usage => 64,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn of_several_reasons_the_first_of_the_contract_wins() {
        let mut all = [
            Exit::Done,
            Exit::Usage,
            Exit::Held,
            Exit::Invalid,
            Exit::Incomplete,
            Exit::ChangesWait,
            Exit::Failed,
        ];
        all.sort();
        assert_eq!(all.map(Exit::code), [0, 2, 3, 4, 1, 5, 64]);
    }
}
