package logs

import (
	"cmp"
	"container/list"
	"slices"
	"strings"
	"sync"
)

const (
	hidden     = "***" // stands where a secret was
	minSecret  = 4     // bytes; what is shorter is in every text
	maxPassing = 200   // lines of secrets that come with events, but for those in hand
)

// A Mask hides secrets in texts. The zero value knows none; nil will do where
// there is none to learn. Its methods may be called at the same time.
//
// It finds a secret however a language or a shell has escaped it: it decodes the
// text, not the secret. It also hides what is left of one that was cut, where the
// text says so with a … behind it.
type Mask struct {
	mu      sync.Mutex
	secrets map[string]*secret // by their lines
	passing list.List          // of those that come with events, the oldest first
	waiting map[*secret]bool   // to be indexed when the next text comes
	index   index
}

// A secret is one line of what must not show.
type secret struct {
	line   string
	folded string        // as texts are when it is looked for; "": not indexed
	element  *list.Element // in Mask.passing; nil: it lasts
	held   int           // events in hand that came with it
}

// Learn makes the mask hide these values, too, and each line of them. What has
// fewer than four bytes is no secret.
func (m *Mask) Learn(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range secretLines(values) {
		s, _ := m.secret(line)
		if s.element != nil {
			m.passing.Remove(s.element)
			s.element = nil
		}
	}
}

// LearnPassing does so with what comes with an event, until done is called and
// for some time more: it changes now and then, and new ones take the place of
// the oldest of events that are over.
func (m *Mask) LearnPassing(values ...string) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*secret
	for _, line := range secretLines(values) {
		s, isNew := m.secret(line)
		switch {
		case isNew:
			s.element = m.passing.PushBack(s)
		case s.element != nil:
			m.passing.MoveToBack(s.element)
		}
		s.held++
		all = append(all, s)
	}
	m.forget()
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, s := range all {
			s.held--
		}
	}
}

// secret returns the secret of a line, which may be new.
func (m *Mask) secret(line string) (s *secret, isNew bool) {
	if s = m.secrets[line]; s != nil {
		return s, false
	}
	if m.secrets == nil {
		m.secrets, m.waiting = map[string]*secret{}, map[*secret]bool{}
	}
	s = &secret{line: line}
	m.secrets[line], m.waiting[s] = s, true
	return s, true
}

// forget drops the oldest that are too many, but for those of events in hand.
func (m *Mask) forget() {
	for e := m.passing.Front(); e != nil && m.passing.Len() > maxPassing; {
		s := e.Value.(*secret)
		e = e.Next()
		if s.held > 0 {
			continue
		}
		m.passing.Remove(s.element)
		delete(m.secrets, s.line)
		delete(m.waiting, s)
		m.index.remove(s)
	}
}

func secretLines(values []string) (lines []string) {
	for _, value := range values {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minSecret && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// Hide replaces all secrets in a text; those that overlap, by one mark.
func (m *Mask) Hide(text string) string { return m.hide(text, cuts{}) }

// HideHead does so in a text whose end may be cut off, within a secret.
func (m *Mask) HideHead(text string) string { return m.hide(text, cuts{end: true}) }

// HidePart does so in a text that may be cut off at both ends.
func (m *Mask) HidePart(text string) string { return m.hide(text, cuts{start: true, end: true}) }

// cuts says where a text may be cut off.
type cuts struct{ start, end bool }

func (m *Mask) hide(text string, cut cuts) string {
	if m == nil {
		return text
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.secrets) == 0 {
		return text
	}
	for s := range m.waiting {
		m.index.add(s)
		delete(m.waiting, s)
	}
	var found []span
	for v := range views(text) {
		found = m.index.find(found, v, cut.end)
		if cut.start {
			found = m.findRest(found, v)
		}
	}
	return replace(text, found)
}

// findRest finds a beginning of the text that ends a secret, or is within one. What
// the text begins with may be the rest of an escape sequence.
func (m *Mask) findRest(found []span, v view) []span {
	for skip := 0; skip <= len(`\u002`) && strings.Trim(v.text[:min(skip, len(v.text))], "ux0123456789abcdefABCDEF") == ""; skip++ {
		text := v.text[min(skip, len(v.text)):]
		if len(text) < minSecret {
			break
		}
		for _, s := range m.secrets {
			for from := 0; ; from++ {
				at := strings.Index(s.folded[from:], text[:minSecret])
				if at < 0 {
					break
				}
				from += at
				if n := common(text, s.folded[from:]); n == len(text) || n == len(s.folded)-from {
					found = append(found, v.span(0, skip+n))
				}
			}
		}
	}
	return found
}

// A span is a part of a text, from one byte up to another.
type span struct{ from, to int }

// replace hides these parts of the text.
func replace(text string, parts []span) string {
	slices.SortFunc(parts, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	end := 0 // of what is written, or hidden
	for _, p := range parts {
		if p.from >= end {
			b.WriteString(text[end:p.from] + hidden)
		}
		end = max(end, p.to)
	}
	return b.String() + text[end:]
}
