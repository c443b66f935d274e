// Package doctor finds what is wrong with a package before a platform does.
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
	Warning Level = "warning" // it may not do what is meant
)

// A Finding is one thing that is wrong with a package.
type Finding struct {
	ID    string `json:"id"`
	Level Level  `json:"level"`
	File  string `json:"file,omitempty"`
	What  string `json:"what"`
	Cloud string `json:"cloud,omitempty"` // what the platform says of it
	Fix   string `json:"fix,omitempty"`
}

// A rule is a row of the table of findings. Its texts have {names} for what a
// check fills in.
type rule struct {
	id    string
	level Level
	what  string
	cloud map[string]string // the platform's text, by the platform's name; "": of each other one
	fix   string
}

// all is the cloud text of a rule that is the same everywhere.
func all(text string) map[string]string { return map[string]string{"": text} }

// ruleOf returns the row with that identifier. Only rows of the table are asked
// for, which a test makes sure of.
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

// sortFindings puts the most important first: errors, then in the order of the
// table, then by file.
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
