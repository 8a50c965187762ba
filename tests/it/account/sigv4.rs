//! Checks a Signature Version 4 from the specification, independently of the SDK's signer, over the bytes that came.
//! It does not look at the clock: the account's time is the tests', the signer's is the machine's.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::chunks::Chunks;
use super::http::{Request, hex, pairs, percent_encode};

/// `x-amz-content-sha256` of a body whose chunks and trailing headers are signed one after the other.
const SIGNED_CHUNKS: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// An access key and whom it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: String,
    pub secret: String,
    /// The ARN that ECS shows as `registeredBy` and `CloudTrail` as `userIdentity.arn`.
    pub principal: String,
}

/// Why a request is not who it claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    /// No signature, or not of the form that the specification gives.
    Malformed,
    /// Nobody has this access key.
    UnknownKey,
    /// Signed for another Region or service, or on another day than `x-amz-date` says.
    WrongScope,
    /// A header that the specification wants signed is not.
    UnsignedHeader,
    /// `x-amz-content-sha256` is not the hash of the body that came.
    ChangedBody,
    /// Something that was signed was changed, or the secret is another one.
    WrongSignature,
}

/// The parts of an `Authorization` header.
struct Claim<'a> {
    key_id: &'a str,
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// Whose request this is.
pub fn verify<'a>(request: &Request, service: &str, region: &str, keys: &'a [Key]) -> Result<&'a Key, Forgery> {
    let claim = claim(request).ok_or(Forgery::Malformed)?;
    let date = request.header("x-amz-date").ok_or(Forgery::Malformed)?;
    let key = keys.iter().find(|key| key.id == claim.key_id).ok_or(Forgery::UnknownKey)?;

    let day = date.get(..8).ok_or(Forgery::Malformed)?;
    if claim.scope != format!("{day}/{region}/{service}/aws4_request") {
        return Err(Forgery::WrongScope);
    }
    let signed: Vec<&str> = claim.signed_headers.split(';').collect();
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    if request.headers.iter().any(|(name, _)| must_be_signed(name) && !signed.contains(&name.as_str())) {
        return Err(Forgery::UnsignedHeader);
    }

    let payload = payload_hash(request, service)?;
    let canonical = canonical_request(request, service, &signed, &payload).ok_or(Forgery::WrongSignature)?;
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{}\n{}", claim.scope, hex(&Sha256::digest(canonical)));
    let seed = format!("AWS4{}", key.secret).into_bytes();
    let signing_key = claim.scope.split('/').fold(seed, |key, part| hmac(&key, part));
    let sign = |text: &str| hex(&hmac(&signing_key, text));
    if sign(&to_sign) != claim.signature {
        return Err(Forgery::WrongSignature);
    }
    match payload != SIGNED_CHUNKS
        || chunks_are_genuine(&request.body, &format!("{date}\n{}", claim.scope), &claim, sign)
    {
        true => Ok(key),
        false => Err(Forgery::ChangedBody),
    }
}

/// Each frame's signature is over its bytes and the signature before it; the last is over the trailing headers.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
fn chunks_are_genuine(body: &[u8], when_and_where: &str, claim: &Claim<'_>, sign: impl Fn(&str) -> String) -> bool {
    let Some(chunks) = Chunks::parse(body) else { return false };
    let nothing = hex(&Sha256::digest(b""));
    let mut previous = claim.signature;
    for frame in &chunks.frames {
        let hash = hex(&Sha256::digest(frame.bytes));
        let expected = sign(&format!("AWS4-HMAC-SHA256-PAYLOAD\n{when_and_where}\n{previous}\n{nothing}\n{hash}"));
        match frame.signature {
            Some(signature) if signature == expected => previous = signature,
            _ => return false,
        }
    }
    let signed = chunks.trailers.iter().filter(|(name, _)| *name != TRAILER_SIGNATURE);
    let signed: Vec<String> = signed.map(|(name, value)| format!("{name}:{value}\n")).collect();
    let hash = hex(&Sha256::digest(signed.concat()));
    let expected = sign(&format!("AWS4-HMAC-SHA256-TRAILER\n{when_and_where}\n{previous}\n{hash}"));
    chunks.trailer(TRAILER_SIGNATURE) == Some(&expected)
}

fn claim(request: &Request) -> Option<Claim<'_>> {
    let fields = request.header("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name));
    let (key_id, scope) = field("Credential=")?.split_once('/')?;
    Some(Claim { key_id, scope, signed_headers: field("SignedHeaders=")?, signature: field("Signature=")? })
}

/// S3 lets the client state the hash, or that there is none; everywhere else it is the hash of what came.
fn payload_hash(request: &Request, service: &str) -> Result<String, Forgery> {
    let actual = hex(&Sha256::digest(&request.body));
    match (service, request.header("x-amz-content-sha256")) {
        ("s3", None) => Err(Forgery::Malformed),
        ("s3", Some(stated @ ("UNSIGNED-PAYLOAD" | "STREAMING-UNSIGNED-PAYLOAD-TRAILER" | SIGNED_CHUNKS))) => {
            Ok(stated.to_owned())
        }
        ("s3", Some(stated)) if stated != actual => Err(Forgery::ChangedBody),
        _ => Ok(actual),
    }
}

fn canonical_request(request: &Request, service: &str, signed: &[&str], payload: &str) -> Option<String> {
    // S3 alone signs the path as it stands on the wire; the others encode what is encoded once more.
    let path = match service {
        "s3" => request.path.clone(),
        _ => percent_encode(&request.path, "/"),
    };
    let mut query: Vec<(String, String)> = pairs(&request.query)
        .into_iter()
        .map(|(name, value)| (percent_encode(&name, ""), percent_encode(&value, "")))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let headers: Option<Vec<String>> = signed
        .iter()
        .map(|name| {
            Some(format!("{name}:{}\n", request.header(name)?.split_whitespace().collect::<Vec<_>>().join(" ")))
        })
        .collect();
    let (method, query, headers, signed) = (&request.method, query.join("&"), headers?.concat(), signed.join(";"));
    Some(format!("{method}\n{path}\n{query}\n{headers}\n{signed}\n{payload}"))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
