package sip

import "strings"

const typeSDP = "application/sdp"

// description finds the session description in a body: the body itself or the
// part of a multipart that is one. ok is false for a body of another type; no
// body is a description of "".
func description(m *message) (sdp string, ok bool) {
	if m.body == "" {
		return "", true
	}
	kind, params, _ := strings.Cut(m.get(hContentType), ";")
	kind = strings.ToLower(trim(kind))
	switch {
	case kind == typeSDP:
		return m.body, true
	case strings.HasPrefix(kind, "multipart/"):
		boundary, _ := param(params, "boundary")
		sdp := part(m.body, boundary)
		return sdp, sdp != ""
	}
	return "", false
}

// takes says whether an Accept header allows a type.
func (m *message) takes(kind string) bool {
	group, _, _ := strings.Cut(kind, "/")
	for _, list := range m.values(hAccept) {
		for list != "" {
			var one string
			one, list, _ = nextInList(list)
			one, _, _ = strings.Cut(one, ";")
			switch one = strings.ToLower(trim(one)); one {
			case kind, group + "/*", "*/*":
				return true
			}
		}
	}
	return false
}

// maxParts bounds how many parts of a body are looked at.
const maxParts = 16

// part is the content of the first part that is a description (RFC 2046, 5.1).
func part(body, boundary string) string {
	if boundary == "" || len(boundary) > 70 {
		return ""
	}
	sections := strings.SplitN("\r\n"+body, "\r\n--"+boundary, maxParts+1)
	for _, s := range sections[1:] {
		if strings.HasPrefix(s, "--") {
			return ""
		}
		_, s, _ = strings.Cut(s, "\r\n") // padding behind the boundary
		if rest, ok := strings.CutPrefix(s, "\r\n"); ok {
			s = "\r\n\r\n" + rest
		}
		head, content, ok := strings.Cut(s, "\r\n\r\n")
		if !ok {
			continue
		}
		for _, line := range strings.Split(head, "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			kind, _, _ := strings.Cut(value, ";")
			if headerID(trim(name)) == hContentType && strings.EqualFold(trim(kind), typeSDP) {
				return content
			}
		}
	}
	return ""
}
