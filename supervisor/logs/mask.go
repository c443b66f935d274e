package logs

import (
	"container/list"
	"slices"
	"sort"
	"strings"
	"sync"
)

const (
	hidden     = "***" // replaces a secret
	minSecret  = 4     // bytes; shorter strings occur in every text
	maxPassing = 200   // lines of secrets of past events
)

// A Mask hides secrets in texts. The zero value knows no secret. A nil Mask hides
// nothing and cannot learn. Its methods may be called from several goroutines.
//
// It finds a secret however a language or a shell has escaped it, because it
// decodes the text before it searches. It also hides the beginning of a secret
// that was cut off, if a … follows it.
type Mask struct {
	mu      sync.Mutex
	secrets map[string]*secret // by line
	passing list.List          // the secrets that came with events, oldest first
	waiting map[*secret]bool   // secrets to add to the index when the next text comes
	index   index
}

// A secret is one line of a secret value.
type secret struct {
	line    string
	folded  string        // the line, folded as texts are before a search; empty if not indexed
	element *list.Element // in Mask.passing; nil if the mask never forgets it
	held    int           // running events that came with it
}

// Learn makes the mask hide each line of these values. Lines of fewer than four
// bytes are ignored.
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

// LearnPassing makes the mask hide the secrets of one event. The event calls done
// when it is over. The mask still hides the secrets after that, until those of
// later events replace them.
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

// secret returns the secret for a line, and adds it if it is new.
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

// forget removes the oldest secrets of past events until maxPassing are left.
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

// Hide replaces each secret in a text with ***, and secrets that overlap with a
// single ***.
func (m *Mask) Hide(text string) string { return m.hide(text, cuts{}) }

// HideHead does the same as Hide for a text whose end may be cut off within a
// secret.
func (m *Mask) HideHead(text string) string { return m.hide(text, cuts{end: true}) }

// HidePart does the same as Hide for a text that may be cut off at both ends.
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

// findRest finds the end or the middle of a secret at the beginning of the text,
// perhaps after the end of an escape sequence that was cut.
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

// A span is the part of a text between two offsets.
type span struct{ from, to int }

// spans are sorted by where they begin. They use package sort, as slices.SortFunc
// would make the program 10 KB larger.
type spans []span

func (s spans) Len() int           { return len(s) }
func (s spans) Less(i, j int) bool { return s[i].from < s[j].from }
func (s spans) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// replace replaces these parts of the text with ***.
func replace(text string, parts []span) string {
	sort.Sort(spans(parts))
	var b strings.Builder
	end := 0 // of the part that is written or hidden
	for _, p := range parts {
		if p.from >= end {
			b.WriteString(text[end:p.from] + hidden)
		}
		end = max(end, p.to)
	}
	return b.String() + text[end:]
}
