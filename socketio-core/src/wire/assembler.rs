use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{Packet, PacketError};

/// What one packet may bring with it.
#[derive(Clone, Copy, Debug)]
pub struct AssemblerLimits {
    /// Attachments of one packet.
    pub attachments: usize,
    /// Bytes of all attachments of one packet.
    pub bytes: usize,
}

/// Puts packets and their attachments together.
#[derive(Debug)]
pub struct Assembler {
    limits: AssemblerLimits,
    /// Boxed, as most clients never send one.
    pending: Option<Box<Pending>>,
}

#[derive(Debug)]
struct Pending {
    packet: Packet,
    missing: usize,
    bytes: usize,
    parts: Vec<Bytes>,
}

impl Assembler {
    /// Makes an assembler that waits for a packet.
    pub fn new(limits: AssemblerLimits) -> Self {
        Self { limits, pending: None }
    }

    /// Whether a packet waits for attachments.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Takes a text message and gives the packet, if it is complete.
    pub fn text(&mut self, text: &ByteString) -> Result<Option<Packet>, PacketError> {
        if self.is_pending() {
            return Err(PacketError::AttachmentOrder);
        }
        let (packet, missing) = Packet::decode(text)?;
        if missing == 0 {
            return Ok(Some(packet));
        }
        if missing > self.limits.attachments {
            return Err(PacketError::TooManyAttachments);
        }
        let pending = Pending { packet, missing, bytes: 0, parts: Vec::new() };
        self.pending = Some(Box::new(pending));
        Ok(None)
    }

    /// Takes a binary message and gives the packet, if it is complete.
    pub fn binary(&mut self, part: Bytes) -> Result<Option<Packet>, PacketError> {
        let mut pending = self.pending.take().ok_or(PacketError::AttachmentOrder)?;
        pending.missing -= 1;
        pending.bytes += part.len();
        if pending.bytes > self.limits.bytes {
            return Err(PacketError::TooLarge);
        }
        pending.parts.push(part);
        if pending.missing > 0 {
            self.pending = Some(pending);
            return Ok(None);
        }
        pending.packet.set_attachments(pending.parts)?;
        Ok(Some(pending.packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str =
        r#"52-["a",{"_placeholder":true,"num":0},{"b":{"num":1,"_placeholder":true}}]"#;

    fn assembler() -> Assembler {
        Assembler::new(AssemblerLimits { attachments: 2, bytes: 4 })
    }

    #[test]
    fn waits_for_every_attachment() {
        let mut assembler = assembler();
        assert_eq!(assembler.text(&TWO.into()), Ok(None));
        assert_eq!(assembler.binary("x".into()), Ok(None));
        let Ok(Some(Packet::Event { args, .. })) = assembler.binary("y".into()) else {
            panic!("no event");
        };
        assert_eq!(args.attachments(), ["x", "y"]);
        assert!(!assembler.is_pending());
    }

    #[test]
    fn refuses_interleaving() {
        let mut assembler = assembler();
        assert_eq!(assembler.binary("x".into()), Err(PacketError::AttachmentOrder));
        assert_eq!(assembler.text(&TWO.into()), Ok(None));
        assert_eq!(assembler.text(&TWO.into()), Err(PacketError::AttachmentOrder));
    }

    #[test]
    fn holds_its_limits() {
        let mut assembler = assembler();
        let three = r#"53-["a"]"#.into();
        assert_eq!(assembler.text(&three), Err(PacketError::TooManyAttachments));
        assert_eq!(assembler.text(&TWO.into()), Ok(None));
        assert_eq!(assembler.binary("xxx".into()), Ok(None));
        assert_eq!(assembler.binary("xx".into()), Err(PacketError::TooLarge));
    }

    #[test]
    fn refuses_placeholders_that_stand_for_nothing() {
        for num in ["1", "-1", "0.5", "\"splice\"", "null"] {
            let mut assembler = assembler();
            let text = format!(r#"51-["a",{{"_placeholder":true,"num":{num}}}]"#);
            assert_eq!(assembler.text(&text.into()), Ok(None));
            assert_eq!(assembler.binary("x".into()), Err(PacketError::Placeholder), "{num}");
        }
    }
}
