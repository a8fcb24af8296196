//! The largest group there is: written in batches, read back by range.

use super::*;

const MEMBERS: usize = 250_000;

#[tokio::test]
async fn a_quarter_of_a_million_members_are_written_and_read_back() {
    let domain = domain().await;
    let people = format!("OU=People,{BASE}");
    let names: Vec<String> = domain.edit(|tree| {
        tree.add_group("everybody", OU, "everybody", UNIVERSAL).unwrap();
        (0..MEMBERS)
            .map(|number| {
                let name = format!("person {number:06}");
                tree.add_user(&name, &people, &format!("p{number}"), None, None).unwrap()
            })
            .collect()
    });
    let mut ldap = service(&domain).await;
    for batch in names.chunks(5_000) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        let result = modify(&mut ldap, &group("everybody"), How::Add, "member", &batch).await;
        assert_eq!(result, done());
    }
    let mut read = BTreeSet::new();
    loop {
        let wanted = format!("member;range={}-*", read.len());
        let values = object(&mut ldap, &group("everybody"), &[wanted.as_str()]).await;
        let (name, chunk) = values.into_iter().next().unwrap();
        read.extend(chunk);
        if name.ends_with("-*") {
            break;
        }
    }
    assert!(names.iter().all(|name| read.contains(name)) && read.len() == MEMBERS);
}
