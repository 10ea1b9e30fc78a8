//! Character references in attribute values.

/// Decodes the character references that occur in addresses; others stay as they are.
pub(super) fn decode(value: &str) -> String {
    const LONGEST: usize = 10;
    let mut decoded = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        decoded.push_str(before);
        let body = reference.get(1..).unwrap_or_default();
        let end = body.char_indices().take(LONGEST).find(|(_, c)| *c == ';').map(|(end, _)| end);
        match end.and_then(|end| Some((end, character(body.get(..end)?)?))) {
            Some((end, character)) => {
                decoded.push(character);
                rest = body.get(end + 1..).unwrap_or_default();
            }
            None => {
                decoded.push('&');
                rest = body;
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|&c| c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "sol" => '/',
        "colon" => ':',
        "period" => '.',
        "Tab" => '\t',
        "NewLine" => '\n',
        _ => return None,
    })
}
