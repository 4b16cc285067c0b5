//! Takes a `multipart/form-data` body apart. Pure: bytes in, parts out, no copy of the file data.

use bytes::Bytes;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) filename: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) data: Bytes,
}

/// The boundary of a `Content-Type: multipart/form-data`.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// The parts of a body; `None` when it is not well formed.
pub(crate) fn parse(boundary: &str, body: &Bytes) -> Option<Vec<Part>> {
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let mut at = find(body, opening.as_bytes(), 0)? + opening.len();
    let mut parts = Vec::new();
    loop {
        if body.get(at..at + 2)? == b"--" {
            return Some(parts);
        }
        let head_from = at + find(body.get(at..)?, b"\r\n", 0)? + 2;
        let head_to = find(body, b"\r\n\r\n", head_from)?;
        let data_from = head_to + 4;
        // An empty part has its delimiter right behind its head.
        let data_to = find(body, delimiter.as_bytes(), data_from - 2)?.max(data_from);
        let head = std::str::from_utf8(body.get(head_from..head_to)?).ok()?;
        parts.push(part(head, body.slice(data_from..data_to))?);
        at = find(body, delimiter.as_bytes(), data_from - 2)? + delimiter.len();
    }
}

fn find(body: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?
        .windows(needle.len())
        .position(|window| window == needle)
        .map(|position| position + from)
}

fn part(head: &str, data: Bytes) -> Option<Part> {
    let header = |wanted: &str| {
        head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    };
    let disposition = header("content-disposition")?;
    let parameter = |wanted: &str| {
        disposition.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    Some(Part {
        name: parameter("name")?,
        filename: parameter("filename"),
        content_type: header("content-type").map(str::to_owned),
        data,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_found() {
        let cases = [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "Multipart/Form-Data; charset=utf-8; boundary=\"a b\"",
                Some("a b"),
            ),
            ("application/json", None),
            ("application/json; boundary=abc", None),
        ];
        for (content_type, expected) in cases {
            assert_eq!(boundary(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn parts_come_out_whole() {
        let body = Bytes::from_static(
            b"--X\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{}\r\n\
              --X\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.png\"\r\n\
              Content-Type: image/png\r\n\r\nab\r\n--Y\r\n\r\ncd\r\n\
              --X\r\nContent-Disposition: form-data; name=\"files[1]\"; filename=\"empty\"\r\n\r\n\r\n--X--\r\n",
        );
        let parts = parse("X", &body).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!(
            (parts[0].name.as_str(), &parts[0].data[..]),
            ("payload_json", &b"{}"[..])
        );
        assert_eq!(parts[1].filename.as_deref(), Some("a.png"));
        assert_eq!(parts[1].content_type.as_deref(), Some("image/png"));
        assert_eq!(&parts[1].data[..], b"ab\r\n--Y\r\n\r\ncd");
        assert!(parts[2].data.is_empty());
    }

    #[test]
    fn a_broken_body_is_refused() {
        for body in [
            "",
            "--X",
            "--X\r\nname\r\n\r\nabc",
            "--Y--",
            "--X\r\n\r\nabc\r\n--X--",
        ] {
            assert_eq!(
                parse("X", &Bytes::from_static(body.as_bytes())),
                None,
                "{body:?}"
            );
        }
    }
}
