package deployfile

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// mapping returns the pairs of a node. outer holds the nodes that merge it. It reads
// each node once, so aliases to the same node cost nothing.
func (r *reader) mapping(node *yaml.Node, outer []*yaml.Node) []pair {
	all, ok := r.mappings[node]
	if !ok {
		all = r.pairs(node, append(outer, node))
		r.mappings[node] = all
	}
	return all
}

func (r *reader) pairs(node *yaml.Node, outer []*yaml.Node) []pair {
	var own, merged []pair
	lines := map[string]int{} // of the keys
	for i := 0; i+1 < len(node.Content) && r.step(node, 1); i += 2 {
		key, child := alias(node.Content[i]), node.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, r.merge(child, outer)...)
			continue
		}
		if line := lines[key.Value]; line != 0 {
			r.complain(key.Line, "%s is already set in line %d", key.Value, line)
			continue
		}
		lines[key.Value] = key.Line
		own = append(own, pair{key.Value, key.Line, value{r, child, key.Value, key.Line}})
	}
	for _, p := range merged {
		if lines[p.key] == 0 {
			lines[p.key] = p.line
			own = append(own, p)
		}
	}
	return own
}

// merge returns the pairs of a merged mapping, or of a list of merged mappings.
func (r *reader) merge(node *yaml.Node, outer []*yaml.Node) []pair {
	node = alias(node)
	switch {
	case slices.Contains(outer, node):
		r.complain(node.Line, "<<: this mapping merges itself")
	case node.Kind == yaml.MappingNode:
		return r.mapping(node, outer)
	case node.Kind == yaml.SequenceNode:
		return r.mergeAll(node, append(outer, node))
	default:
		r.complain(node.Line, "<<: expected a mapping")
	}
	return nil
}

func (r *reader) mergeAll(list *yaml.Node, outer []*yaml.Node) []pair {
	var all []pair
	for _, node := range list.Content {
		if !r.step(node, 1) {
			break
		}
		all = append(all, r.merge(node, outer)...)
	}
	return all
}
