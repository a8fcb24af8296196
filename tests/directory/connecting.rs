//! The way to a server and what a newcomer can set wrong on it: addresses, certificates, passwords,
//! containers, silence. Each mistake is told with what to mend.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use writeback::directory::{Directory, LdapRequest};
use writeback::model::{Containers, Dn};
use writeback::sim::domain::{Domain, DomainOptions, Fault, OperationKind, Order, Where};
use writeback::sim::tls::{Authority, Certificate};

use super::{Case, change, observe, update, words};

async fn mistake(case: &Case) -> (&'static str, bool, String) {
    let error = case.connect().await.unwrap_err();
    let fault = error.fault();
    let password = &case.domain.service_account().password;
    let told = format!("{error:?} {} {:?}", fault.message, case.options);
    assert!(!told.contains(password.as_str()), "the password is told: {told}");
    (fault.reason, fault.transient, fault.message)
}

fn says(told: &(&'static str, bool, String), reason: &str, transient: bool, words: &[&str]) {
    assert_eq!((told.0, told.1), (reason, transient), "{}", told.2);
    for word in words {
        assert!(told.2.contains(word), "`{word}` is missing in: {}", told.2);
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_told_with_what_to_mend() {
    let case = Case::new().await;
    let ca_file = case.options.ca_file.clone().unwrap();
    std::fs::write(&ca_file, Authority::new("another").ca_pem()).unwrap();
    let ca = ca_file.display().to_string();
    says(&mistake(&case).await, "certificate_untrusted", false, &["directory.caFile", &ca]);
    std::fs::write(&ca_file, "no certificate").unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &["no PEM certificate", &ca]);
    std::fs::remove_file(&ca_file).unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &[&ca]);

    let mut unknown = Case::new().await;
    unknown.options.ca_file = None;
    says(&mistake(&unknown).await, "certificate_untrusted", false, &["directory.caFile"]);

    for (certificate, words) in [
        (Certificate::Expired, ["expired", "renew"]),
        (Certificate::OtherName, ["elsewhere.invalid", "directory.servers"]),
    ] {
        let case = Case::with(DomainOptions { certificate, ..DomainOptions::default() }).await;
        says(&mistake(&case).await, "certificate_untrusted", false, &words);
        assert_eq!(case.domain.counters().binds, 0, "no password goes to a stranger");
    }
}

#[tokio::test]
async fn an_ipv6_address_is_connected_to_and_checked_against_the_certificate() {
    for (names, trusted) in [(["localhost", "::1"], true), (["localhost", "::2"], false)] {
        let names = names.map(str::to_owned).to_vec();
        let options = DomainOptions { server_names: names, ..DomainOptions::default() };
        let mut case = Case::with(options).await;
        // The simulated domain listens on IPv4 alone.
        let listener = tokio::net::TcpListener::bind("[::1]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = case.options.url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let forward = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
            // How it ends is the client's business.
            drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
        });
        case.options.url = format!("ldaps://[::1]:{port}");
        match case.connect().await {
            Ok(directory) => {
                assert!(trusted);
                observe(&directory).await.unwrap();
            }
            Err(error) => {
                assert!(!trusted, "{}", error.fault().message);
                assert_eq!(error.fault().reason, "certificate_untrusted");
            }
        }
        forward.abort();
    }
}

#[tokio::test]
async fn whoever_only_reads_needs_no_right_to_create_groups() {
    let case = Case::new().await;
    case.domain.revoke();
    let (_, _, message) = mistake(&case).await;
    assert!(message.contains("may not create groups"), "{message}");
    let (options, containers) = (case.options.clone(), case.containers.clone());
    let observer = Arc::new(|_: LdapRequest| {});
    let directory = Directory::connect_to_read(options, containers, observer).await.unwrap();
    observe(&directory).await.unwrap();
    let refused = directory.check_rights().await.unwrap_err().fault();
    assert_eq!((refused.reason, refused.transient), ("not_permitted", false));
    case.domain.delegate(&case.container).unwrap();
    directory.check_rights().await.unwrap();
}

#[tokio::test]
async fn a_refused_bind_is_told_and_not_tried_again() {
    let mut case = Case::new().await;
    let file = case.options.password_file.display().to_string();
    std::fs::write(&case.options.password_file, "wrong").unwrap();
    says(&mistake(&case).await, "bind_refused", false, &["svc-writeback", &file, "wrong"]);
    assert_eq!(case.domain.counters().binds, 1);
    std::fs::write(&case.options.password_file, "").unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &["empty", &file]);
    assert_eq!(case.domain.counters().binds, 1, "an empty password would bind nobody");
    std::fs::remove_file(&case.options.password_file).unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &[&file]);

    let password = case.domain.service_account().password.clone();
    std::fs::write(&case.options.password_file, password).unwrap();
    let account = case.domain.service_account().dn.clone();
    case.edit(|tree| tree.disable(&account));
    says(&mistake(&case).await, "bind_refused", false, &["disabled"]);
    case.options.bind_name = "CORP\\nobody".to_owned();
    says(&mistake(&case).await, "bind_refused", false, &["CORP\\nobody"]);
}

