//! The canaries themselves, and the search for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_smithy_types::base64;
use sha2::{Digest, Sha256};

use super::definition;

/// Long enough that chance does not make it, short enough to survive being cut.
const NEEDLE: usize = 8;

/// The canary of a place: its first eight characters are its own, and what follows looks different in JSON, in a URL
/// and in a shell.
pub(crate) fn canary(place: &str) -> String {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let digest = Sha256::digest(format!("canary of {place}"));
    let letters = |range: std::ops::Range<usize>| -> String {
        digest[range].iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
    };
    format!("{}\"/&+=\u{e9}\\{}", letters(0..8), letters(8..16))
}

/// What gives a canary away: its beginning, as it is or inside base64 at each of the three places in a group. (The
/// beginning stays as it is in JSON and in URLs.)
fn needles(canary: &str) -> [[u8; NEEDLE]; 4] {
    let beginning = &canary.as_bytes()[..NEEDLE];
    let encoded = |part: &[u8]| -> [u8; NEEDLE] { base64::encode(part).as_bytes().try_into().expect("six bytes") };
    [
        beginning.try_into().expect("eight bytes"),
        encoded(&beginning[..6]),
        encoded(&beginning[2..]),
        encoded(&beginning[1..7]),
    ]
}

static NEEDLES: LazyLock<BTreeMap<[u8; NEEDLE], &'static str>> = LazyLock::new(|| {
    let of_place = |place: &&'static str| needles(&canary(place)).map(|needle| (needle, *place));
    definition::PLACES.iter().flat_map(of_place).collect()
});

/// Only texts with these first two bytes are looked up.
static BEGINNINGS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut beginnings = vec![false; 1 << 16];
    for needle in NEEDLES.keys() {
        beginnings[usize::from(u16::from_be_bytes([needle[0], needle[1]]))] = true;
    }
    beginnings
});

/// How many are looked for.
pub(crate) fn count() -> usize {
    definition::PLACES.len()
}

/// The places whose canaries are in a text.
pub(crate) fn leaks(text: &[u8]) -> Vec<&'static str> {
    let begins = |window: &&[u8]| BEGINNINGS[usize::from(u16::from_be_bytes([window[0], window[1]]))];
    text.windows(NEEDLE).filter(begins).filter_map(|window| NEEDLES.get(window).copied()).collect()
}

#[test]
fn a_canary_is_found_however_it_is_written() {
    let canary = canary("command");
    let json = serde_json::to_string(&canary).unwrap();
    let url = canary.replace('"', "%22").replace('/', "%2F").replace('\\', "%5C");
    let cut = &canary[..NEEDLE];
    let inside = |before: &str| base64::encode(format!("{before}{canary}"));
    for text in [&canary, &json, &url, cut, &inside(""), &inside("x"), &inside("xy"), &inside("xyz")] {
        assert_eq!(leaks(text.as_bytes()), ["command"], "{text}");
    }
    assert!(leaks(&canary.as_bytes()[1..]).is_empty(), "what begins later is no canary");
    assert_eq!(NEEDLES.len(), 4 * count(), "no two canaries look alike");
}

#[test]
fn every_place_of_the_definition_holds_its_canary() {
    let original: serde_json::Value = serde_json::from_str(&definition::ORIGINAL).unwrap();
    let text = original.to_string();
    let found = leaks(text.as_bytes());
    for place in definition::PLACES {
        assert_eq!(found.iter().filter(|found| **found == place).count(), 1, "{place}");
    }
    assert!(count() >= 50, "{}", count());
}
