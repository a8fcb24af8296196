//! What the page and the API say, and what they refuse.

use serde_json::Value;

use crate::ask::{get, request};
use crate::estate::estate;

#[test]
fn the_pages_and_the_api_say_what_is_held_frozen_and_left_out() {
    let (stage, daemon) = estate();
    let at = daemon.status.as_str();
    let list = get(at, "/api/v1/groups").expect(200).json();
    assert_eq!(list["kind"], "GroupList");
    assert_eq!(list["total"], 16);
    assert_eq!(list["states"]["held"], 1, "{list:#}");
    assert_eq!(list["states"]["frozen"], 1);
    assert_eq!(list["states"]["in_step"], 14);
    assert_eq!(list["items"].as_array().unwrap().len(), 16);

    // The held group: its members one by one, its line, and why.
    let everybody = stage.id("All Employees");
    let held = get(at, &format!("/api/v1/groups/{everybody}")).expect(200).json();
    assert_eq!(held["state"], "held");
    assert_eq!(held["policy"], "everything");
    assert_eq!(held["memberCount"], 11);
    assert_eq!(held["changes"][0]["part"], "held");
    assert!(held["reason"].as_str().unwrap().contains("the limit is 5"), "{held:#}");
    let states = |value: &Value| -> Vec<String> {
        let items = value["members"]["items"].as_array().unwrap().iter();
        items.map(|item| item["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states(&held).iter().filter(|state| *state == "removal_held").count(), 10);
    let page = get(at, &format!("/groups/{everybody}")).expect(200);
    assert!(page.words().contains("still a member, removal held"), "{}", page.body);

    // The frozen one says why, the one with a stranger names her beside the finding.
    let frozen = get(at, &format!("/groups/{}", stage.id("Contractors"))).expect(200).words();
    assert!(frozen.contains("= freeze") && frozen.contains("frozen"), "{frozen}");
    let engineering = stage.id("Engineering");
    let left = get(at, &format!("/api/v1/groups/{engineering}")).expect(200).json();
    assert_eq!(left["findings"][0]["code"], "NoCounterpart", "{left:#}");
    assert_eq!(states(&left).iter().filter(|state| *state == "left_out").count(), 1, "{left:#}");
    assert_eq!(left["state"], "in_step");

    // What is true of each, in the form of the conditions of its policy, on the page, too.
    let everything = get(at, "/api/v1/status").json()["policies"]["everything"].clone();
    let keys = |one: &Value| one.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let [of_held, of_left] = [&held, &left].map(|one| one["conditions"].as_array().unwrap());
    let of_frozen = format!("/api/v1/groups/{}", stage.id("Contractors"));
    let of_frozen = get(at, &of_frozen).expect(200).json()["conditions"].clone();
    let of_frozen = of_frozen.as_array().unwrap();
    for (all, holding) in
        [(of_held, &["Reconciling", "Held"][..]), (of_left, &["Ready"]), (of_frozen, &["Stalled"])]
    {
        let of_policy = everything["conditions"].as_array().unwrap();
        assert_eq!(all.len(), of_policy.len());
        for (one, of_policy) in all.iter().zip(of_policy) {
            assert_eq!((keys(one), &one["type"]), (keys(of_policy), &of_policy["type"]));
            assert_eq!(one["observedGeneration"], everything["generation"]);
        }
        let held = all.iter().filter(|one| one["status"] == true);
        assert!(held.map(|one| &one["type"]).eq(holding), "{all:#?}");
    }
    assert!(list["items"].as_array().unwrap().iter().all(|item| item.get("conditions").is_none()));
    let words = page.words();
    for said in ["not Ready", "not Stalled", "GuardTripped: ", "1 change waits", "the limit is 5"] {
        assert!(words.contains(said), "{said}: {words}");
    }
    assert!(frozen.contains("Frozen: ") && frozen.contains("not Ready"), "{frozen}");

    // The overview has the command, line by line what it passes, and the way to the lists.
    let overview = get(at, "/").expect(200);
    let digest = get(at, "/api/v1/status").json()["memory"]["heldSets"][0]["digest"].clone();
    let command = format!("writeback approve {}", digest.as_str().unwrap());
    let words = overview.words();
    assert!(words.contains(&command), "{words}");
    assert!(words.contains("- member  All Employees_"), "{words}");
    assert!(words.contains("1 change held, waiting for a person"), "{words}");
    assert!(overview.body.contains("href=\"/groups?state=held\""), "{}", overview.body);
    let plan = get(at, "/plan").expect(200).words();
    assert!(plan.find("- member  All Employees_").unwrap() < plan.find("= freeze").unwrap());
}

#[test]
fn the_command_on_the_page_passes_what_stands_beside_it_and_the_history_tells() {
    let (stage, mut daemon) = estate();
    let at = daemon.status.clone();
    let words = get(&at, "/").expect(200).words();
    let digest = words.split("writeback approve ").last().unwrap();
    let digest: String = digest.chars().take_while(char::is_ascii_hexdigit).collect();
    stage.product.run(&["approve", &digest]).expect(0);
    daemon.passes(2);
    let everybody = format!("/api/v1/groups/{}", stage.id("All Employees"));
    let group = get(&at, &everybody).expect(200).json();
    assert_eq!(group["state"], "in_step", "{group:#}");
    assert_eq!(group["memberCount"], 1);
    let deed = &group["history"][0];
    assert_eq!((&deed["kind"], &deed["outcome"]), (&"remove_members".into(), &"done".into()));
    assert_eq!(stage.held(), {
        let mut wanted = stage.wanted();
        // What is switched off stays as it was.
        let contractors = format!("Group_{}", stage.id("Contractors"));
        let kept = stage.held().remove(&contractors).unwrap();
        wanted.insert(contractors, kept);
        wanted
    });
    assert!(!get(&at, "/").words().contains("writeback approve"));
}

#[test]
fn a_list_is_searched_filtered_and_paged() {
    let (stage, daemon) = estate();
    let at = daemon.status.as_str();
    let names = |query: &str| -> Vec<String> {
        let list = get(at, &format!("/api/v1/groups?{query}")).expect(200).json();
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["displayName"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("q=PAYROLL"), ["APP-Payroll-Admins", "APP-Payroll-Users"]);
    assert_eq!(names(&format!("q={}", stage.id("Board"))), ["Board"]);
    assert_eq!(names("q=cn%3Dboard_"), ["Board"]);
    assert_eq!(names("state=frozen"), ["Contractors"]);
    assert_eq!(names("state=frozen&q=board"), [""; 0]);
    assert_eq!(names("policy=nobody"), [""; 0]);
    assert_eq!(names("policy=everything").len(), 16);
    let with_ada = names("member=ADA.love&q=pay");
    assert_eq!(with_ada, ["APP-Payroll-Users"]);
    // A name is found as the page shows it.
    assert_eq!(names("q=turn%20%5Cu%7B202e").len(), 1);

    let all = names("");
    let mut paged = Vec::new();
    for page in 1..=4 {
        let list = get(at, &format!("/api/v1/groups?limit=5&page={page}")).expect(200).json();
        assert_eq!((&list["total"], &list["pages"]), (&16.into(), &4.into()));
        let items = list["items"].as_array().unwrap().clone();
        paged.extend(items.iter().map(|item| item["displayName"].as_str().unwrap().to_owned()));
    }
    assert_eq!(paged, all);

    // The page for people says the same, keeps what was asked, and needs nothing but links.
    let page = get(at, "/groups?limit=5&q=a").expect(200);
    assert!(page.body.contains("value=\"a\""), "{}", page.body);
    assert!(page.body.contains("href=\"/groups?q=a&amp;limit=5&amp;page=2\""), "{}", page.body);
    assert_eq!(page.body.matches("<tr><td>").count(), 5);
    let members = format!("/groups/{}?limit=4&page=3", stage.id("All Employees"));
    let words = get(at, &members).expect(200).words();
    assert!(words.contains("9 to 11 of 11"), "{words}");
}

#[test]
fn what_is_asked_wrongly_is_refused_by_name() {
    let (_stage, daemon) = estate();
    let at = daemon.status.as_str();
    for (query, name) in [
        ("state=fine", "`state`"),
        ("colour=red", "`colour`"),
        ("page=0", "`page`"),
        ("limit=9999", "`limit`"),
    ] {
        let api = get(at, &format!("/api/v1/groups?{query}")).expect(400).json();
        assert!(api["error"].as_str().unwrap().contains(name), "{api}");
        assert!(get(at, &format!("/groups?{query}")).expect(400).words().contains(name));
    }
    get(at, "/plan?part=other").expect(400);
    for nobody in ["00000000-0000-0000-0000-000000000000", "x", "..%2f..%2fetc%2fpasswd"] {
        get(at, &format!("/groups/{nobody}")).expect(404);
        get(at, &format!("/api/v1/groups/{nobody}")).expect(404);
    }
    get(at, "/nothing").expect(404);
}

#[test]
fn nothing_is_changed_over_http() {
    let (stage, daemon) = estate();
    let group = format!("/groups/{}", stage.id("Board"));
    for path in ["/", "/groups", "/plan", &group, "/api/v1/status", "/api/v1/groups"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            request(&daemon.status, method, path, Some(&daemon.status)).expect(405);
        }
        assert!(!get(&daemon.status, path).body.contains("method=\"post\""), "{path}");
    }
}

#[test]
fn a_name_that_was_made_to_lead_here_reads_nothing() {
    let (_stage, daemon) = estate();
    let at = daemon.status.as_str();
    let port = at.rsplit_once(':').unwrap().1;
    for path in ["/", "/groups", "/api/v1/status", "/api/v1/groups", "/assets/page.js", "/nothing"]
    {
        for host in [
            Some("evil.example"),
            Some("evil.example:80"),
            Some("127.0.0.1.evil.example"),
            Some("10.0.0.1"),
            Some(""),
        ] {
            request(at, "GET", path, host).expect(421);
        }
    }
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1",
        "127.1.2.3:9",
        "[::1]:9465",
        at,
        &format!("localhost:{port}"),
    ] {
        request(at, "GET", "/", Some(host)).expect(200);
    }
    // Prometheus may know this machine by any name.
    request(&daemon.metrics, "GET", "/metrics", Some("node1.corp.example:9464")).expect(200);
}

#[test]
fn every_answer_keeps_browsers_from_loading_framing_guessing_and_keeping() {
    let (stage, daemon) = estate();
    let group = format!("/groups/{}", stage.id("Board"));
    for path in [
        "/",
        "/groups",
        &group,
        "/plan",
        "/assets/page.css",
        "/assets/page.js",
        "/assets/icon.svg",
        "/api/v1/status",
        "/api/v1/groups",
        "/nothing",
    ] {
        let answer = get(&daemon.status, path);
        for header in [
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; \
             img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n",
            "x-content-type-options: nosniff\r\n",
            "referrer-policy: no-referrer\r\n",
            "cache-control: no-store\r\n",
        ] {
            assert!(
                format!("{}\r\n", answer.headers).contains(header),
                "{path}: {}",
                answer.headers
            );
        }
        // Nothing is loaded from elsewhere, and no style or script stands in a page.
        if answer.headers.contains("text/html") {
            for bad in ["http://", "https://", "//cdn", "<style", " style=", "<script>", " onclick"]
            {
                assert!(!answer.body.contains(bad), "{path}: {bad}");
            }
        }
    }
}
