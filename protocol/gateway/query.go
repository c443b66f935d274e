package gateway

import (
	"net/url"
	"strings"
)

// writeQuery puts the query into an event.
func (g *Gateway) writeQuery(e object, raw string) {
	if g.query.raw != "" {
		e.set(g.query.raw, raw)
	}
	g.query.write(e, splitQuery(raw, g.query.escaped), g.none)
}

// readQuery returns the query of an event. Where a gateway decodes the query, the
// order of the names and the way in which the client escaped them are lost.
func (g *Gateway) readQuery(e object) (string, error) {
	if raw, ok := e.get(g.query.raw).(string); ok {
		return escape(raw, notInQuery), nil
	}
	all, err := g.query.read(e, asIs)
	if err != nil {
		return "", err
	}
	var pairs []string
	for _, name := range sorted(all) {
		for _, value := range all[name] {
			pairs = append(pairs, pair(name, value, g.query.escaped))
		}
	}
	return strings.Join(pairs, "&"), nil
}

// splitQuery returns the values of each name in a query.
func splitQuery(raw string, escaped bool) map[string][]string {
	all := map[string][]string{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if !escaped {
			name, value = unescape(name), unescape(value)
		}
		all[name] = append(all[name], value)
	}
	return all
}

func pair(name, value string, escaped bool) string {
	if escaped {
		return escape(name, notInQuery+"&=") + "=" + escape(value, notInQuery+"&")
	}
	return url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

// unescape decodes a part of a query. Text that is not a valid escape stays as it is.
func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// notInPath and notInQuery list characters that cannot be in a path or a query
// (RFC 3986, 3.3 and 3.4), besides blanks, controls and non-ASCII letters.
const (
	notInPath  = "?#\"<>\\^`{|}"
	notInQuery = "#"
)

// escape encodes characters that cannot be in a URL, and leaves valid escapes
// unchanged.
func escape(text, forbidden string) string {
	var b strings.Builder
	for i, c := range []byte(text) {
		switch {
		case c <= ' ' || c >= 0x7f || strings.IndexByte(forbidden, c) >= 0, c == '%' && !isEscape(text[i:]):
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isEscape reports whether a text begins with a percent sign and two hexadecimal
// digits.
func isEscape(text string) bool {
	isHex := func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }
	return len(text) > 2 && isHex(text[1]) && isHex(text[2])
}
