//! What is shown to the directory, and the authority by which it is known.

use writeback::sim::domain::OperationKind;
use writeback::sim::tls::Authority;

use super::{Secret, check, swap};
use crate::front::Front;
use crate::stage::Stage;

/// The directory knows one password at a time. Bound connections go on with the old one; they are
/// cut when both sides have the new one.
struct BindPassword {
    front: Front,
    first: String,
    round: usize,
}

impl Secret for BindPassword {
    fn give(&mut self, stage: &mut Stage) {
        self.round += 1;
        let fresh = format!("the-password-of-round-{}", self.round);
        let account = stage.domain.service_account().dn.clone();
        stage.domain.edit(|tree| tree.set_password(&account, &fresh)).unwrap();
        swap(stage, "bind-password", &fresh);
    }

    fn take(&mut self, _: &mut Stage) {
        self.front.cut();
    }

    fn used(&self, stage: &Stage) -> (usize, usize) {
        let mut operations = stage.domain.operations();
        operations.retain(|operation| operation.kind == OperationKind::Bind);
        let bound = operations.iter().filter(|bind| bind.code == Some(0)).count();
        (bound, operations.len() - bound)
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        swap(stage, "bind-password", &self.first);
        self.front.cut();
    }

    fn refusal(&self) -> &'static str {
        "bind_refused"
    }
}

/// The written small world behind a front, and the authority of its certificate.
fn fronted() -> (Stage, Front, Authority) {
    let stage = Stage::written();
    let authority = Authority::new("First authority");
    let front = stage.runtime.block_on(Front::start(&stage.domain, &authority));
    stage.product.reconfigure(&stage.domain.url(), &front.url());
    swap(&stage, "domain-ca.pem", &authority.ca_pem());
    (stage, front, authority)
}

#[test]
fn a_bind_password_is_renewed_under_load_without_a_failed_pass() {
    let (stage, front, _) = fronted();
    let first = stage.domain.service_account().password.clone();
    check(stage, BindPassword { front, first, round: 0 });
}

/// Both authorities are trusted before the domain controller shows a certificate of the new one.
struct DirectoryAuthority {
    front: Front,
    first: Authority,
    now: Authority,
    next: Authority,
}

impl Secret for DirectoryAuthority {
    fn give(&mut self, stage: &mut Stage) {
        self.next = Authority::new("Next authority");
        let both = format!("{}{}", self.now.ca_pem(), self.next.ca_pem());
        swap(stage, "domain-ca.pem", &both);
    }

    fn take(&mut self, stage: &mut Stage) {
        self.now = self.next.clone();
        self.front.renew(&self.now);
        swap(stage, "domain-ca.pem", &self.now.ca_pem());
        self.front.cut();
    }

    fn used(&self, _: &Stage) -> (usize, usize) {
        self.front.handshakes()
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        swap(stage, "domain-ca.pem", &self.first.ca_pem());
        self.front.cut();
    }

    fn refusal(&self) -> &'static str {
        "certificate_untrusted"
    }
}

#[test]
fn the_authority_of_the_domain_is_renewed_under_load_without_a_failed_pass() {
    let (stage, front, first) = fronted();
    let (now, next) = (first.clone(), first.clone());
    check(stage, DirectoryAuthority { front, first, now, next });
}
