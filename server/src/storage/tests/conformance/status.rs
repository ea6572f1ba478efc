//! What a status is answered from.

use super::*;

pub(super) async fn one_question_finds_what_several_would(test: TestStore) {
    with_service(&test.store).await;
    let key = AuthkeyRow { id: 5, hash: [9; 32], used_at: UnixSeconds::EPOCH, sealed: sealed(1, 5) };
    let stored = key.clone();
    test.store
        .write(move |tx| {
            tx.insert_authkey(&stored)?;
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_token(&token_row(2, 1, "eva"))?;
            tx.insert_device(&device_row(1, 2))?;
            tx.insert_device(&device_row(1, 1))?;
            tx.put_slots(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.put_attempt(&device_row(1, 1).key, &sealed(1, 7))?;
            tx.put_meta("marks", &sealed(1, 3))
        })
        .await
        .expect("written");
    let ask = async |hash: u8, name: &'static str, user: &'static str| {
        test.store.ask(move |tx| tx.status_facts(&[hash; 32], name, user, "marks")).await.expect("an answer")
    };
    let all = StatusFacts {
        authkey: Some(key.clone()),
        service: Some(service_row(1)),
        token: Some(token_row(1, 1, "joe")),
        devices: vec![(device_row(1, 1), Some(sealed(1, 7))), (device_row(1, 2), None)],
        marks: Some(sealed(1, 3)),
    };
    assert_eq!(ask(9, "default_s1", "joe").await, all);
    let eva = StatusFacts { token: Some(token_row(2, 1, "eva")), devices: vec![], ..all.clone() };
    assert_eq!(ask(9, "default_s1", "eva").await, eva);
    let nobody = StatusFacts { token: None, devices: vec![], ..all.clone() };
    assert_eq!(ask(9, "default_s1", "ann").await, nobody);
    assert_eq!(ask(9, "default_other", "joe").await, StatusFacts { service: None, ..nobody.clone() });
    assert_eq!(ask(8, "default_s1", "joe").await, StatusFacts { authkey: None, ..all });
}
