use super::*;
use proptest::prelude::*;

type Write = fn(&mut String, f64) -> fmt::Result;

#[track_caller]
fn check(value: f64, f: &str, e: &str, g: &str, json: &str, openmetrics: &str) {
    let text = |write: Write| {
        let mut out = String::new();
        write(&mut out, value).unwrap();
        out
    };
    let all = [write_f, write_e, write_g, write_json, write_openmetrics].map(|w: Write| text(w));
    assert_eq!(all, [f, e, g, json, openmetrics], "{value:e}");
}

#[test]
fn forms_are_those_of_go() {
    check(0.0, "0", "0e+00", "0", "0", "0.0");
    check(-0.0, "-0", "-0e+00", "-0", "-0", "0.0");
    check(1.0, "1", "1e+00", "1", "1", "1.0");
    check(-1.0, "-1", "-1e+00", "-1", "-1", "-1.0");
    check(0.1, "0.1", "1e-01", "0.1", "0.1", "0.1");
    check(120.0, "120", "1.2e+02", "120", "120", "120.0");
    check(2.5, "2.5", "2.5e+00", "2.5", "2.5", "2.5");
    check(100_000.0, "100000", "1e+05", "100000", "100000", "100000.0");
    check(1e6, "1000000", "1e+06", "1e+06", "1000000", "1e+06");
    check(1234567.0, "1234567", "1.234567e+06", "1.234567e+06", "1234567", "1.234567e+06");
    check(1_024.75, "1024.75", "1.02475e+03", "1024.75", "1024.75", "1024.75");
    // Exactly between two texts of the shortest length: the even digit.
    let tie = "1.2183911221287332e+15";
    check(4_873_564_488_514_933.0 / 4.0, "1218391122128733.2", tie, tie, "1218391122128733.2", tie);
    check(0.0001, "0.0001", "1e-04", "0.0001", "0.0001", "0.0001");
    check(0.00001, "0.00001", "1e-05", "1e-05", "0.00001", "1e-05");
    check(1e-6, "0.000001", "1e-06", "1e-06", "0.000001", "1e-06");
    check(9.5e-7, "0.00000095", "9.5e-07", "9.5e-07", "9.5e-07", "9.5e-07");
    check(1e20, "100000000000000000000", "1e+20", "1e+20", "100000000000000000000", "1e+20");
    check(1e21, "1000000000000000000000", "1e+21", "1e+21", "1e+21", "1e+21");
    check(f64::NAN, "NaN", "NaN", "NaN", "NaN", "NaN");
    check(f64::INFINITY, "+Inf", "+Inf", "+Inf", "+Inf", "+Inf");
    check(f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf", "-Inf", "-Inf");
    let (max, max_f) = ("1.7976931348623157e+308", format!("17976931348623157{}", "0".repeat(292)));
    check(f64::MAX, &max_f, max, max, max, max);
    let (min, min_f) = ("5e-324", format!("0.{}5", "0".repeat(323)));
    check(5e-324, &min_f, min, min, min, min);
}

#[track_caller]
fn reads(text: &str, expected: f64) {
    assert_eq!(parse(text).map(f64::to_bits), Some(expected.to_bits()), "{text:?}");
}

#[test]
fn reads_what_go_reads() {
    reads("0", 0.0);
    reads("-0", -0.0);
    reads("+1", 1.0);
    reads("1.", 1.0);
    reads(".5", 0.5);
    reads("1e5", 1e5);
    reads("1E+05", 1e5);
    reads("-12.5e-3", -0.0125);
    reads("1e-400", 0.0);
    reads("0e99999999999999999999", 0.0);
    reads("inf", f64::INFINITY);
    reads("+Inf", f64::INFINITY);
    reads("-iNfInItY", f64::NEG_INFINITY);
    assert!(parse("NaN").is_some_and(f64::is_nan) && parse("nan").is_some_and(f64::is_nan));
}

#[test]
fn reads_hex_floats_with_correct_rounding() {
    reads("0x1p0", 1.0);
    reads("-0X1.8P3", -12.0);
    reads("0x.8p1", 1.0);
    reads("0x1fffffffffffffp0", 9_007_199_254_740_991.0);
    // Ties go to even, and a digit far behind breaks a tie.
    reads("0x1.00000000000008p0", 1.0);
    reads("0x1.00000000000018p0", 1.000_000_000_000_000_4);
    reads("0x1.000000000000080000000001p0", 1.000_000_000_000_000_2);
    reads("0x1p-1074", 5e-324);
    reads("0x1p-1075", 0.0);
    reads("0x1.8p-1075", 5e-324);
    reads("0x1p-1076", 0.0);
    reads("0x1p-1022", f64::MIN_POSITIVE);
    reads("0x1.fffffffffffffp1023", f64::MAX);
    reads("0x0p99999999999999999999", 0.0);
    reads("0x1p-99999999999999999999", 0.0);
    reads(&format!("0x{}p-4000", "0".repeat(1000) + "1" + &"0".repeat(1000)), 1.0);
}

#[test]
fn refuses_what_go_refuses() {
    for text in [
        "",
        "+",
        "-",
        ".",
        "e5",
        "1e",
        "1e+",
        "1_000",
        "0x1",
        "0x",
        "0xp1",
        "0x1p",
        "0x1p+",
        "0x.p1",
        "0x1.2.3p1",
        "0x1_0p1",
        "1p3",
        "+nan",
        "-NaN",
        "in",
        "infi",
        "nano",
        "1 ",
        " 1",
        "1e400",
        "-1e400",
        "0x1p1024",
        "0x1.fffffffffffff8p1023",
        "0x1p99999999999999999999",
        "++1",
        "1f",
        "١",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

/// Equal texts, but for a value exactly between two shortest texts: there Go takes the even digit
/// and std the larger one.
fn check_digits(ours: &str, std: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    let (ours_digits, std_digits): (Vec<u8>, Vec<u8>) =
        (ours.bytes().collect(), std.bytes().collect());
    let differing: Vec<_> = ours_digits.iter().zip(&std_digits).filter(|(a, b)| a != b).collect();
    let is_tie = ours.len() == std.len()
        && parse(ours) == parse(std)
        && matches!(differing[..], [(a, b)] if a % 2 == 0 && a + 1 == *b);
    prop_assert!(ours == std || is_tie, "{} is not {}", ours, std);
    Ok(())
}

proptest! {
    #[test]
    fn every_form_reads_back(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        for write in [write_f as Write, write_e, write_g, write_json] {
            let mut text = String::new();
            write(&mut text, value).unwrap();
            prop_assert_eq!(parse(&text).map(f64::to_bits), Some(bits), "{}", text);
        }
    }

    #[test]
    fn digits_are_the_shortest(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let mut ours = String::new();
        write_e(&mut ours, value).unwrap();
        let (mantissa, exponent) = ours.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        check_digits(&format!("{mantissa}e{exponent}"), &format!("{value:e}"))?;
    }

    #[test]
    fn without_exponent_it_is_what_std_displays(bits: u64, small in -1e9..1e9, whole: i32) {
        for value in [f64::from_bits(bits), small, f64::from(whole), f64::from(whole) / 1000.0] {
            prop_assume!(value.is_finite());
            let mut ours = String::new();
            write_f(&mut ours, value).unwrap();
            check_digits(&ours, &value.to_string())?;
        }
    }

    #[test]
    fn hex_floats_are_exact(bits in 0_u64..0x7ff0_0000_0000_0000) {
        let value = f64::from_bits(bits);
        let (exponent, mantissa) = (bits >> 52, bits & ((1 << 52) - 1));
        let lead = u64::from(exponent != 0);
        let power = i64::try_from(exponent.max(1)).unwrap() - 1023;
        prop_assert_eq!(parse(&format!("0x{lead}.{mantissa:013x}p{power}")), Some(value));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "[-+0-9a-fxXpPeE._infINF]{0,40}") {
        prop_assert!(parse(&text).is_none_or(|value| value.is_nan() || !text.is_empty()));
    }
}
