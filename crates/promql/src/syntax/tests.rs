use super::{Features, parse};

#[track_caller]
fn check(text: &str, printed: &str) {
    match parse(text, &Features::ALL) {
        Ok(expr) => assert_eq!(expr.to_string(), printed, "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

#[test]
fn basics() {
    check("1", "1");
}
