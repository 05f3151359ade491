package session

import "strings"

// forwardedElement is what one proxy said in a Forwarded field; empty is not said.
type forwardedElement struct{ from, proto string }

// forwardedElements reads the Forwarded fields of a header (RFC 7239, 4), nearest proxy last.
// A line that is not well-formed becomes one empty element: a client may have begun it with
// an open quote, to swallow what the proxy appends.
func forwardedElements(lines []string) []forwardedElement {
	var all []forwardedElement
	for _, line := range lines {
		elements, ok := parseForwarded(line)
		if !ok {
			elements = []forwardedElement{{}}
		}
		all = append(all, elements...)
	}
	return all
}

func parseForwarded(line string) (elements []forwardedElement, ok bool) {
	var e forwardedElement
	for rest := line; ; {
		var name, value string
		var ok bool
		name, rest, ok = strings.Cut(strings.TrimLeft(rest, " \t"), "=")
		if !ok || name == "" || strings.Trim(name, fieldNameChars) != "" {
			return nil, false
		}
		if value, rest, ok = forwardedValue(rest); !ok {
			return nil, false
		}
		switch strings.ToLower(name) {
		case "for":
			e.from = value
		case "proto":
			e.proto = value
		}
		rest = strings.TrimLeft(rest, " \t")
		switch {
		case rest == "":
			return append(elements, e), true
		case rest[0] == ',':
			elements, e = append(elements, e), forwardedElement{}
		case rest[0] != ';':
			return nil, false
		}
		rest = rest[1:]
	}
}

// forwardedValue splits a token or quoted string off s. Proxies also write IPv6 addresses and
// ports without the quotes that they need, so that a token ends only where the pair does.
func forwardedValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, ",; \t\"")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], end > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
