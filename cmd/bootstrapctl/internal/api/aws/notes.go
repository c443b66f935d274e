package aws

import (
	"maps"
	"slices"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// notes are what the API keeps of a function, and the cloud does not.
type notes struct {
	echoed
	tags       map[string]string
	statements []statement // of the function's policy
	throttled  bool        // its reserved concurrency is 0
	urlCreated time.Time
	urlChanged time.Time
}

// notesOf returns the notes of a function.
func (a *API) notesOf(f *local.Function) notes {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.notes[f]
	n.tags, n.statements = maps.Clone(n.tags), slices.Clone(n.statements)
	return n
}

// note changes the notes of a function, and deletes the notes of functions that no
// longer exist.
func (a *API) note(f *local.Function, change func(n *notes)) {
	exist := a.cloud.Functions(protocol.Lambda)
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.notes, func(f *local.Function, _ notes) bool { return !slices.Contains(exist, f) })
	n := a.notes[f]
	n.tags, n.statements = maps.Clone(n.tags), slices.Clone(n.statements)
	if n.tags == nil {
		n.tags = map[string]string{}
	}
	change(&n)
	a.notes[f] = n
}
