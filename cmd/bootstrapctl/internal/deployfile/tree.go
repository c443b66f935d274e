package deployfile

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// A value is a place in the tree of a file. Its node is nil if the file does not
// have it; then everything below it is absent too.
type value struct {
	r     *reader
	node  *yaml.Node
	name  string // its key, for messages
	above int    // the line of its key, or of what should hold it
}

// A pair is a key of a mapping and its value.
type pair struct {
	key  string
	line int
	value
}

// given reports whether the file has the value. Null counts as missing.
func (v value) given() bool { return v.node != nil && alias(v.node).Tag != "!!null" }

// is reports whether the value is of a kind: a mapping, a list or a scalar.
func (v value) is(kind yaml.Kind) bool {
	v = v.follow()
	return v.given() && v.node.Kind == kind
}

// line returns the line of the value, or of what should hold it.
func (v value) line() int {
	if v.node == nil {
		return v.above
	}
	return v.node.Line
}

// get returns the value below some keys.
func (v value) get(keys ...string) value {
	for _, key := range keys {
		v = v.child(key)
	}
	return v
}

func (v value) child(key string) value {
	all := v.pairs()
	if all != nil {
		v.r.ask(v.follow().node, key)
	}
	if i := index(all, key); i >= 0 {
		return all[i].value
	}
	return value{v.r, nil, key, v.line()}
}

// index returns the index of a key, or -1.
func index(all []pair, key string) int {
	return slices.IndexFunc(all, func(p pair) bool { return p.key == key })
}

// or returns the value, or the first of some others if the file does not have it.
func (v value) or(others ...value) value {
	for _, other := range others {
		if !v.given() {
			v.node = other.node
		}
	}
	return v
}

// pairs returns the keys and values of a mapping, with those of merged mappings
// (<<) that it does not have itself.
func (v value) pairs() []pair {
	v = v.follow()
	if !v.given() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.mistaken("a mapping (name: value)")
		return nil
	}
	all := v.r.mapping(v.node, nil)
	if !v.r.step(v.node, len(all)/32) {
		return nil
	}
	return all
}

// items returns the values of a list.
func (v value) items() []value {
	v = v.follow()
	if !v.given() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.mistaken("a list (- item)")
		return nil
	}
	var all []value
	for _, node := range v.node.Content {
		if v.r.step(node, 1) {
			all = append(all, value{v.r, node, v.name, node.Line})
		}
	}
	return all
}

// expected complains about a value that is not what it should be.
func (v value) expected(what string) {
	v.r.complain(v.line(), "%s: expected %s", v.name, what)
}

// mistaken complains about a value of the wrong kind, or about a variable that
// cannot be resolved.
func (v value) mistaken(what string) {
	if v.node.Kind == yaml.ScalarNode {
		if _, ok := v.scalar(); !ok {
			return
		}
	}
	v.expected(what)
}

// follow replaces an alias, and a variable for a mapping or a list, by what it
// refers to.
func (v value) follow() value {
	if v.given() {
		v.node = alias(v.node)
		v.node = v.r.language.whole(v.node)
	}
	return v
}

// alias returns the node that an alias refers to.
func alias(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}
