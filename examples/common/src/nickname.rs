const CHARS: usize = 24;

/// Why a nickname is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NicknameError {
    /// There is nothing in it.
    #[error("a nickname is needed")]
    Empty,
    /// It would not fit the page.
    #[error("a nickname has at most {CHARS} characters")]
    Long,
}

/// The nickname that a client asks for, without the space around it.
///
/// # Errors
/// Says why it is none.
pub fn nickname(asked: &str) -> Result<&str, NicknameError> {
    match asked.trim() {
        "" => Err(NicknameError::Empty),
        name if name.chars().count() > CHARS => Err(NicknameError::Long),
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_is_trimmed_and_bounded() {
        assert_eq!(nickname("  Ada \n"), Ok("Ada"));
        assert_eq!(nickname(" \t"), Err(NicknameError::Empty));
        assert!(nickname(&"é".repeat(24)).is_ok());
        assert_eq!(nickname(&"é".repeat(25)), Err(NicknameError::Long));
    }
}
