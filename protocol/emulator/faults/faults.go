// Package faults makes the runtime API of an emulator fail on purpose, as networks
// and platforms do, to test a runtime.
package faults

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bootstrap/internal/nearest"
)

// A Fault is a way in which calls can fail.
type Fault struct {
	Name     string
	Sentence string // what happens, for people

	call call // the calls that can have it
	act  func(s *Set, w http.ResponseWriter, r *http.Request, next http.Handler)
}

// list holds all faults.
var list = []Fault{
	{"next-500", "A poll is answered with status 500. On Lambda the runtime must exit then.", poll, status(http.StatusInternalServerError)},
	{"next-reset", "A poll is not answered: the connection is reset.", poll, reset},
	{"next-slow", "A poll reaches the platform half a second late.", poll, late},
	{"next-empty", "A poll is answered at once with status 200, and without an event.", poll, empty},
	{"next-garbage", "A poll is answered with bytes that are not HTTP.", poll, garbage},
	{"ready-500", "The report of a ready runtime gets status 500.", ready, status(http.StatusInternalServerError)},
	{"post-500", "An answer does not reach the platform, and gets status 500.", post, status(http.StatusInternalServerError)},
	{"post-413", "An answer does not reach the platform, and gets status 413: too large.", post, status(http.StatusRequestEntityTooLarge)},
	{"post-reset-before", "An answer does not reach the platform: the connection is reset.", post, reset},
	{"post-reset-after", "An answer reaches the platform, but then the connection is reset.", post, resetAfter},
	{"post-garbage", "An answer reaches the platform, but the reply to it is not HTTP.", post, garbageAfter},
	{"slow-body", "An event arrives in small pieces, within half a second.", poll, slowBody},
	{"slow-headers", "The headers of a reply arrive in small pieces, within half a second.", all, slowHeaders},
	{"split-writes", "A reply arrives in packets of one byte.", all, splitWrites},
	{"early-close", "The connection is closed after a reply that does not announce it.", all, earlyClose},
}

// A call is a set of kinds of calls.
type call int

const (
	poll call = 1 << iota
	ready
	post // of a result, an error or an init error
	other
	all = poll | ready | post | other
)

// List returns a copy of all faults.
func List() []Fault { return append([]Fault(nil), list...) }

// Help returns a text that explains all faults.
func Help() string {
	var b strings.Builder
	b.WriteString("Faults of the runtime API. NAME affects all calls, NAME=3 the first three, NAME=1/10 one of\nevery ten. Separate several faults with commas. A poll is the runtime's request for an event,\nan answer is the result or failure that it posts, and a reply is the platform's.\n\n")
	for _, f := range list {
		fmt.Fprintf(&b, "  %-18s %s\n", f.Name, f.Sentence)
	}
	return b.String()
}

// A Set is a list of faults. It is safe for concurrent use.
type Set struct {
	rules []*rule
	pause time.Duration // total duration of the pauses of a slow reply
}

// A rule says which calls have a fault.
type rule struct {
	Fault
	first int64 // number of calls at the beginning of each period that have it; 0: all
	every int64 // length of the period in calls; 0: the only period never ends
	seen  atomic.Int64
}

// slowness is how long a slow reply takes.
const slowness = 500 * time.Millisecond

// Parse parses a list such as "next-500=3,post-reset-after=1/10,slow-body". If
// several faults match a call, the first one in the list that is due happens.
// The error lists all mistakes.
func Parse(text string) (*Set, error) {
	s, wrong := &Set{pause: slowness}, []error(nil)
	for item := range strings.SplitSeq(text, ",") {
		r, err := parseRule(strings.TrimSpace(item))
		if err != nil {
			wrong = append(wrong, err)
		}
		s.rules = append(s.rules, r)
	}
	return s, errors.Join(wrong...)
}

func parseRule(item string) (*rule, error) {
	name, number, counted := strings.Cut(item, "=")
	fault, err := find(name)
	if err != nil || !counted {
		return &rule{Fault: fault}, err
	}
	first, every, periodic := strings.Cut(number, "/")
	r := &rule{Fault: fault}
	r.first, err = strconv.ParseInt(first, 10, 64)
	if err == nil && periodic {
		r.every, err = strconv.ParseInt(every, 10, 64)
	}
	if err != nil || r.first < 1 || periodic && r.every < r.first {
		return nil, fmt.Errorf("cannot read the fault %q: expected %s, %s=3 or %s=1/10", item, name, name, name)
	}
	return r, nil
}

func find(name string) (Fault, error) {
	var names []string
	for _, f := range list {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	hint := ""
	if near, ok := nearest.Of(name, names); ok {
		hint = fmt.Sprintf(": did you mean %s?", near)
	}
	return Fault{}, fmt.Errorf("unknown fault %q%s", name, hint)
}

// happens counts a call and reports whether it has the fault.
func (r *rule) happens() bool {
	n := r.seen.Add(1) - 1
	if r.every > 0 {
		n %= r.every
	}
	return r.first == 0 || n < r.first
}
