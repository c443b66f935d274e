package deployfile

import (
	"strings"

	"bootstrap/internal/nearest"

	"go.yaml.in/yaml/v4"
)

// ask remembers that something reads a key of a mapping.
func (r *reader) ask(mapping *yaml.Node, key string) {
	if r.asked[mapping] == nil {
		r.asked[mapping] = map[string]bool{}
	}
	r.asked[mapping][key] = true
}

// misspelt notes unread keys that resemble a missing key, such as enabled for
// enable. The tools ignore such keys silently.
func (r *reader) misspelt() {
	for mapping, keys := range r.asked {
		if mapping == r.root.node {
			continue // several formats have been tried on it
		}
		for _, p := range r.mappings[mapping] {
			if meant := meant(p.key, keys, r.mappings[mapping]); !keys[p.key] && meant != "" {
				r.note(p.line, "unknown key %s: did you mean %s?", p.key, meant)
			}
		}
	}
}

// meant returns the missing key that is at most two letters away, or "". Capitals do
// not count.
func meant(key string, keys map[string]bool, given []pair) string {
	if len(key) < 5 {
		return ""
	}
	best, least := "", 3
	for other := range keys {
		d := nearest.Distance(strings.ToLower(key), strings.ToLower(other))
		if (d < least || d == least && other < best) && index(given, other) < 0 {
			best, least = other, d
		}
	}
	return best
}
