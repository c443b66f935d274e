package deployfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// A problem is a reason why the file cannot be used.
type problem struct {
	line int
	text string
}

// complain records a problem once, even if several places ask for the same
// value.
func (r *reader) complain(line int, format string, args ...any) {
	p := problem{max(line, 1), fmt.Sprintf(format, args...)}
	if !r.said[p] {
		r.said[p] = true
		r.problems = append(r.problems, p)
	}
}

// note records a setting that the local platform ignores.
func (r *reader) note(line int, format string, args ...any) {
	n := Note{line, fmt.Sprintf(format, args...)}
	if !r.said[n] {
		r.said[n] = true
		r.file.Notes = append(r.file.Notes, n)
	}
}

// result returns the file, or all problems as one error, in the order of their
// lines.
func (r *reader) result() (*File, error) {
	if len(r.problems) == 0 {
		r.misspelt()
		slices.SortStableFunc(r.file.Notes, func(a, b Note) int { return cmp.Compare(a.Line, b.Line) })
		return &r.file, nil
	}
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, p := range r.problems {
		all = append(all, fmt.Errorf("%s:%d: %s", r.file.Path, p.line, p.text))
	}
	return nil, errors.Join(all...)
}
