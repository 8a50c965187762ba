//! `aws-chunked`: a body in frames, each perhaps signed, with headers after it.
//! It takes frames apart; whether their signatures hold is for `sigv4` to say.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

/// A body taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chunks<'a> {
    /// The frames in order, the empty one that ends them included.
    pub frames: Vec<Frame<'a>>,
    /// Name and value of each header after the frames.
    pub trailers: Vec<(&'a str, &'a str)>,
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub signature: Option<&'a str>,
    pub bytes: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// Takes a body apart; nothing when it is cut short or no such body.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (mut chunks, mut rest) = (Self::default(), body);
        loop {
            let (head, after) = line(rest)?;
            let (size, extension) = head.split_once(';').unwrap_or((head, ""));
            let (bytes, after) = after.split_at_checked(usize::from_str_radix(size, 16).ok()?)?;
            let ends = bytes.is_empty();
            chunks.frames.push(Frame { signature: extension.strip_prefix("chunk-signature="), bytes });
            if ends {
                rest = after;
                break;
            }
            rest = after.strip_prefix(b"\r\n")?;
        }
        while let Some((header, after)) = line(rest).filter(|(header, _)| !header.is_empty()) {
            chunks.trailers.push(header.split_once(':')?);
            rest = after;
        }
        Some(chunks)
    }

    /// The bytes without their frames.
    pub fn bytes(&self) -> Vec<u8> {
        self.frames.iter().flat_map(|frame| frame.bytes).copied().collect()
    }

    /// The value of a header after the frames.
    pub fn trailer(&self, name: &str) -> Option<&'a str> {
        self.trailers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// The text before the next line break, and what is after it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 2..]))
}
