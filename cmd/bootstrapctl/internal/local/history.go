package local

import (
	"slices"
	"sync"
)

// A history stores the latest invocations of a function.
type history struct {
	mu  sync.Mutex
	all []*Invocation // the oldest first
}

// add stores the state of an invocation, and replaces an earlier state of the
// same invocation.
func (h *history) add(inv *Invocation) {
	kept := *inv // its owner may change it later
	if len(kept.Event) > maxKept {
		kept.Event = nil
	}
	if len(kept.Outcome.Body) > maxKept {
		kept.Outcome.Body = nil
	}
	kept.Fault = kept.Fault.kept()
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.all, func(other *Invocation) bool { return other.ID == inv.ID })
	if i >= 0 {
		h.all[i] = &kept
		return
	}
	h.all = append(h.all, &kept)
	if len(h.all) > maxHistory {
		h.all = slices.Delete(h.all, 0, 1)
	}
}

func (h *history) find(id string) *Invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, inv := range h.all {
		if inv.ID == id {
			return inv
		}
	}
	return nil
}

func (h *history) list() []*Invocation {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := slices.Clone(h.all)
	slices.Reverse(all)
	return all
}
