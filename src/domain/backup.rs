//! Whether what lies under a backup's key is the original. Pure; it reads nothing.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::document::{OutputOnly, RegisterInput};
use super::fidelity::{Tags, differences};

/// ECS takes 64 KB, and a letter that is escaped is six: what is longer is no definition in other words, and comparing it
/// would take memory that the function does not have.
/// <https://docs.aws.amazon.com/general/latest/gr/ecs-service.html>
const LENGTH_MAX: usize = 6 * 64 * 1024;

/// What the stored object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// The original.
    Genuine {
        /// SHA-256 of the stored bytes, in hexadecimal.
        sha256: String,
    },
    /// Something else: somebody put or changed it.
    Tampered,
}

/// Judges a stored backup: equal in meaning to the original (tags aside: they change, and so does what is known as
/// `output_only`), or the very bytes whose hash the record holds.
#[must_use]
pub fn judge(
    stored: &str,
    original: &RegisterInput,
    output_only: &OutputOnly,
    recorded_sha256: Option<&str>,
) -> Stored {
    let hash = sha256(stored);
    let means_the_same = |stored| differences(&stored, original, Tags::LeftOut).is_empty();
    let is_equal = stored == original.as_str()
        || stored.len() <= LENGTH_MAX && RegisterInput::stored(stored, output_only).is_ok_and(means_the_same);
    match is_equal || recorded_sha256 == Some(hash.as_str()) {
        true => Stored::Genuine { sha256: hash },
        false => Stored::Tampered,
    }
}

/// SHA-256 of a text's bytes, in lower-case hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha256_in_hexadecimal() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn a_backup_is_genuine_by_meaning_or_by_the_recorded_hash() {
        let (none, input) = (OutputOnly::default(), |text: &str| RegisterInput::parse(text).unwrap());
        let original = input(r#"{"family":"web","containerDefinitions":[{"name":"a","privileged":true}]}"#);
        let reordered = r#"{"containerDefinitions":[{"privileged":true,"name":"a"}],"family":"web"}"#;
        let changed = r#"{"family":"web","containerDefinitions":[{"name":"a","privileged":true,"image":"evil"}]}"#;
        assert!(matches!(judge(reordered, &original, &none, None), Stored::Genuine { .. }));
        assert_eq!(judge(changed, &original, &none, None), Stored::Tampered);
        assert_eq!(judge("", &original, &none, None), Stored::Tampered);
        let padded = |length: usize| format!("{reordered}{}", " ".repeat(length - reordered.len()));
        // 64 KiB of letters, each escaped.
        assert!(matches!(judge(&padded(393_216), &original, &none, None), Stored::Genuine { .. }));
        assert_eq!(judge(&padded(393_217), &original, &none, None), Stored::Tampered);
        // The original itself may be as long as an account without ECS's limit lets it be.
        let long = changed.replace("evil", &"a".repeat(LENGTH_MAX));
        assert!(matches!(judge(&long, &input(&long), &none, None), Stored::Genuine { .. }));
        assert!(matches!(judge(changed, &original, &none, Some(&sha256(changed))), Stored::Genuine { .. }));
        // It was stored before the member was known as one that ECS does not take.
        let known = OutputOnly::new(["evil".to_owned()]).unwrap();
        let older = reordered.replace(r#""family""#, r#""evil":{"at":1},"family""#);
        assert_eq!(judge(&older, &original, &none, None), Stored::Tampered);
        assert!(matches!(judge(&older, &original, &known, None), Stored::Genuine { .. }));
    }
}