#[tokio::test]
async fn a_wrong_container_is_told_by_name() {
    let mut case = Case::new().await;
    let of = |dn: &str| Containers::new(vec![Dn::parse(dn).unwrap()]);
    case.containers = of("OU=Cloud Groups,DC=other,DC=example");
    let words = ["DC=other", "naming context", "directory.containers"];
    says(&mistake(&case).await, "directory_misconfigured", false, &words);
    let missing = format!("OU=Missing,{}", case.domain.base_dn());
    case.containers = of(&missing);
    says(&mistake(&case).await, "directory_misconfigured", false, &[&missing, "does not exist"]);
    case.containers = of(&case.container);
    case.domain.revoke();
    let words = ["may not create groups", "deploy/directory", &case.container];
    says(&mistake(&case).await, "not_permitted", false, &words);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_at_once() {
    let mut case = Case::new().await;
    case.domain.set_deaf(true);
    says(&mistake(&case).await, "directory_unreachable", true, &[&case.domain.url()]);
    // Nobody listens there, and nobody is given it who asks for a free one (RFC 863).
    case.options.url = "ldaps://localhost:9".to_owned();
    says(&mistake(&case).await, "directory_unreachable", true, &[&case.options.url]);
    case.options.url = "ldap://localhost".to_owned();
    says(&mistake(&case).await, "directory_misconfigured", false, &["ldaps://"]);
}

#[tokio::test]
async fn a_silent_server_is_left_after_its_time() {
    let mut case = Case::new().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    case.options.url = format!("ldaps://localhost:{}", silent.local_addr().unwrap().port());
    case.options.limits.connect = Duration::from_millis(200);
    says(&mistake(&case).await, "directory_unreachable", true, &["within 0.2 s"]);
}

#[tokio::test]
async fn a_name_that_leads_to_another_domain_controller_by_now_is_not_followed() {
    // Both take the same account: only the name of the second one tells it from the first.
    let mut case = Case::new().await;
    let base_dn = "DC=other,DC=example".to_owned();
    let other = DomainOptions { base_dn, ..DomainOptions::default() };
    let other = Domain::start(other).await.unwrap();
    let authorities = format!("{}{}", case.domain.ca_pem(), other.ca_pem());
    std::fs::write(case.options.ca_file.as_ref().unwrap(), authorities).unwrap();
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let behind = Arc::new(Mutex::new(port(&case.domain.url())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    case.options.url = format!("ldaps://localhost:{}", listener.local_addr().unwrap().port());
    let leads = Arc::clone(&behind);
    let forward = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let far = *leads.lock().unwrap();
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", far)).await.unwrap();
            // How it ends is the client's business.
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let directory = case.open().await;
    observe(&directory).await.unwrap();
    *behind.lock().unwrap() = port(&other.url());
    case.domain.order(Order::new(Where::Search, Fault::CutBefore));
    let error = observe(&directory).await.unwrap_err();
    assert_eq!(error.fault().reason, "directory_unreachable");
    assert!(error.fault().message.contains("leads to dc1.other.example now"), "{error}");
    forward.abort();
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_after_its_time() {
    let case = Case::new().await.impatient();
    let directory = case.open().await;
    for place in [Where::Search, Where::Kind(OperationKind::Bind)] {
        case.domain.order(Order::new(place, Fault::Stall).times(50));
        let read = async {
            match case.connect().await {
                Ok(_) => observe(&directory).await.unwrap_err(),
                Err(error) => error,
            }
        };
        let error = tokio::time::timeout(Duration::from_mins(3), read).await.unwrap();
        assert!(error.fault().transient, "{error:?}");
        case.domain.cancel_orders();
    }
}

#[tokio::test]
async fn a_busy_start_is_waited_for() {
    let case = Case::new().await;
    case.domain.order(Order::new(Where::Kind(OperationKind::Bind), Fault::Busy));
    case.domain.order(Order::new(Where::Search, Fault::CutAfter).after(1));
    case.connect().await.unwrap();
    assert_eq!(case.domain.open_orders(), 0);
}

#[tokio::test]
async fn a_password_changed_during_a_run_stops_it_without_hammering() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    let directory = case.open().await;
    let account = case.domain.service_account().dn.clone();
    case.edit(|tree| tree.set_password(&account, "another"));
    case.domain.order(Order::new(Where::Search, Fault::CutBefore));
    let binds = case.domain.counters().binds;
    let error = observe(&directory).await.unwrap_err();
    assert_eq!(error.fault().reason, "bind_refused");
    assert_eq!(case.domain.counters().binds, binds + 1);
    std::fs::write(&case.options.password_file, "another").unwrap();
    observe(&directory).await.unwrap();
    let update = change(1, case.target(&dn), update("description", None, Some("x")));
    assert_eq!(words(&case.apply(&directory, vec![update]).await), ["done"]);
}
