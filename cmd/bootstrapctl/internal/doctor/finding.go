// Package doctor finds the problems of a package before a platform does.
package doctor

import (
	"cmp"
	"slices"
	"strings"
)

// A Level says how bad a finding is.
type Level string

const (
	Error   Level = "error"   // the function cannot work
	Warning Level = "warning" // it may not do what its author expects
)

// A Finding is one thing that is wrong with a package.
type Finding struct {
	ID    string `json:"id"`
	Level Level  `json:"level"`
	File  string `json:"file,omitempty"`
	What  string `json:"what"`
	Cloud string `json:"cloud,omitempty"` // the platform's error
	Fix   string `json:"fix,omitempty"`
}

// A rule is a row of the table of findings. A check replaces each {name} in its
// texts.
type rule struct {
	id    string
	level Level
	what  string
	cloud map[string]string // the platform's error, by the platform's name; "" stands for all others
	fix   string
}

// all returns the cloud texts of a rule with the same error on every platform.
func all(text string) map[string]string { return map[string]string{"": text} }

// ruleOf returns the row with that identifier, which must exist. A test makes sure
// of that.
func ruleOf(id string) rule {
	return rules[slices.IndexFunc(rules, func(r rule) bool { return r.id == id })]
}

// finding fills in the texts of a row. Values are pairs of a name and a text.
func (r rule) finding(platform, file string, values ...string) Finding {
	pairs := []string{"{file}", file}
	for i := 0; i < len(values); i += 2 {
		pairs = append(pairs, "{"+values[i]+"}", values[i+1])
	}
	fill := strings.NewReplacer(pairs...).Replace
	cloud, ok := r.cloud[platform]
	if !ok {
		cloud = r.cloud[""]
	}
	return Finding{ID: r.id, Level: r.level, File: file, What: fill(r.what), Cloud: fill(cloud), Fix: fill(r.fix)}
}

// sortFindings sorts by importance: errors first, then in the order of the table,
// then by file.
func sortFindings(all []Finding) {
	rank := func(f Finding) int {
		n := slices.IndexFunc(rules, func(r rule) bool { return r.id == f.ID })
		if f.Level == Warning {
			n += len(rules)
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.File, b.File))
	})
}
