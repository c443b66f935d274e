package deployfile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// A language resolves the references in a deploy file.
type language interface {
	// text returns the text of a node, and reports whether it could be resolved. It
	// complains about a node that cannot be.
	text(node *yaml.Node) (string, bool)

	// whole returns the mapping or list that a node refers to, or the node itself.
	whole(node *yaml.Node) *yaml.Node
}

// maxText bounds the length of a text, because a text can contain others
// several times.
const maxText = 64 << 10

// maxDepth bounds the depth of references.
const maxDepth = 50

// scalar returns the text of a value. It reports false if the file does not have it,
// or after a complaint.
func (v value) scalar() (string, bool) {
	if !v.given() {
		return "", false
	}
	v.node = alias(v.node)
	v.r.depth++
	defer func() { v.r.depth-- }()
	if v.r.depth > maxDepth || !v.r.step(v.node, 1) {
		v.r.complain(v.line(), "%s: it refers to itself", v.name)
		return "", false
	}
	text, ok := v.r.language.text(v.node)
	v.r.step(v.node, len(text)/64)
	if len(text) > maxText {
		v.expected(fmt.Sprintf("at most %d bytes", maxText))
		return "", false
	}
	return text, ok
}

// text returns the text of a value, or a default.
func (v value) text(absent string) string {
	if text, ok := v.scalar(); ok {
		return text
	}
	return absent
}

// number returns a whole number of at least a minimum, or a default.
func (v value) number(least, absent int) int {
	text, ok := v.scalar()
	if !ok {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > math.MaxInt32 {
		v.expected(fmt.Sprintf("a whole number from %d, found %q", least, text))
		return absent
	}
	return n
}

// seconds returns a duration of at least a second, or a default.
func (v value) seconds(absent int) time.Duration {
	return time.Duration(v.number(1, absent)) * time.Second
}

// flag returns a truth value, or a default.
func (v value) flag(absent bool) bool {
	text, ok := v.scalar()
	if !ok {
		return absent
	}
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	v.expected("true or false, found " + strconv.Quote(text))
	return absent
}

// message returns a text, or a mapping or a list as JSON.
func (v value) message() string {
	if !v.is(yaml.MappingNode) && !v.is(yaml.SequenceNode) {
		return v.text("")
	}
	text, _ := json.Marshal(v.plain(0)) // cannot fail: there are only texts, lists and maps
	return string(text)
}

// plain returns a value in Go's types for JSON.
func (v value) plain(depth int) any {
	v = v.follow()
	switch {
	case !v.given() || !v.r.step(v.node, 1):
		return nil
	case depth > maxDepth:
		v.r.complain(v.line(), "%s: nested more than %d deep", v.name, maxDepth)
		return nil
	case v.is(yaml.MappingNode):
		all := map[string]any{}
		for _, p := range v.pairs() {
			all[p.key] = p.plain(depth + 1)
		}
		return all
	case v.is(yaml.SequenceNode):
		all := []any{}
		for _, item := range v.items() {
			all = append(all, item.plain(depth+1))
		}
		return all
	}
	return v.literal()
}

// literal returns a scalar in its JSON type: a number, a truth value, null or a
// text.
func (v value) literal() any {
	text, ok := v.scalar()
	if !ok {
		return nil
	}
	switch v.node.Tag {
	case "!!int", "!!float", "!!bool":
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	}
	return text
}
